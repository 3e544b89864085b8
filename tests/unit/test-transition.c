/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "lib/base/owned.h"
#include "lib/base/text.h"
#include "supervisor/model/transition.h"
#include "tests/kit/unit.h"

#define GRAPH "doc/task-states.dot"

/*
 * Which event can happen in which phase, a column for each event in the order
 * of the enumeration: claim, execed, pause, frozen, freeze failed, resume,
 * thawed, terminate, kill, exit, done, error, cancelled, exited.
 */
static const char *const allowed[_TASK_PHASE_MAX] = {
                              /* cepfFrtTkxdeCX */
        [TASK_REGISTERED]     = "........x.....",
        [TASK_DEFERRED]       = "........x.....",
        [TASK_HELD]           = "........x.....",
        [TASK_SCHEDULED]      = "........x.....",
        [TASK_BLOCKED]        = "........x.....",
        [TASK_READY]          = "x.......x.....",
        [TASK_WAITING_DEVICE] = "x.......x.....",
        [TASK_STARTING]       = ".x.....xxx....",
        [TASK_RUNNING]        = "..x....xxx....",
        [TASK_PAUSING]        = "...xxx.xxx....",
        [TASK_PAUSED]         = ".....x.xxx....",
        [TASK_RESUMING]       = "......xxxx....",
        [TASK_ENDING]         = "........xxxxxx",
        [TASK_DONE]           = "..............",
        [TASK_ERROR]          = "..............",
        [TASK_CANCELLED]      = "..............",
        [TASK_EXITED]         = "..............",
};

static bool phase_has_processes(TaskPhase phase) {
        return phase >= TASK_STARTING && phase <= TASK_ENDING;
}

static void assert_goes(TaskPhase phase, TaskEvent event, TaskPhase next, unsigned effects) {
        Transition t;

        if (!transition_find(phase, event, &t))
                fail_msg("%s cannot happen to a task that is %s", task_event_to_string(event), task_phase_to_string(phase));
        if (t.next != next)
                fail_msg("after %s a task that was %s is %s, not %s", task_event_to_string(event), task_phase_to_string(phase),
                         task_phase_to_string(t.next), task_phase_to_string(next));
        if (t.effects != effects)
                fail_msg("%s of a task that is %s has the effects %#x, not %#x", task_event_to_string(event),
                         task_phase_to_string(phase), t.effects, effects);
}

static void assert_impossible(TaskPhase phase, TaskEvent event) {
        Transition t = { _TASK_PHASE_INVALID, 12345 };

        if (transition_find(phase, event, &t))
                fail_msg("%s happens to a task that is %s", task_event_to_string(event), task_phase_to_string(phase));
        assert_int_equal(t.next, _TASK_PHASE_INVALID);
        assert_int_equal(t.effects, 12345);
}

/* T-5 */
static void what_is_not_in_the_table_cannot_happen(void **state) {
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++) {
                assert_int_equal(strlen(allowed[phase]), _TASK_EVENT_MAX);
                for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++) {
                        Transition t;

                        if (allowed[phase][event] == '.')
                                assert_impossible(phase, event);
                        else if (!transition_find(phase, event, &t))
                                fail_msg("%s cannot happen to a task that is %s", task_event_to_string(event), task_phase_to_string(phase));
                }
        }
}

static void a_claim_prepares_at_once_and_spawns_when_it_is_durable(void **state) {
        assert_goes(TASK_READY, EV_CLAIM, TASK_STARTING, EFFECT_PREPARE | EFFECT_SPAWN);
        assert_goes(TASK_WAITING_DEVICE, EV_CLAIM, TASK_STARTING, EFFECT_PREPARE | EFFECT_SPAWN);
}

/* */
static void nothing_but_a_claim_spawns(void **state) {
        Transition t;

        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++)
                        if (event != EV_CLAIM && transition_find(phase, event, &t))
                                assert_int_equal(t.effects & (EFFECT_PREPARE | EFFECT_SPAWN), 0);
}

static void a_task_runs_when_its_command_has_been_executed(void **state) {
        assert_goes(TASK_STARTING, EV_EXECED, TASK_RUNNING, EFFECT_NONE);
}

/* T-24 */
static void paused_is_a_fact_that_the_kernel_confirms(void **state) {
        assert_goes(TASK_RUNNING, EV_PAUSE, TASK_PAUSING, EFFECT_FREEZE);
        assert_goes(TASK_PAUSING, EV_FROZEN, TASK_PAUSED, EFFECT_NONE);
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++) {
                        Transition t;

                        if (transition_find(phase, event, &t) && t.next == TASK_PAUSED)
                                assert_true(phase == TASK_PAUSING && event == EV_FROZEN);
                }
}

/* T-24 */
static void a_freeze_that_is_not_confirmed_in_time_is_taken_back(void **state) {
        assert_goes(TASK_PAUSING, EV_FREEZE_FAILED, TASK_RUNNING, EFFECT_THAW);
}

