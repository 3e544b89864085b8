/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/owned.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "lib/wire/keeper-protocol.h"
#include "supervisor/policy/verdict.h"
#include "tests/kit/unit.h"

/* What the kernel calls a signal that has no name of its own. */
#define NAMED_MAX 31

typedef struct Verdict {
        TaskEvent event;
        Ending ending;
} Verdict;

static void verdict_done(Verdict *verdict) {
        ending_done(&verdict->ending);
}

static TaskType plain_type(void) {
        return (TaskType) { .n_refs = 1, .success_exit_status = { 1 } };
}

static Verdict decide_of(const TaskType *type, EndFacts facts) {
        Verdict verdict;

        assert_int_equal(verdict_decide(type, &facts, &verdict.event, &verdict.ending), 0);
        return verdict;
}

static Verdict decide(EndFacts facts) {
        TaskType type = plain_type();

        return decide_of(&type, facts);
}

static EndFacts exited(int status) {
        return (EndFacts) { .ran = true, .status_known = true, .code = CLD_EXITED, .status = status };
}

static EndFacts died(int signal) {
        return (EndFacts) { .ran = true, .status_known = true, .code = CLD_KILLED, .status = signal };
}

static void assert_verdict(const Verdict *verdict, TaskEvent event, const char *error_code) {
        if (verdict->event != event)
                fail_msg("the verdict is %s, not %s: %s", task_event_to_string(verdict->event), task_event_to_string(event),
                         verdict->ending.final_status);
        if (!text_equal(verdict->ending.error_code, error_code))
                fail_msg("the error code is %s, not %s", text_or_empty(verdict->ending.error_code), text_or_empty(error_code));
}

static void assert_says(const Verdict *verdict, const char *words) {
        if (!strstr(verdict->ending.final_status, words))
                fail_msg("'%s' does not say '%s'", verdict->ending.final_status, words);
}

/* T-2 */
static void exit_status_0_is_done_and_every_other_an_error_that_names_it(void **state) {
        for (int status = 0; status < 256; status++) {
                _cleanup_(verdict_done) Verdict verdict = decide(exited(status));
                _cleanup_(freep) char *words = text_format("exit status %d.", status);

                assert_verdict(&verdict, status == 0 ? EV_DONE : EV_ERROR, status == 0 ? NULL : "ExitStatus");
                assert_int_equal(verdict.ending.exit_code, status);
                assert_int_equal(verdict.ending.signal, 0);
                if (status != 0)
                        assert_says(&verdict, words);
        }
}

/* T-2 */
static void the_type_says_which_exit_statuses_are_success(void **state) {
        for (int success = 0; success < 256; success++) {
                TaskType type = { .n_refs = 1 };

                type.success_exit_status[success / 8] = (uint8_t) (1 << success % 8);
                for (int status = 0; status < 256; status++) {
                        _cleanup_(verdict_done) Verdict verdict = decide_of(&type, exited(status));

                        assert_verdict(&verdict, status == success ? EV_DONE : EV_ERROR, status == success ? NULL : "ExitStatus");
                        assert_int_equal(verdict.ending.exit_code, status);
                }
        }
}

/* T-2 */
static void a_type_may_have_many_successes_or_none(void **state) {
        TaskType many = { .n_refs = 1, .success_exit_status = { [0] = 1 | 4, [31] = 128 } }, none = { .n_refs = 1 };

        for (int status = 0; status < 256; status++) {
                bool success = status == 0 || status == 2 || status == 255;
                _cleanup_(verdict_done) Verdict verdict = decide_of(&many, exited(status)), never = decide_of(&none, exited(status));

                assert_int_equal(verdict.event, success ? EV_DONE : EV_ERROR);
                assert_int_equal(never.event, EV_ERROR);
        }
}

/* T-2 */
static void every_signal_nobody_asked_for_is_exited_and_named(void **state) {
        for (int signal = 1; signal <= 64; signal++) {
                _cleanup_(verdict_done) Verdict verdict = decide(died(signal));
                _cleanup_(freep) char *number = text_format("signal %d", signal);

                assert_verdict(&verdict, EV_EXITED, "Signal");
                assert_int_equal(verdict.ending.signal, signal);
                assert_int_equal(verdict.ending.exit_code, -1);
                assert_says(&verdict, signal <= NAMED_MAX ? sigabbrev_np(signal) : number);
        }
}

