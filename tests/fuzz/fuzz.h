/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a fuzz target is: one function that takes any bytes. What it finds wrong
 * it ends the program with. libFuzzer calls it with what it makes up, corpus.c
 * with what is kept in corpus/.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that NDEBUG does not take out. */
#define MUST(condition) do { \
                if (!(condition)) { \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
                        abort(); \
                } \
        } while (0)
