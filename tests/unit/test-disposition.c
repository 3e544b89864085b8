/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/base/owned.h"
#include "supervisor/policy/disposition.h"
#include "tests/kit/unit.h"

/*
 * Every combination that a task can be in, and what the specification says of
 * it. Nothing here asks the code under test, nor the words it uses.
 */
typedef struct Combination {
        Disposition pause, cancel;
        TaskRequest request;
        TaskPhase phase, before_ending;
        bool settled;
} Combination;

static const Disposition dispositions[] = { DISPOSITION_NONE, DISPOSITION_POLL, DISPOSITION_DIRECT };
static const TaskRequest requests[] = { TASK_REQUEST_NONE, TASK_REQUEST_PAUSE, TASK_REQUEST_CANCEL };

/* What RunningState says; for what is ending what it said before. */
typedef enum Word {
        STARTING,
        RUNNING,
        PAUSED,
        ENDED,
} Word;

static const Word words[_TASK_PHASE_MAX] = {
        [TASK_REGISTERED] = STARTING, [TASK_DEFERRED] = STARTING, [TASK_HELD] = STARTING, [TASK_SCHEDULED] = STARTING,
        [TASK_BLOCKED] = STARTING, [TASK_READY] = STARTING, [TASK_WAITING_DEVICE] = STARTING, [TASK_STARTING] = STARTING,
        [TASK_RUNNING] = RUNNING, [TASK_PAUSING] = RUNNING, [TASK_RESUMING] = PAUSED, [TASK_PAUSED] = PAUSED,
        [TASK_DONE] = ENDED, [TASK_ERROR] = ENDED, [TASK_CANCELLED] = ENDED, [TASK_EXITED] = ENDED,
};

static Word word_of(const Combination *it) {
        /* an end is told when it is durable, and not before */
        bool ending = it->phase == TASK_ENDING || (words[it->phase] == ENDED && !it->settled);

        return words[ending ? it->before_ending : it->phase];
}

static bool runs(const Combination *it) {
        Word word = word_of(it);

        return word == RUNNING || word == PAUSED;
}

static bool pause_is_available(const Combination *it) {
        return it->pause != DISPOSITION_NONE && it->request == TASK_REQUEST_NONE && word_of(it) == RUNNING;
}

static bool cancel_is_available(const Combination *it) {
        return it->cancel != DISPOSITION_NONE && it->request != TASK_REQUEST_CANCEL && runs(it);
}

static bool resume_is_available(const Combination *it) {
        return it->pause != DISPOSITION_NONE && it->request == TASK_REQUEST_PAUSE && runs(it);
}

static bool cancel_works(const Combination *it, bool force) {
        bool ended = word_of(it) == ENDED;

        return cancel_is_available(it) || (!ended && !runs(it)) || (force && !ended);
}

static void assert_same(bool is, bool should_be, const char *what, const Combination *it) {
        if (is != should_be)
                fail_msg("%s is %s with Pause=%s Cancel=%s request %d phase %s before %s%s", what, is ? "available" : "not available",
                         disposition_to_string(it->pause), disposition_to_string(it->cancel), it->request,
                         task_phase_to_string(it->phase), task_phase_to_string(it->before_ending), it->settled ? " settled" : "");
}

typedef void (*Check)(const Combination *it, const Task *task);

static void check_phase(Combination it, Check check) {
        TaskType type = { .n_refs = 1, .pause = it.pause, .cancel = it.cancel };
        Task task = { .type = &type, .phase = it.phase, .request = it.request, .settled = it.settled };

        for (it.before_ending = 0; it.before_ending < TASK_ENDING; it.before_ending++) {
                task.before_ending = it.before_ending;
                check(&it, &task);
        }
}

static void check_every_combination(Check check) {
        for (size_t p = 0; p < ELEMENTSOF(dispositions); p++)
                for (size_t c = 0; c < ELEMENTSOF(dispositions); c++)
                        for (size_t r = 0; r < ELEMENTSOF(requests); r++)
                                for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++) {
                                        check_phase((Combination) { dispositions[p], dispositions[c], requests[r], phase, 0, false }, check);
                                        check_phase((Combination) { dispositions[p], dispositions[c], requests[r], phase, 0, true }, check);
                                }
}

static void check_pause(const Combination *it, const Task *task) {
        assert_same(disposition_pause_is_available(task), pause_is_available(it), "pause", it);
}

/* T-20 */
static void pause_is_available_to_an_unasked_running_task_whose_type_allows_it(void **state) {
        check_every_combination(check_pause);
}

static void check_cancel(const Combination *it, const Task *task) {
        assert_same(disposition_cancel_is_available(task), cancel_is_available(it), "cancel", it);
}

/* T-21 */
static void cancel_is_available_to_a_running_or_paused_task_whose_type_allows_it(void **state) {
        check_every_combination(check_cancel);
}

static void check_resume(const Combination *it, const Task *task) {
        assert_same(disposition_resume_is_available(task), resume_is_available(it), "resume", it);
}

/* T-22 */
static void resume_is_available_while_a_pause_is_asked_for(void **state) {
        check_every_combination(check_resume);
}