/* T-2 */
static void a_signal_is_not_an_exit_status(void **state) {
        TaskType type = { .n_refs = 1 };

        memset(type.success_exit_status, 0xff, sizeof type.success_exit_status);
        for (int signal = 1; signal <= 64; signal++) {
                _cleanup_(verdict_done) Verdict verdict = decide_of(&type, died(signal));

                assert_verdict(&verdict, EV_EXITED, "Signal");
        }
}

/* T-2 */
static void a_kill_by_somebody_else_is_said_to_be_one(void **state) {
        _cleanup_(verdict_done) Verdict killed = decide(died(SIGKILL)), terminated = decide(died(SIGTERM)), crashed = decide(died(SIGSEGV));

        assert_says(&killed, "from outside with SIGKILL");
        assert_says(&terminated, "from outside with SIGTERM");
        assert_says(&crashed, "Died of SIGSEGV");
}

/* T-2 */
static void a_core_dump_is_told_apart(void **state) {
        EndFacts facts = died(SIGABRT);
        _cleanup_(verdict_done) Verdict verdict = {};

        facts.code = CLD_DUMPED;
        verdict = decide(facts);
        assert_verdict(&verdict, EV_EXITED, "CoreDump");
        assert_int_equal(verdict.ending.signal, SIGABRT);
        assert_says(&verdict, "SIGABRT");
        assert_says(&verdict, "core dump");
}

/* T-2 */
static void a_kill_for_want_of_memory_is_told_apart(void **state) {
        EndFacts facts = died(SIGKILL);
        _cleanup_(verdict_done) Verdict verdict = {};

        facts.oom_killed = true;
        verdict = decide(facts);
        assert_verdict(&verdict, EV_EXITED, "OutOfMemory");
        assert_says(&verdict, "memory");
}

/* T-2: the kernel killed a child, and what the main process made of that counts */
static void want_of_memory_in_a_child_leaves_the_main_process_its_own_end(void **state) {
        EndFacts done = exited(0), failed = exited(3), crashed = died(SIGSEGV);
        _cleanup_(verdict_done) Verdict a = {}, b = {}, c = {};

        done.oom_killed = failed.oom_killed = crashed.oom_killed = true;
        a = decide(done);
        b = decide(failed);
        c = decide(crashed);
        assert_verdict(&a, EV_DONE, NULL);
        assert_verdict(&b, EV_ERROR, "ExitStatus");
        assert_verdict(&c, EV_EXITED, "Signal");
}

/* T-2 */
static void a_main_process_that_vanished_is_exited(void **state) {
        _cleanup_(verdict_done) Verdict verdict = decide((EndFacts) { .ran = true });

        assert_verdict(&verdict, EV_EXITED, "StatusUnknown");
        assert_int_equal(verdict.ending.exit_code, -1);
        assert_int_equal(verdict.ending.signal, 0);
        assert_says(&verdict, "status unknown");
}

/* */
static void what_a_reboot_ended_is_interrupted(void **state) {
        _cleanup_(verdict_done) Verdict verdict = decide((EndFacts) { .ran = true, .interrupted = true });

        assert_verdict(&verdict, EV_EXITED, "Interrupted");
}

/* T-2 */
static void a_command_that_cannot_be_executed_is_an_error_with_reason_and_path(void **state) {
        static const int errors[] = { ENOENT, EACCES, ENOEXEC, ETXTBSY, ELOOP, EIO };

        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                _cleanup_(verdict_done) Verdict verdict = decide((EndFacts) {
                        .status_known = true, .code = CLD_EXITED, .status = 127,
                        .spawn_error = errors[i], .spawn_step = SPAWN_STEP_EXEC, .spawn_path = "/opt/of ours",
                });

                assert_verdict(&verdict, EV_ERROR, "ExecFailed");
                assert_int_equal(verdict.ending.exit_code, -1);
                assert_int_equal(verdict.ending.signal, 0);
                assert_says(&verdict, "execute /opt/of ours");
                assert_says(&verdict, strerror(errors[i]));
        }
}

/* T-2 */
static void a_command_as_long_as_memory_does_not_make_the_sentence_so(void **state) {
        char path[100000];

        memset(path, 'x', sizeof path - 1);
        path[sizeof path - 1] = '\0';
        for (unsigned step = 0; step < _SPAWN_STEP_MAX; step++) {
                _cleanup_(verdict_done) Verdict verdict = decide((EndFacts) {
                        .spawn_error = ENAMETOOLONG, .spawn_step = step, .spawn_path = path,
                });

                assert_verdict(&verdict, EV_ERROR, "ExecFailed");
                assert_true(strlen(verdict.ending.final_status) < 512);
        }
}