/* T-24 */
static void a_resume_is_confirmed_too(void **state) {
        assert_goes(TASK_PAUSED, EV_RESUME, TASK_RESUMING, EFFECT_THAW);
        assert_goes(TASK_RESUMING, EV_THAWED, TASK_RUNNING, EFFECT_NONE);
}

static void a_resume_may_overtake_the_freeze(void **state) {
        assert_goes(TASK_PAUSING, EV_RESUME, TASK_RESUMING, EFFECT_THAW);
}

/* T-25 */
static void cancelling_a_paused_task_kills_it_without_a_thaw(void **state) {
        assert_goes(TASK_PAUSED, EV_KILL, TASK_ENDING, EFFECT_KILL);
        assert_goes(TASK_PAUSING, EV_KILL, TASK_ENDING, EFFECT_KILL);
}

/* T-25 */
static void a_paused_task_is_thawed_to_hear_the_cancel_signal(void **state) {
        assert_goes(TASK_PAUSED, EV_TERMINATE, TASK_RESUMING, EFFECT_SIGNAL | EFFECT_THAW);
        assert_goes(TASK_PAUSING, EV_TERMINATE, TASK_RESUMING, EFFECT_SIGNAL | EFFECT_THAW);
}

/* T-25 */
static void a_running_task_goes_on_running_while_it_is_asked_to_end(void **state) {
        assert_goes(TASK_RUNNING, EV_TERMINATE, TASK_RUNNING, EFFECT_SIGNAL);
        assert_goes(TASK_RESUMING, EV_TERMINATE, TASK_RESUMING, EFFECT_SIGNAL);
}

/* T-41 */
static void a_task_that_is_starting_is_killed_at_once(void **state) {
        assert_goes(TASK_STARTING, EV_TERMINATE, TASK_ENDING, EFFECT_KILL);
        assert_goes(TASK_STARTING, EV_KILL, TASK_ENDING, EFFECT_KILL);
}

/* T-23, T-27 */
static void a_cancel_works_on_every_task_that_has_not_ended(void **state) {
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++) {
                if (task_phase_has_ended(phase))
                        assert_impossible(phase, EV_KILL);
                else if (phase_has_processes(phase))
                        assert_goes(phase, EV_KILL, TASK_ENDING, EFFECT_KILL);
                else
                        assert_goes(phase, EV_KILL, TASK_CANCELLED, EFFECT_TEARDOWN);
        }
}

/* T-6 */
static void what_the_main_process_leaves_is_killed(void **state) {
        for (TaskPhase phase = TASK_STARTING; phase < TASK_ENDING; phase++)
                assert_goes(phase, EV_EXIT, TASK_ENDING, EFFECT_KILL);
}

/* T-29 */
static void a_paused_task_that_is_killed_from_outside_ends(void **state) {
        assert_goes(TASK_PAUSED, EV_EXIT, TASK_ENDING, EFFECT_KILL);
}

static void the_end_that_a_kill_was_for_changes_nothing_more(void **state) {
        assert_goes(TASK_ENDING, EV_EXIT, TASK_ENDING, EFFECT_NONE);
}

/* T-43 */
static void nothing_is_torn_down_before_the_end_is_durable(void **state) {
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++) {
                        Transition t;

                        if (!transition_find(phase, event, &t))
                                continue;
                        assert_int_equal(t.effects == EFFECT_TEARDOWN, task_phase_has_ended(t.next));
                        assert_true(t.effects == EFFECT_TEARDOWN || !(t.effects & EFFECT_TEARDOWN));
                }
}

/* T-2 */
static void each_verdict_has_its_own_end(void **state) {
        assert_goes(TASK_ENDING, EV_DONE, TASK_DONE, EFFECT_TEARDOWN);
        assert_goes(TASK_ENDING, EV_ERROR, TASK_ERROR, EFFECT_TEARDOWN);
        assert_goes(TASK_ENDING, EV_CANCELLED, TASK_CANCELLED, EFFECT_TEARDOWN);
        assert_goes(TASK_ENDING, EV_EXITED, TASK_EXITED, EFFECT_TEARDOWN);
}

/* T-6: however it ends, what is left of it is dealt with first */
static void a_task_with_processes_ends_only_through_ending(void **state) {
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++) {
                        Transition t;

                        if (transition_find(phase, event, &t) && task_phase_has_ended(t.next))
                                assert_true(phase == TASK_ENDING || !phase_has_processes(phase));
                }
}

/* T-1 */
static void what_has_ended_never_changes_again(void **state) {
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++)
                        if (task_phase_has_ended(phase))
                                assert_impossible(phase, event);
}

