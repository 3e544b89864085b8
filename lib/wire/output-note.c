/* SPDX-License-Identifier: MIT */
#include "lib/wire/output-note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BEFORE "[bgt: the first "

void output_note_format(uint64_t bytes, char ret[static OUTPUT_NOTE_MAX]) {
        (void) snprintf(ret, OUTPUT_NOTE_MAX, BEFORE "%" PRIu64 " bytes are gone, the output passed its bound]\n", bytes);
}

bool output_note_parse(const char *line, size_t size, uint64_t *ret_bytes) {
        char copy[OUTPUT_NOTE_MAX], again[OUTPUT_NOTE_MAX];
        uint64_t bytes;

        if (size >= sizeof copy || strnlen(line, size) < size)
                return false;
        memcpy(copy, line, size);
        copy[size] = '\0';
        if (sscanf(copy, BEFORE "%" SCNu64, &bytes) != 1)
                return false;
        output_note_format(bytes, again);
        if (strcmp(copy, again) != 0)
                return false;
        *ret_bytes = bytes;
        return true;
}