/* T-2 */
static void each_step_before_the_exec_can_be_the_one_that_failed(void **state) {
        for (unsigned step = 0; step < _SPAWN_STEP_MAX; step++) {
                _cleanup_(verdict_done) Verdict verdict = decide((EndFacts) {
                        .spawn_error = EPERM, .spawn_step = step, .spawn_path = "/bin/thing",
                });

                assert_verdict(&verdict, EV_ERROR, "ExecFailed");
                if (step == SPAWN_STEP_LOST)
                        assert_says(&verdict, "the keeper ended before");
                else {
                        assert_says(&verdict, "/bin/thing");
                        assert_says(&verdict, strerror(EPERM));
                }
                if (step == SPAWN_STEP_DIRECTORY)
                        assert_says(&verdict, "directory");
        }
}

/* T-2: a file system that does not answer */
static void an_exec_that_hangs_is_an_error_although_it_had_to_be_killed(void **state) {
        EndFacts facts = died(SIGKILL);
        _cleanup_(verdict_done) Verdict verdict = {};

        facts.ran = false;
        facts.spawn_error = ETIMEDOUT;
        facts.spawn_step = SPAWN_STEP_EXEC;
        facts.spawn_path = "/mnt/away/tool";
        verdict = decide(facts);
        assert_verdict(&verdict, EV_ERROR, "ExecFailed");
        assert_int_equal(verdict.ending.signal, 0);
        assert_says(&verdict, "/mnt/away/tool");
        assert_says(&verdict, "in time");
}

static EndFacts cancelled(EndFacts facts) {
        facts.cancel_requested = true;
        facts.cancel_killed = true;
        return facts;
}

/* T-25 */
static void a_task_that_the_cancel_killed_is_cancelled(void **state) {
        _cleanup_(verdict_done) Verdict verdict = decide(cancelled(died(SIGKILL)));

        assert_verdict(&verdict, EV_CANCELLED, "Cancelled");
        assert_int_equal(verdict.ending.signal, SIGKILL);
}

/* T-3 */
static void a_task_that_ended_by_itself_before_the_kill_came_keeps_its_own_end(void **state) {
        for (int status = 0; status < 256; status++) {
                _cleanup_(verdict_done) Verdict verdict = decide(cancelled(exited(status)));

                assert_verdict(&verdict, status == 0 ? EV_DONE : EV_ERROR, status == 0 ? NULL : "ExitStatus");
        }
        for (int signal = 1; signal <= 64; signal++) {
                _cleanup_(verdict_done) Verdict verdict = decide(cancelled(died(signal)));

                assert_int_equal(verdict.event, signal == SIGKILL ? EV_CANCELLED : EV_EXITED);
        }
}

/* T-3: a request that nobody has acted upon yet */
static void a_request_that_did_nothing_decides_nothing(void **state) {
        for (int status = 0; status < 256; status++) {
                EndFacts facts = exited(status);
                _cleanup_(verdict_done) Verdict verdict = {};

                facts.cancel_requested = true;
                verdict = decide(facts);
                assert_verdict(&verdict, status == 0 ? EV_DONE : EV_ERROR, status == 0 ? NULL : "ExitStatus");
        }
}

/* T-25 */
static void a_task_that_ends_after_the_cancel_signal_is_cancelled_however_it_does_so(void **state) {
        for (int status = 0; status < 256; status++) {
                EndFacts facts = exited(status);
                _cleanup_(verdict_done) Verdict verdict = {};

                facts.cancel_requested = facts.cancel_signalled = true;
                verdict = decide(facts);
                assert_verdict(&verdict, EV_CANCELLED, "Cancelled");
                assert_int_equal(verdict.ending.exit_code, status);
        }
        for (int signal = 1; signal <= 64; signal++) {
                EndFacts facts = died(signal);
                _cleanup_(verdict_done) Verdict verdict = {};

                facts.cancel_requested = facts.cancel_signalled = true;
                verdict = decide(facts);
                assert_verdict(&verdict, EV_CANCELLED, "Cancelled");
                assert_int_equal(verdict.ending.signal, signal);
        }
}

/* T-23 */
static void what_had_not_started_is_cancelled_and_says_so(void **state) {
        _cleanup_(verdict_done) Verdict never = decide(cancelled((EndFacts) {})), starting = decide(cancelled((EndFacts) {
                .status_known = true, .code = CLD_KILLED, .status = SIGKILL,
        }));

        assert_verdict(&never, EV_CANCELLED, "Cancelled");
        assert_says(&never, "before it had started");
        assert_verdict(&starting, EV_CANCELLED, "Cancelled");
        assert_says(&starting, "before it had started");
}

