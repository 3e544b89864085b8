/* SPDX-License-Identifier: MIT */
#include "supervisor/engine/query.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/engine/progress.h"
#include "supervisor/policy/disposition.h"

#define PARTS_MAX 10000
#define READS_MAX 4

/* A question under way: copies of what was asked, and the ended tasks when they have come. */
typedef struct Question {
        struct Question *next;          /* Supervisor.questions */
        Supervisor *sv;
        Query query;
        char *namespace, *type, *label, *state;
        uint64_t *ids;
        uint64_t (*ranges)[2];
        Task **ended;
        size_t n_ended;
        size_t n_pending;               /* looks and reads that have not come back */
        size_t n_reads;                 /* of the store */
        uint64_t n_ends;                /* that there had been when it was asked */
        int error;                      /* of the read; 0: none */
        QueryOnDone on_done;            /* NULL: the client is gone */
        void *userdata;
} Question;

static Question *question_free(Question *question) {
        Question **link = &question->sv->questions;

        while (*link && *link != question)
                link = &(*link)->next;
        if (*link)
                *link = question->next;
        for (size_t i = 0; i < question->n_ended; i++)
                (void) task_free(question->ended[i]);
        free(question->ended);
        free(question->ranges);
        free(question->ids);
        free(question->state);
        free(question->label);
        free(question->type);
        free(question->namespace);
        free(question);
        return NULL;
}

static int id_compare(const void *a, const void *b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

/* The ids are in order. */
static bool query_names(const Query *query, uint64_t id) {
        if (query->n_ids == 0 && query->n_ranges == 0)
                return true;
        if (query->n_ids > 0 && bsearch(&id, query->ids, query->n_ids, sizeof id, id_compare))
                return true;
        for (size_t i = 0; i < query->n_ranges; i++)
                if (id >= query->ranges[i][0] && id <= query->ranges[i][1])
                        return true;
        return false;
}

static bool state_matches(const char *state, TaskPhase phase, TaskPhase before) {
        return text_equal(state, task_phase_to_string(phase)) || text_equal(state, task_phase_running_state(phase, before)) ||
               text_equal(state, task_phase_status(phase, before));
}

/* What the query says besides ids: those the store has looked for itself. */
static bool query_matches(const Query *query, const Task *task) {
        TaskPhase phase = disposition_visible_phase(task);
        bool ended = task_phase_has_ended(phase);

        if (query->ended && !ended)
                return false;
        if (query->unsuccessful && (!ended || task->phase == TASK_DONE))
                return false;
        return (!query->namespace || text_equal(query->namespace, task->namespace)) &&
               (!query->type || text_equal(query->type, task->type->name)) &&
               (!query->label || text_equal(query->label, task->label)) &&
               (!query->state || state_matches(query->state, phase, task->before_ending));
}

static bool query_matches_live(const Query *query, const Task *task) {
        return task->stored && query_names(query, task->id) && query_matches(query, task);
}

/* Which of the ended phases can match, a bit for each: the store's limit is to count only what is wanted. */
static uint32_t query_ended_phases(const Query *query) {
        uint32_t phases = 0;

        for (TaskPhase phase = TASK_DONE; phase <= TASK_EXITED; phase++)
                if ((!query->state || state_matches(query->state, phase, TASK_RUNNING)) && !(query->unsuccessful && phase == TASK_DONE))
                        phases |= UINT32_C(1) << phase;
        return phases;
}

static bool query_wants_ended(const Query *query) {
        return (query->ended || query->every || query->unsuccessful || query->n_ids > 0 || query->n_ranges > 0 || query->state) &&
               query_ended_phases(query) != 0;
}

static int task_compare(const void *a, const void *b) {
        const Task *x = *(Task *const *) a, *y = *(Task *const *) b;

        return (x->id > y->id) - (x->id < y->id);
}

static bool list_has(Task *const *tasks, size_t n_tasks, uint64_t id) {
        const Task key = { .id = id }, *p = &key;

        return n_tasks > 0 && bsearch(&p, tasks, n_tasks, sizeof *tasks, task_compare);
}

/* The live ones that match and the ended ones that came, in order, each once. */
static int question_collect(const Question *question, Task ***ret, size_t *ret_n) {
        Task **live, **list;
        size_t n_live, n = 0;
        int r;

        r = registry_list(question->sv->registry, &live, &n_live);
        if (r < 0)
                return r;
        list = calloc(n_live + question->n_ended + 1, sizeof *list);
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n_live; i++)
                if (query_matches_live(&question->query, live[i]))
                        list[n++] = live[i];
        n_live = n;
        for (size_t i = 0; i < question->n_ended; i++)
                if (query_matches(&question->query, question->ended[i]) && !list_has(list, n_live, question->ended[i]->id))
                        list[n++] = question->ended[i];
        qsort(list, n, sizeof *list, task_compare);
        *ret = list;
        *ret_n = n;
        return 0;
}

