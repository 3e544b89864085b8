/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Programs that come with bgtd
 *
 * Beside it where they are installed, in a folder below it in a build tree.
 */

/* The path of @name, the caller's; @folder is where the build tree has it. -ENOENT. */
int program_find(const char *name, const char *folder, char **ret);