/* T-4 */
static void a_timeout_is_a_cancel_with_its_own_code(void **state) {
        EndFacts facts = cancelled(died(SIGKILL));
        _cleanup_(verdict_done) Verdict verdict = {};

        facts.timed_out = true;
        verdict = decide(facts);
        assert_verdict(&verdict, EV_CANCELLED, "Timeout");
        assert_says(&verdict, "time was up");
}

/* T-3, T-4 */
static void a_task_that_was_done_when_its_time_was_up_is_done(void **state) {
        EndFacts facts = cancelled(exited(0));
        _cleanup_(verdict_done) Verdict verdict = {};

        facts.timed_out = true;
        verdict = decide(facts);
        assert_verdict(&verdict, EV_DONE, NULL);
}

/* T-6: ExitType=cgroup */
static void the_main_process_decides_when_the_others_have_ended_by_themselves(void **state) {
        _cleanup_(verdict_done) Verdict done = decide(exited(0)), failed = decide(exited(9));

        assert_verdict(&done, EV_DONE, NULL);
        assert_verdict(&failed, EV_ERROR, "ExitStatus");
}

/* T-6: ExitType=cgroup */
static void a_cancel_that_kills_what_the_main_process_left_cancels_the_task(void **state) {
        EndFacts facts = exited(0);
        _cleanup_(verdict_done) Verdict verdict = {};

        facts.cancel_requested = facts.cancel_killed_rest = true;
        verdict = decide(facts);
        assert_verdict(&verdict, EV_CANCELLED, "Cancelled");
        assert_int_equal(verdict.ending.exit_code, 0);
}

/* T-6 */
static void what_could_not_be_killed_is_counted_and_changes_nothing_else(void **state) {
        EndFacts done = exited(0), killed = cancelled(died(SIGKILL)), unknown = { .ran = true };
        _cleanup_(verdict_done) Verdict a = {}, b = {}, c = {};

        done.n_left_processes = 3;
        killed.n_left_processes = 1;
        unknown.n_left_processes = UINT64_MAX;
        a = decide(done);
        b = decide(killed);
        c = decide(unknown);
        assert_int_equal(a.event, EV_DONE);
        assert_int_equal(a.ending.n_left_processes, 3);
        assert_int_equal(b.event, EV_CANCELLED);
        assert_int_equal(b.ending.n_left_processes, 1);
        assert_int_equal(c.event, EV_EXITED);
        assert_true(c.ending.n_left_processes == UINT64_MAX);
}

/* T-25: a process that cannot be killed, the main one */
static void a_cancel_whose_kill_is_not_confirmed_is_a_cancel(void **state) {
        _cleanup_(verdict_done) Verdict verdict = decide(cancelled((EndFacts) { .ran = true, .n_left_processes = 1 }));

        assert_verdict(&verdict, EV_CANCELLED, "Cancelled");
}

static void check_code(const Verdict *verdict, const EndFacts *facts) {
        const char *code = verdict->ending.error_code;

        switch (verdict->event) {
        case EV_DONE:
                assert_null(code);
                assert_null(verdict->ending.error_text);
                assert_true(facts->status_known && !facts->spawn_error && facts->code == CLD_EXITED && facts->status == 0);
                break;
        case EV_ERROR:
                assert_string_equal(code, facts->spawn_error ? "ExecFailed" : "ExitStatus");
                break;
        case EV_CANCELLED:
                assert_true(facts->cancel_requested);
                assert_true(facts->cancel_killed || facts->cancel_killed_rest || facts->cancel_signalled);
                assert_string_equal(code, facts->timed_out ? "Timeout" : "Cancelled");
                break;
        case EV_EXITED:
                assert_non_null(code);
                assert_false(facts->spawn_error);
                assert_true(!facts->status_known || facts->code != CLD_EXITED);
                assert_int_equal(text_equal(code, "Interrupted"), facts->interrupted && !facts->status_known);
                break;
        default:
                fail_msg("%s is no verdict", task_event_to_string(verdict->event));
        }
}

static void check_numbers(const Ending *ending, const EndFacts *facts) {
        bool told = facts->status_known && !facts->spawn_error;

        assert_int_equal(ending->exit_code, told && facts->code == CLD_EXITED ? facts->status : -1);
        assert_int_equal(ending->signal, told && facts->code != CLD_EXITED ? facts->status : 0);
        assert_int_equal(ending->n_left_processes, facts->n_left_processes);
}

