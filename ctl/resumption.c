/* SPDX-License-Identifier: MIT */
#include "ctl/resumption.h"

#include <string.h>

#include "lib/wire/output-note.h"

void resumption_init(Resumption *resumption, bool whole) {
        *resumption = (Resumption) { .counts = whole, .state = whole ? RESUMPTION_HEAD : RESUMPTION_PRINT };
}

void resumption_done(Resumption *resumption) {
        text_done(&resumption->held);
}

void resumption_again(Resumption *resumption) {
        text_done(&resumption->held);
        if (resumption->counts)
                resumption->state = RESUMPTION_HEAD;
        else
                resumption->state = resumption->n_tail > 0 ? RESUMPTION_SEARCH : RESUMPTION_PRINT;
}

static void tail_append(Resumption *resumption, const char *data, size_t size) {
        size_t keep;

        if (size > RESUMPTION_TAIL) {
                data += size - RESUMPTION_TAIL;
                size = RESUMPTION_TAIL;
        }
        keep = resumption->n_tail + size > RESUMPTION_TAIL ? RESUMPTION_TAIL - size : resumption->n_tail;
        memmove(resumption->tail, resumption->tail + resumption->n_tail - keep, keep);
        memcpy(resumption->tail + keep, data, size);
        resumption->n_tail = keep + size;
}

static void print(Resumption *resumption, const char *data, size_t size, Text *out) {
        text_append_bytes(out, data, size);
        resumption->position += size;
        if (!resumption->counts)
                tail_append(resumption, data, size);
}

static void skip(Resumption *resumption, const char *data, size_t size, Text *out) {
        size_t n = resumption->skip < size ? (size_t) resumption->skip : size;

        resumption->skip -= n;
        if (resumption->skip > 0)
                return;
        resumption->state = RESUMPTION_PRINT;
        print(resumption, data + n, size - n, out);
}

/* The first line has come, or enough to see that it is not the note. */
static void head_decide(Resumption *resumption, const char *line, size_t size, Text *out) {
        uint64_t begins = 0;

        if (output_note_parse(line, size, &begins)) {
                if (begins > resumption->position) {
                        text_append_bytes(out, line, size);
                        resumption->position = begins;
                }
                size = 0;
        }
        resumption->skip = resumption->position - begins;
        resumption->state = RESUMPTION_SKIP;
        skip(resumption, line, size, out);
}

static void head(Resumption *resumption, const char *data, size_t size, Text *out) {
        const char *end = memchr(data, '\n', size);
        size_t n = end ? (size_t) (end + 1 - data) : size;
        Text line;

        text_append_bytes(&resumption->held, data, n);
        if (!end && resumption->held.length < OUTPUT_NOTE_MAX)
                return;
        line = resumption->held;
        resumption->held = (Text) {};
        if (line.failed)
                out->failed = true;
        else
                head_decide(resumption, line.data, line.length, out);
        text_done(&line);
        resumption_feed(resumption, data + n, size - n, out);
}

static void search(Resumption *resumption, const char *data, size_t size, Text *out) {
        Text *held = &resumption->held;
        const char *found;
        size_t keep;

        text_append_bytes(held, data, size);
        if (held->failed) {
                out->failed = true;
                return;
        }
        found = memmem(held->data, held->length, resumption->tail, resumption->n_tail);
        if (found) {
                Text all = *held;
                size_t behind = (size_t) (found - all.data) + resumption->n_tail;

                *held = (Text) {};
                resumption->state = RESUMPTION_PRINT;
                print(resumption, all.data + behind, all.length - behind, out);
                text_done(&all);
                return;
        }
        keep = held->length < resumption->n_tail ? held->length : resumption->n_tail - 1;
        memmove(held->data, held->data + held->length - keep, keep);
        held->length = keep;
}

void resumption_feed(Resumption *resumption, const char *data, size_t size, Text *out) {
        if (size == 0)
                return;
        switch (resumption->state) {
        case RESUMPTION_HEAD:
                head(resumption, data, size, out);
                break;
        case RESUMPTION_SKIP:
                skip(resumption, data, size, out);
                break;
        case RESUMPTION_SEARCH:
                search(resumption, data, size, out);
                break;
        case RESUMPTION_PRINT:
                print(resumption, data, size, out);
                break;
        }
}

void resumption_end(Resumption *resumption, Text *out) {
        Text line = resumption->held;

        if (resumption->state != RESUMPTION_HEAD || line.length == 0)
                return;
        resumption->held = (Text) {};
        head_decide(resumption, line.data, line.length, out);
        text_done(&line);
}
