/* SPDX-License-Identifier: MIT */
#include "ctl/terminal.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

/* The environment goes before what the terminal says, as for ls(1). */
static size_t size_of(const char *variable, size_t measured, size_t otherwise) {
        const char *text = getenv(variable);
        uint64_t value;

        if (text && quantity_parse_u64(text, &value) >= 0 && value > 0 && value < 10000)
                return value;
        return measured > 0 ? measured : otherwise;
}

static bool wants_color(const char *color, bool is_terminal) {
        const char *term = getenv("TERM");

        if (color && strcmp(color, "auto") != 0)
                return strcmp(color, "always") == 0;
        return is_terminal && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

Terminal terminal_of_output(const char *color) {
        Terminal terminal = { .is_terminal = isatty(STDOUT_FILENO) };
        struct winsize size = {};

        terminal.color = wants_color(color, terminal.is_terminal);
        if (!terminal.is_terminal)
                return terminal;
        (void) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        terminal.columns = size_of("COLUMNS", size.ws_col, 80);
        terminal.lines = size_of("LINES", size.ws_row, 24);
        return terminal;
}

int terminal_write(const char *data, size_t size, Trouble *trouble) {
        int r;

        r = fd_write_all(STDOUT_FILENO, data, size);
        if (r < 0)
                return trouble_failed(trouble, r, "Cannot write to standard output");
        return 0;
}

static size_t count_lines(const char *data, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < size; i++)
                n += data[i] == '\n';
        return n;
}

static const char *pager_wanted(const Terminal *terminal, const char *data, size_t size) {
        const char *pager = getenv("PAGER"), *term = getenv("TERM");

        if (!terminal->is_terminal || !term || strcmp(term, "dumb") == 0 || count_lines(data, size) < terminal->lines)
                return NULL;
        if (!pager)
                return "less";
        return *pager && strcmp(pager, "cat") != 0 ? pager : NULL;
}

/* In the child: never returns. */
static void pager_exec(const char *pager, const int pipe_fds[static 2]) {
        if (dup2(pipe_fds[0], STDIN_FILENO) < 0)
                _exit(127);
        (void) close(pipe_fds[0]);
        (void) close(pipe_fds[1]);
        (void) setenv("LESS", "FRSXMK", false);
        (void) execl("/bin/sh", "sh", "-c", pager, NULL);
        _exit(127);
}

/* 127 of the shell: there is no such pager. */
static int pager_run(const char *pager, const char *data, size_t size) {
        _cleanup_(fd_closep) int read_end = -1, write_end = -1;
        int fds[2], status;
        pid_t pid;

        if (pipe(fds) < 0)
                return result_errno();
        read_end = fds[0];
        write_end = fds[1];
        pid = fork();
        if (pid < 0)
                return result_errno();
        if (pid == 0)
                pager_exec(pager, fds);

        /* a reader who has seen enough closes it */
        (void) signal(SIGPIPE, SIG_IGN);
        read_end = fd_close(read_end);
        (void) fd_write_all(write_end, data, size);
        write_end = fd_close(write_end);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return result_errno();
        (void) signal(SIGPIPE, SIG_DFL);
        return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : 0;
}

int terminal_page(const Terminal *terminal, const char *data, size_t size, Trouble *trouble) {
        const char *pager = pager_wanted(terminal, data, size);

        if (pager && pager_run(pager, data, size) >= 0)
                return 0;
        return terminal_write(data, size, trouble);
}
