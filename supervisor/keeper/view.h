/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The tasks' view of the mounts
 *
 * A mount namespace like ours, but with every cgroup tree read-only, that a
 * child enters before it becomes the task: one for all of them, since making
 * one costs more than making the process. Where mounts are shared, as under
 * systemd, what is mounted on either side later appears on the other. Where
 * they are not there is no such view: a mount made by a task would be seen by
 * nobody else, and one made for it not by the task.
 */

/* The namespace's descriptor, the caller's; -1: there is no view here. */
int view_open(void);
