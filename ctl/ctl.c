/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/visible.h"
#include "lib/base/clock.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"

#define TIMEOUT_DEFAULT_USEC (30 * USEC_PER_SEC)

static int ctl_find_socket(Ctl *ctl) {
        const char *path = arguments_value(&ctl->arguments, "socket"), *runtime = getenv("XDG_RUNTIME_DIR");

        if (path)
                ctl->socket_path = strdup(path);
        else if (!ctl->user)
                ctl->socket_path = strdup("/run/bgt/bus");
        else if (runtime && *runtime)
                ctl->socket_path = text_format("%s/bgt/bus", runtime);
        else
                return trouble_usage(&ctl->trouble, "--user needs XDG_RUNTIME_DIR, which is not set here; name the socket with --socket.");
        return ctl->socket_path ? 0 : trouble_failed(&ctl->trouble, -ENOMEM, "Cannot find bgtd");
}

int ctl_init(Ctl *ctl, bool own_timeout) {
        static const char *const whose[] = { "user", "system", NULL };
        const Arguments *a = &ctl->arguments;
        const char *timeout = arguments_value(a, "timeout"), *color = arguments_value(a, "color");
        int r;

        ctl->json = arguments_has(a, "json");
        ctl->quiet = arguments_has(a, "quiet");
        ctl->user = arguments_has(a, "user");
        ctl->no_pager = arguments_has(a, "no-pager");
        ctl->terminal = terminal_of_output(color);
        ctl->timeout_usec = TIMEOUT_DEFAULT_USEC;

        r = arguments_exclude(a, whose, &ctl->trouble);
        if (r < 0)
                return r;
        if (color && strcmp(color, "auto") != 0 && strcmp(color, "never") != 0 && strcmp(color, "always") != 0)
                return trouble_usage(&ctl->trouble, "--color is auto, never or always, not %s.", color);
        if (timeout && !own_timeout && quantity_parse_span(timeout, &ctl->timeout_usec) < 0)
                return trouble_usage(&ctl->trouble, "--timeout is a time such as 90 or 2min, not %s.", timeout);
        r = ctl_find_socket(ctl);
        if (r < 0)
                return r;
        return client_new(&ctl->client, ctl->socket_path, &ctl->trouble);
}

void ctl_done(Ctl *ctl) {
        client_free(ctl->client);
        free(ctl->socket_path);
        text_done(&ctl->out);
        arguments_done(&ctl->arguments);
}

uint64_t ctl_deadline(const Ctl *ctl) {
        return usec_add(clock_now_usec(CLOCK_MONOTONIC), ctl->timeout_usec);
}

int ctl_call(Ctl *ctl, const char *method, const char *signature, const Value *const *arguments, Value **ret) {
        ClientCall call = { .method = method, .signature = signature, .arguments = arguments, .deadline_usec = ctl_deadline(ctl) };

        return client_call(ctl->client, &call, ret);
}

static int ctl_take_out(Ctl *ctl, char **ret, size_t *ret_size) {
        size_t size = ctl->out.length;
        char *data = text_take(&ctl->out);

        if (!data)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot print");
        *ret = data;
        *ret_size = size;
        return 0;
}

int ctl_flush(Ctl *ctl) {
        _cleanup_(freep) char *data = NULL;
        size_t size = 0;
        int r;

        r = ctl_take_out(ctl, &data, &size);
        return r < 0 ? r : terminal_write(data, size, &ctl->trouble);
}

int ctl_finish(Ctl *ctl) {
        _cleanup_(freep) char *data = NULL;
        size_t size = 0;
        int r;

        r = ctl_take_out(ctl, &data, &size);
        if (r < 0)
                return r;
        if (ctl->no_pager || ctl->json)
                return terminal_write(data, size, &ctl->trouble);
        return terminal_page(&ctl->terminal, data, size, &ctl->trouble);
}

static __attribute__((format(printf, 2, 0))) void say(const char *prefix, const char *format, va_list ap) {
        _cleanup_(freep) char *raw = NULL, *line = NULL;
        Text text = {};

        if (vasprintf(&raw, format, ap) < 0)
                raw = NULL;
        visible_append(&text, text_or_empty(raw));
        line = text_take(&text);
        (void) fprintf(stderr, "%s%s\n", prefix, text_or_empty(line));
}

void ctl_complain(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say("bgtctl: ", format, ap);
        va_end(ap);
}

void ctl_note(const Ctl *ctl, const char *format, ...) {
        va_list ap;

        if (ctl->quiet)
                return;
        va_start(ap, format);
        say("", format, ap);
        va_end(ap);
}

ColumnsStyle ctl_style(const Ctl *ctl) {
        return (ColumnsStyle) {
                .width = ctl->terminal.columns,
                .color = ctl->terminal.color,
                .now_usec = clock_now_usec(CLOCK_REALTIME),
        };
}

void ctl_append_rows(Ctl *ctl, const Column *columns, size_t n_columns, const Value *rows) {
        ColumnsStyle style = ctl_style(ctl);

        if (ctl->json) {
                columns_append_json(&ctl->out, columns, n_columns, rows);
                text_append_char(&ctl->out, '\n');
        } else
                columns_append_table(&ctl->out, columns, n_columns, rows, &style);
}