static void check_text(const Ending *ending) {
        assert_non_null(ending->final_status);
        assert_int_equal(ending->final_status[strlen(ending->final_status) - 1], '.');
        assert_true(text_is_utf8(ending->final_status));
        if (ending->error_code) {
                assert_true(text_is_name(ending->error_code));
                assert_string_equal(ending->error_text, ending->final_status);
        }
        assert_null(ending->error_callstack);
}

static void check(const EndFacts *facts) {
        _cleanup_(verdict_done) Verdict verdict = decide(*facts);

        check_code(&verdict, facts);
        check_numbers(&verdict.ending, facts);
        check_text(&verdict.ending);
}

/* T-2 */
static void whatever_the_facts_there_is_one_verdict_and_it_agrees_with_them(void **state) {
        static const struct { int code, status; } ends[] = {
                { CLD_EXITED, 0 }, { CLD_EXITED, 1 }, { CLD_EXITED, 255 },
                { CLD_KILLED, SIGKILL }, { CLD_KILLED, SIGTERM }, { CLD_KILLED, 64 }, { CLD_DUMPED, SIGSEGV },
        };
        static const int errors[] = { 0, ENOENT, ETIMEDOUT };

        for (size_t end = 0; end < ELEMENTSOF(ends); end++)
                for (size_t error = 0; error < ELEMENTSOF(errors); error++)
                        for (unsigned bits = 0; bits < 1 << 10; bits++)
                                check(&(EndFacts) {
                                        .code = ends[end].code, .status = ends[end].status, .spawn_error = errors[error],
                                        .spawn_step = SPAWN_STEP_EXEC, .spawn_path = "/bin/thing",
                                        .status_known = bits & 1, .cancel_requested = bits & 2, .cancel_killed = bits & 4,
                                        .cancel_killed_rest = bits & 8, .cancel_signalled = bits & 16, .timed_out = bits & 32,
                                        .interrupted = bits & 64, .oom_killed = bits & 128, .ran = bits & 256,
                                        .n_left_processes = bits & 512 ? 2 : 0,
                                });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(exit_status_0_is_done_and_every_other_an_error_that_names_it),
                cmocka_unit_test(the_type_says_which_exit_statuses_are_success),
                cmocka_unit_test(a_type_may_have_many_successes_or_none),
                cmocka_unit_test(every_signal_nobody_asked_for_is_exited_and_named),
                cmocka_unit_test(a_signal_is_not_an_exit_status),
                cmocka_unit_test(a_kill_by_somebody_else_is_said_to_be_one),
                cmocka_unit_test(a_core_dump_is_told_apart),
                cmocka_unit_test(a_kill_for_want_of_memory_is_told_apart),
                cmocka_unit_test(want_of_memory_in_a_child_leaves_the_main_process_its_own_end),
                cmocka_unit_test(a_main_process_that_vanished_is_exited),
                cmocka_unit_test(what_a_reboot_ended_is_interrupted),
                cmocka_unit_test(a_command_that_cannot_be_executed_is_an_error_with_reason_and_path),
                cmocka_unit_test(a_command_as_long_as_memory_does_not_make_the_sentence_so),
                cmocka_unit_test(each_step_before_the_exec_can_be_the_one_that_failed),
                cmocka_unit_test(an_exec_that_hangs_is_an_error_although_it_had_to_be_killed),
                cmocka_unit_test(a_task_that_the_cancel_killed_is_cancelled),
                cmocka_unit_test(a_task_that_ended_by_itself_before_the_kill_came_keeps_its_own_end),
                cmocka_unit_test(a_request_that_did_nothing_decides_nothing),
                cmocka_unit_test(a_task_that_ends_after_the_cancel_signal_is_cancelled_however_it_does_so),
                cmocka_unit_test(what_had_not_started_is_cancelled_and_says_so),
                cmocka_unit_test(a_timeout_is_a_cancel_with_its_own_code),
                cmocka_unit_test(a_task_that_was_done_when_its_time_was_up_is_done),
                cmocka_unit_test(the_main_process_decides_when_the_others_have_ended_by_themselves),
                cmocka_unit_test(a_cancel_that_kills_what_the_main_process_left_cancels_the_task),
                cmocka_unit_test(what_could_not_be_killed_is_counted_and_changes_nothing_else),
                cmocka_unit_test(a_cancel_whose_kill_is_not_confirmed_is_a_cancel),
                cmocka_unit_test(whatever_the_facts_there_is_one_verdict_and_it_agrees_with_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