static void question_answer(Question *question) {
        const Query *query = &question->query;
        Outcome outcome = { OUTCOME_DONE, "" };
        _cleanup_(freep) Task **tasks = NULL;
        char sentence[160];
        size_t n = 0, first = 0;
        int r = question->error;

        if (r == 0)
                r = question_collect(question, &tasks, &n);
        if (r < 0) {
                (void) snprintf(sentence, sizeof sentence, "Cannot read the store: %s.", strerror(-r));
                outcome = (Outcome) { BUS_ERROR_STORE, sentence };
        }
        for (size_t i = 0; r == 0 && i < query->n_ids; i++)
                if (!list_has(tasks, n, query->ids[i]) && !query->namespace && !query->type && !query->label && !query->state &&
                    !query->ended && !query->unsuccessful) {
                        (void) snprintf(sentence, sizeof sentence, "There is no task %llu.", (unsigned long long) query->ids[i]);
                        outcome = (Outcome) { BUS_ERROR_NO_SUCH_TASK, sentence };
                        break;
                }
        if (query->limit > 0 && n > query->limit)
                first = n - query->limit;
        if (question->on_done)
                question->on_done(&outcome, outcome.error == OUTCOME_DONE ? tasks + first : NULL,
                                  outcome.error == OUTCOME_DONE ? n - first : 0, question->userdata);
        (void) question_free(question);
}

static bool question_must_read(const Question *question);
static int question_read_ended(Question *question);

/* The store comes after the looks: who ends meanwhile is in it by then. */
static void question_check(Question *question) {
        int r;

        if (--question->n_pending > 0)
                return;
        if (question->error == 0 && question_must_read(question)) {
                r = question_read_ended(question);
                if (r == 0)
                        return;
                question->error = r;
        }
        question_answer(question);
}

static void question_on_fresh(void *userdata) {
        question_check(userdata);
}

static void question_on_read(int r, Task **tasks, size_t n_tasks, void *userdata) {
        Question *question = userdata;

        for (size_t i = 0; i < question->n_ended; i++)
                (void) task_free(question->ended[i]);
        free(question->ended);
        question->error = r;
        question->ended = tasks;
        question->n_ended = n_tasks;
        if (n_tasks > 0)
                qsort(tasks, n_tasks, sizeof *tasks, task_compare);
        for (size_t i = 0; i < n_tasks; i++)
                tasks[i]->stored = tasks[i]->settled = true;
        question_check(question);
}

static uint64_t ends_so_far(const Supervisor *sv) {
        return sv->counters.done + sv->counters.error + sv->counters.cancelled + sv->counters.exited;
}

static int question_read_ended(Question *question) {
        const Query *query = &question->query;
        const StoreFilter filter = {
                .ids = query->ids, .n_ids = query->n_ids, .ranges = query->ranges, .n_ranges = query->n_ranges,
                .type = query->type, .namespace = query->namespace, .label = query->label, .limit = query->limit,
                .phases = query_ended_phases(query),
        };
        int r;

        question->n_pending++;
        question->n_reads++;
        question->n_ends = ends_so_far(question->sv);
        r = store_read_ended(question->sv->store, &filter, question_on_read, question);
        if (r < 0)
                question->n_pending--;
        return r;
}

/* All that is named is in memory: no need to ask the store. */
static bool query_is_live(const Supervisor *sv, const Query *query) {
        if (query->n_ids == 0 || query->n_ranges > 0 || query->ended || query->unsuccessful)
                return false;
        for (size_t i = 0; i < query->n_ids; i++) {
                const Task *task = registry_find(sv->registry, query->ids[i]);

                if (!task || !task->stored)
                        return false;
        }
        return true;
}

static bool question_has_all(const Question *question) {
        for (size_t i = 0; i < question->query.n_ids; i++) {
                const Task *task = registry_find(question->sv->registry, question->query.ids[i]);

                if ((!task || !task->stored) && !list_has(question->ended, question->n_ended, question->query.ids[i]))
                        return false;
        }
        return true;
}

/* Once more if one that is named has left memory between the read and its answer. */
static bool question_must_read(const Question *question) {
        if (!query_wants_ended(&question->query))
                return false;
        if (question->n_reads == 0)
                return !query_is_live(question->sv, &question->query);
        /* who ended between the read and the answer was too early for the one and is too late for the other */
        return question->n_reads < READS_MAX && question->n_ends != ends_so_far(question->sv) &&
               (question->query.n_ids == 0 || !question_has_all(question));
}

