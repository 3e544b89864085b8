/* SPDX-License-Identifier: MIT */
#include "supervisor/policy/verdict.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "lib/wire/keeper-protocol.h"

static int ending_say(Ending *ending, char *sentence) {
        if (!sentence)
                return -ENOMEM;
        free(ending->final_status);
        ending->final_status = sentence;
        return 0;
}

static int ending_fault(Ending *ending, const char *code) {
        ending->error_code = strdup(code);
        ending->error_text = ending->final_status ? strdup(ending->final_status) : NULL;
        return ending->error_code && (ending->error_text || !ending->final_status) ? 0 : -ENOMEM;
}

/* `SIGTERM (Terminated)`, or the number for a real-time signal. */
static char *signal_words(int signal) {
        const char *name = sigabbrev_np(signal);

        if (name)
                return text_format("SIG%s", name);
        return text_format("signal %d", signal);
}

static int decide_not_executed(const EndFacts *facts, TaskEvent *ret_event, Ending *ending) {
        const char *what = facts->spawn_step == SPAWN_STEP_DIRECTORY ? "enter the working directory" : "execute";
        int r;

        if (facts->spawn_step == SPAWN_STEP_LOST)
                r = ending_say(ending, strdup("The command was not executed: the keeper ended before it could be."));
        else if (facts->spawn_error == ETIMEDOUT)
                r = ending_say(ending, text_format("Cannot execute %.256s in time: its file or its working directory does not answer.",
                                                   text_or_empty(facts->spawn_path)));
        else if (facts->spawn_step == SPAWN_STEP_EXEC || facts->spawn_step == SPAWN_STEP_DIRECTORY)
                r = ending_say(ending, text_format("Cannot %s %.256s: %s.", what, text_or_empty(facts->spawn_path), strerror(facts->spawn_error)));
        else
                r = ending_say(ending, text_format("Cannot execute %.256s: %s: %s.", text_or_empty(facts->spawn_path),
                                                   spawn_step_to_string(facts->spawn_step), strerror(facts->spawn_error)));
        if (r < 0)
                return r;
        *ret_event = EV_ERROR;
        return ending_fault(ending, "ExecFailed");
}

static int decide_cancelled(const EndFacts *facts, TaskEvent *ret_event, Ending *ending) {
        int r;

        *ret_event = EV_CANCELLED;
        if (facts->timed_out)
                r = ending_say(ending, strdup("Cancelled: its time was up."));
        else if (!facts->ran)
                r = ending_say(ending, strdup("Cancelled before it had started."));
        else
                r = ending_say(ending, strdup("Cancelled."));
        if (r < 0)
                return r;
        return ending_fault(ending, facts->timed_out ? "Timeout" : "Cancelled");
}

static int decide_signal(const EndFacts *facts, TaskEvent *ret_event, Ending *ending) {
        _cleanup_(freep) char *name = signal_words(facts->status);
        int r;

        if (!name)
                return -ENOMEM;
        *ret_event = EV_EXITED;

        if (facts->oom_killed && facts->status == SIGKILL) {
                r = ending_say(ending, text_format("Killed by the kernel for want of memory (%s, OOM killer).", name));
                if (r < 0)
                        return r;
                return ending_fault(ending, "OutOfMemory");
        }
        if (facts->code == CLD_DUMPED) {
                r = ending_say(ending, text_format("Died of %s, with a core dump.", name));
                if (r < 0)
                        return r;
                return ending_fault(ending, "CoreDump");
        }
        r = ending_say(ending, facts->status == SIGKILL || facts->status == SIGTERM
                               ? text_format("Killed from outside with %s.", name)
                               : text_format("Died of %s.", name));
        if (r < 0)
                return r;
        return ending_fault(ending, "Signal");
}

static int decide_exit(const TaskType *type, const EndFacts *facts, TaskEvent *ret_event, Ending *ending) {
        int r;

        if (task_type_is_success(type, facts->status)) {
                *ret_event = EV_DONE;
                return facts->status == 0 ? ending_say(ending, strdup("Done."))
                                          : ending_say(ending, text_format("Done, with exit status %d.", facts->status));
        }
        *ret_event = EV_ERROR;
        r = ending_say(ending, text_format("The command ended with exit status %d.", facts->status));
        if (r < 0)
                return r;
        return ending_fault(ending, "ExitStatus");
}

static int decide_unknown(const EndFacts *facts, TaskEvent *ret_event, Ending *ending) {
        int r;

        *ret_event = EV_EXITED;
        r = ending_say(ending, strdup(facts->interrupted
                                      ? "Interrupted: the machine or the keeper ended while it ran, and how far it came is not known."
                                      : "Its main process vanished, status unknown."));
        if (r < 0)
                return r;
        return ending_fault(ending, facts->interrupted ? "Interrupted" : "StatusUnknown");
}

/* Whether what we did, and not its own doing, ended the task. */
static bool ended_by_cancel(const EndFacts *facts) {
        if (!facts->cancel_requested)
                return false;
        if (facts->spawn_error || !facts->ran)
                return facts->cancel_killed;
        if (facts->cancel_signalled || facts->cancel_killed_rest)
                return true;
        return facts->cancel_killed && (!facts->status_known || (facts->code != CLD_EXITED && facts->status == SIGKILL));
}

static int decide(const TaskType *type, const EndFacts *facts, TaskEvent *ret_event, Ending *ending) {
        if (ended_by_cancel(facts))
                return decide_cancelled(facts, ret_event, ending);
        if (facts->spawn_error)
                return decide_not_executed(facts, ret_event, ending);
        if (!facts->status_known)
                return decide_unknown(facts, ret_event, ending);
        if (facts->code == CLD_EXITED)
                return decide_exit(type, facts, ret_event, ending);
        return decide_signal(facts, ret_event, ending);
}

int verdict_decide(const TaskType *type, const EndFacts *facts, TaskEvent *ret_event, Ending *ret_ending) {
        _cleanup_(ending_done) Ending ending = { .exit_code = -1 };
        TaskEvent event;
        int r;

        r = decide(type, facts, &event, &ending);
        if (r < 0)
                return r;

        if (!facts->spawn_error && facts->status_known) {
                if (facts->code == CLD_EXITED)
                        ending.exit_code = facts->status;
                else
                        ending.signal = facts->status;
        }
        ending.n_left_processes = facts->n_left_processes;

        *ret_event = event;
        *ret_ending = ending;
        ending = (Ending) { .exit_code = -1 };
        return 0;
}
