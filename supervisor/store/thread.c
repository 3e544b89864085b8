/* SPDX-License-Identifier: MIT */
#include "supervisor/store/thread.h"

#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "lib/base/result.h"

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *userdata) {
        sigset_t all, before;
        int e;

        (void) sigfillset(&all);
        e = pthread_sigmask(SIG_BLOCK, &all, &before);
        if (e > 0)
                return -e;
        e = pthread_create(ret, NULL, run, userdata);
        (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (e > 0)
                return -e;
        (void) pthread_setname_np(*ret, name);
        return 0;
}

void thread_poke(int event_fd) {
        uint64_t one = 1;

        (void) !write(event_fd, &one, sizeof one);
}
