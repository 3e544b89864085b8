/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * cmocka with the headers it wants to find before it. One group of tests a
 * program; a program that can test nothing on this machine says why and
 * returns UNIT_SKIPPED.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNIT_SKIPPED 77         /* meson's word for it */