static void a_task_that_has_been_claimed_never_waits_again(void **state) {
        for (TaskPhase phase = TASK_STARTING; phase < _TASK_PHASE_MAX; phase++)
                for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++) {
                        Transition t;

                        if (transition_find(phase, event, &t))
                                assert_true(t.next > TASK_STARTING);
                }
}

static void every_event_has_its_own_word(void **state) {
        for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++) {
                assert_non_null(task_event_to_string(event));
                for (TaskEvent other = 0; other < event; other++)
                        assert_string_not_equal(task_event_to_string(event), task_event_to_string(other));
        }
}

static void append_effects(Text *text, unsigned effects) {
        static const char *const words[] = { "prepare", "freeze", "thaw", "signal", "kill", "spawn", "teardown" };

        const char *separator = ":\\n";

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (effects & (1U << i)) {
                        text_appendf(text, "%s%s", separator, words[i]);
                        separator = ", ";
                }
}

static void append_phase(Text *text, TaskPhase phase) {
        text_appendf(text, "        \"%s\"%s\n", task_phase_to_string(phase), task_phase_has_ended(phase) ? " [peripheries=2]" : "");
        for (TaskEvent event = 0; event < _TASK_EVENT_MAX; event++) {
                Transition t;

                if (!transition_find(phase, event, &t))
                        continue;
                text_appendf(text, "        \"%s\" -> \"%s\" [label=\"%s", task_phase_to_string(phase), task_phase_to_string(t.next),
                             task_event_to_string(event));
                append_effects(text, t.effects);
                text_append(text, "\"]\n");
        }
}

/* The table as a picture. */
static char *draw(void) {
        Text text = {};

        text_append(&text, "/* The life of a task: what happens, and what that makes bgtd do. Made by: test-transition --write */\n"
                           "digraph task {\n"
                           "        node [shape=box, style=rounded]\n");
        for (TaskPhase phase = 0; phase < _TASK_PHASE_MAX; phase++)
                append_phase(&text, phase);
        text_append(&text, "}\n");
        return text_take(&text);
}

static FILE *open_graph(const char *mode) {
        const char *source = getenv("BGT_SOURCE_DIR");
        _cleanup_(freep) char *path = text_format("%s/" GRAPH, source ? source : ".");

        return path ? fopen(path, mode) : NULL;
}

static void the_picture_shows_the_table(void **state) {
        _cleanup_(freep) char *drawn = draw();
        char kept[16384];
        FILE *file = open_graph("re");
        size_t size;

        assert_non_null(drawn);
        assert_non_null(file);
        size = fread(kept, 1, sizeof kept - 1, file);
        (void) fclose(file);
        kept[size] = '\0';
        if (strcmp(kept, drawn) != 0)
                fail_msg(GRAPH " shows another table; make it again with: test-transition --write");
}

static int write_graph(void) {
        _cleanup_(freep) char *drawn = draw();
        FILE *file = open_graph("we");

        if (!drawn || !file)
                return EXIT_FAILURE;
        return fputs(drawn, file) >= 0 && fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_not_in_the_table_cannot_happen),
                cmocka_unit_test(a_claim_prepares_at_once_and_spawns_when_it_is_durable),
                cmocka_unit_test(nothing_but_a_claim_spawns),
                cmocka_unit_test(a_task_runs_when_its_command_has_been_executed),
                cmocka_unit_test(paused_is_a_fact_that_the_kernel_confirms),
                cmocka_unit_test(a_freeze_that_is_not_confirmed_in_time_is_taken_back),
                cmocka_unit_test(a_resume_is_confirmed_too),
                cmocka_unit_test(a_resume_may_overtake_the_freeze),
                cmocka_unit_test(cancelling_a_paused_task_kills_it_without_a_thaw),
                cmocka_unit_test(a_paused_task_is_thawed_to_hear_the_cancel_signal),
                cmocka_unit_test(a_running_task_goes_on_running_while_it_is_asked_to_end),
                cmocka_unit_test(a_task_that_is_starting_is_killed_at_once),
                cmocka_unit_test(a_cancel_works_on_every_task_that_has_not_ended),
                cmocka_unit_test(what_the_main_process_leaves_is_killed),
                cmocka_unit_test(a_paused_task_that_is_killed_from_outside_ends),
                cmocka_unit_test(the_end_that_a_kill_was_for_changes_nothing_more),
                cmocka_unit_test(nothing_is_torn_down_before_the_end_is_durable),
                cmocka_unit_test(each_verdict_has_its_own_end),
                cmocka_unit_test(a_task_with_processes_ends_only_through_ending),
                cmocka_unit_test(what_has_ended_never_changes_again),
                cmocka_unit_test(a_task_that_has_been_claimed_never_waits_again),
                cmocka_unit_test(every_event_has_its_own_word),
                cmocka_unit_test(the_picture_shows_the_table),
        };

        if (argc == 2 && strcmp(argv[1], "--write") == 0)
                return write_graph();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