static void question_refresh(Question *question) {
        Supervisor *sv = question->sv;
        Task **tasks;
        size_t n_tasks;

        if (registry_list(sv->registry, &tasks, &n_tasks) < 0)
                return;
        for (size_t i = 0; i < n_tasks; i++)
                if (query_matches_live(&question->query, tasks[i]) &&
                    progress_refresh(sv, tasks[i], question_on_fresh, question))
                        question->n_pending++;
}

static int copy_text(const char *from, char **ret, const char **ret_in_query) {
        if (!from)
                return 0;
        *ret = strdup(from);
        *ret_in_query = *ret;
        return *ret ? 0 : -ENOMEM;
}

static int question_copy(Question *question, const Query *query) {
        int r;

        question->query = *query;
        question->query.ids = question->ids = malloc(query->n_ids * sizeof *question->ids + 1);
        question->query.ranges = question->ranges = malloc(query->n_ranges * sizeof *question->ranges + 1);
        if (!question->ids || !question->ranges)
                return -ENOMEM;
        if (query->n_ids > 0)
                memcpy(question->ids, query->ids, query->n_ids * sizeof *question->ids);
        qsort(question->ids, query->n_ids, sizeof *question->ids, id_compare);
        if (query->n_ranges > 0)
                memcpy(question->ranges, query->ranges, query->n_ranges * sizeof *question->ranges);
        r = copy_text(query->namespace, &question->namespace, &question->query.namespace);
        if (r == 0)
                r = copy_text(query->type, &question->type, &question->query.type);
        if (r == 0)
                r = copy_text(query->label, &question->label, &question->query.label);
        if (r == 0)
                r = copy_text(query->state, &question->state, &question->query.state);
        return r;
}

void query_run(Supervisor *sv, const Caller *caller, const Query *query, QueryOnDone on_done, void *userdata) {
        Outcome outcome = { BUS_ERROR_FAILED, "Out of memory." };
        Question *question = calloc(1, sizeof *question);
        int r;

        if (!question) {
                on_done(&outcome, NULL, 0, userdata);
                return;
        }
        question->next = sv->questions;
        sv->questions = question;
        question->sv = sv;
        question->on_done = on_done;
        question->userdata = userdata;
        question->n_pending = 1;        /* ours, until everything is under way */

        r = question_copy(question, query);
        if (r < 0)
                question->error = r;
        else if (query->fresh)
                question_refresh(question);
        question_check(question);
}

void query_forget(Supervisor *sv, void *userdata) {
        for (Question *question = sv->questions; question; question = question->next)
                if (question->userdata == userdata)
                        question->on_done = NULL;
}

/* `4` or `10-20` at *@text. */
static int parse_part(char *part, uint64_t *ret_from, uint64_t *ret_to) {
        char *dash = strchr(part, '-');
        int r;

        if (dash)
                *dash++ = '\0';
        r = quantity_parse_u64(part, ret_from);
        if (r == 0)
                r = quantity_parse_u64(dash ? dash : part, ret_to);
        if (r < 0)
                return -EINVAL;
        return *ret_from > 0 && *ret_from <= *ret_to ? (dash ? 1 : 0) : -EINVAL;
}

int query_parse_ids(const char *text, uint64_t **ret_ids, size_t *ret_n_ids, uint64_t (**ret_ranges)[2], size_t *ret_n_ranges) {
        _cleanup_(freep) char *copy = strdup(text);
        _cleanup_(freep) uint64_t *ids = NULL;
        _cleanup_(freep) uint64_t (*ranges)[2] = NULL;
        size_t n = 1, n_ids = 0, n_ranges = 0;
        char *rest = copy, *part;
        int r;

        for (const char *p = text; *p; p++)
                n += *p == ',';
        if (n > PARTS_MAX)
                return -EINVAL;
        ids = calloc(n, sizeof *ids);
        ranges = calloc(n, sizeof *ranges);
        if (!copy || !ids || !ranges)
                return -ENOMEM;
        while ((part = strsep(&rest, ","))) {
                uint64_t from, to;

                r = parse_part(part, &from, &to);
                if (r < 0)
                        return r;
                if (r == 0)
                        ids[n_ids++] = from;
                else {
                        ranges[n_ranges][0] = from;
                        ranges[n_ranges++][1] = to;
                }
        }
        *ret_ids = MOVE(ids);
        *ret_n_ids = n_ids;
        *ret_ranges = MOVE(ranges);
        *ret_n_ranges = n_ranges;
        return 0;
}