static void check_cancel_verb(const Combination *it, const Task *task) {
        assert_same(disposition_cancel_works(task, false), cancel_works(it, false), "the cancel verb", it);
        assert_same(disposition_cancel_works(task, true), cancel_works(it, true), "the forced cancel", it);
}

/* T-23, T-28 */
static void the_cancel_verb_works_beyond_the_property(void **state) {
        check_every_combination(check_cancel_verb);
}

static void check_waiting(const Combination *it, const Task *task) {
        if (word_of(it) == STARTING)
                assert_true(disposition_cancel_works(task, false));
}

/* T-23: whatever its type says and whatever has been asked before */
static void cancel_works_on_every_task_that_has_not_ended_and_does_not_run(void **state) {
        check_every_combination(check_waiting);
}

static void check_force(const Combination *it, const Task *task) {
        assert_int_equal(disposition_cancel_works(task, true), word_of(it) != ENDED);
}

/* T-28 */
static void a_forced_cancel_works_on_everything_that_has_not_ended(void **state) {
        check_every_combination(check_force);
}

static void check_visible(const Combination *it, const Task *task) {
        TaskPhase expected = words[it->phase] == ENDED && !it->settled ? TASK_ENDING : it->phase;

        assert_int_equal(disposition_visible_phase(task), expected);
}

/* T-43 */
static void an_end_is_seen_when_it_is_durable(void **state) {
        check_every_combination(check_visible);
}

static void assert_sentence(const char *sentence) {
        assert_non_null(sentence);
        assert_true(strlen(sentence) > 10);
        assert_true(sentence[0] >= 'A' && sentence[0] <= 'Z');
        assert_int_equal(sentence[strlen(sentence) - 1], '.');
}

static void assert_about(const char *sentence, const Combination *it) {
        Word word = word_of(it);

        assert_sentence(sentence);
        assert_int_equal(word == ENDED, strstr(sentence, "has ended") != NULL);
        if (word == STARTING)
                assert_non_null(strstr(sentence, "does not run yet"));
        else if (runs(it) && it->request == TASK_REQUEST_CANCEL)
                assert_true(strstr(sentence, "being cancelled") || strstr(sentence, "Its type") || strstr(sentence, "paused already"));
}

static void check_sentences(const Combination *it, const Task *task) {
        if (!pause_is_available(it))
                assert_about(disposition_pause_refusal(task), it);
        if (!resume_is_available(it))
                assert_about(disposition_resume_refusal(task), it);
        if (!cancel_works(it, false))
                assert_about(disposition_cancel_refusal(task), it);
}

/* T-23 */
static void what_is_refused_gets_the_reason_and_the_state(void **state) {
        check_every_combination(check_sentences);
}

static const char *refusal(const char *(*of)(const Task *), Disposition disposition, TaskRequest request, TaskPhase phase) {
        TaskType type = { .n_refs = 1, .pause = disposition, .cancel = disposition };
        Task task = { .type = &type, .phase = phase, .request = request };

        return of(&task);
}

/* T-23 */
static void the_reason_is_the_one_that_counts(void **state) {
        assert_non_null(strstr(refusal(disposition_pause_refusal, DISPOSITION_NONE, TASK_REQUEST_NONE, TASK_RUNNING), "Pause="));
        assert_non_null(strstr(refusal(disposition_pause_refusal, DISPOSITION_DIRECT, TASK_REQUEST_PAUSE, TASK_PAUSED), "paused already"));
        assert_non_null(strstr(refusal(disposition_pause_refusal, DISPOSITION_DIRECT, TASK_REQUEST_PAUSE, TASK_PAUSING), "asked to pause already"));
        assert_non_null(strstr(refusal(disposition_pause_refusal, DISPOSITION_DIRECT, TASK_REQUEST_CANCEL, TASK_RUNNING), "being cancelled"));
        assert_non_null(strstr(refusal(disposition_resume_refusal, DISPOSITION_DIRECT, TASK_REQUEST_NONE, TASK_RUNNING), "not paused"));
        assert_non_null(strstr(refusal(disposition_resume_refusal, DISPOSITION_DIRECT, TASK_REQUEST_CANCEL, TASK_PAUSED), "being cancelled"));
        assert_non_null(strstr(refusal(disposition_cancel_refusal, DISPOSITION_DIRECT, TASK_REQUEST_CANCEL, TASK_RUNNING), "already"));
        assert_non_null(strstr(refusal(disposition_cancel_refusal, DISPOSITION_NONE, TASK_REQUEST_NONE, TASK_RUNNING), "--force"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pause_is_available_to_an_unasked_running_task_whose_type_allows_it),
                cmocka_unit_test(cancel_is_available_to_a_running_or_paused_task_whose_type_allows_it),
                cmocka_unit_test(resume_is_available_while_a_pause_is_asked_for),
                cmocka_unit_test(the_cancel_verb_works_beyond_the_property),
                cmocka_unit_test(cancel_works_on_every_task_that_has_not_ended_and_does_not_run),
                cmocka_unit_test(a_forced_cancel_works_on_everything_that_has_not_ended),
                cmocka_unit_test(an_end_is_seen_when_it_is_durable),
                cmocka_unit_test(what_is_refused_gets_the_reason_and_the_state),
                cmocka_unit_test(the_reason_is_the_one_that_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
