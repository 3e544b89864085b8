/* SPDX-License-Identifier: MIT */
#include "ctl/selection.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"
#include "lib/wire/task-words.h"

#define PARTS_MAX 10000

const Option selection_options[] = {
        { "all",       .help = "every task that has not ended" },
        { "label",     .value = "L", .help = "tasks with this label" },
        { "namespace", .value = "NS", .help = "tasks in this namespace" },
        { "state",     .value = "S", .help = "tasks in this state: running, paused, done, ..." },
        { "type",      .value = "T", .help = "tasks of this type" },
        {}
};

static int parse_id(const char *text, uint64_t *ret, Trouble *trouble) {
        const char *self = getenv("BGT_TASK_ID");

        if (strcmp(text, "self") == 0) {
                if (!self)
                        return trouble_usage(trouble, "`self` names the task that asks, and this is not inside a task.");
                text = self;
        }
        if (!*text)
                return trouble_usage(trouble, "A range names its first and its last id, as in 10-20.");
        if (quantity_parse_u64(text, ret) < 0 || *ret == 0)
                return trouble_usage(trouble, "%s is no task id; ids are written as in 1,4,10-20.", text);
        return 0;
}

/* `7`, `self`, `10-20`. */
static int parse_part(char *text, SelectionPart *ret, Trouble *trouble) {
        char *dash = strchr(text, '-');
        SelectionPart part;
        int r;

        if (dash)
                *dash = '\0';
        r = parse_id(text, &part.from, trouble);
        if (r < 0)
                return r;
        part.to = part.from;
        if (dash) {
                r = parse_id(dash + 1, &part.to, trouble);
                if (r < 0)
                        return r;
                if (part.to < part.from)
                        return trouble_usage(trouble, "The range %s-%s ends before it begins.", text, dash + 1);
        }
        *ret = part;
        return 0;
}

/* `,7`, `7,` or `7,,8`: what a script writes whose variable is empty. */
static bool has_gap(const char *word) {
        size_t length = strlen(word);

        return length > 0 && (word[0] == ',' || word[length - 1] == ',' || strstr(word, ",,"));
}

static int parse_word(Selection *selection, const char *word, Trouble *trouble) {
        _cleanup_(strv_freep) char **texts = NULL;
        SelectionPart *parts;
        size_t n;
        int r;

        if (has_gap(word))
                return trouble_usage(trouble, "An id is missing in %s; ids are written as in 1,4,10-20.", word);
        r = strv_split(&texts, word, ",");
        if (r < 0)
                return trouble_failed(trouble, r, "Cannot read %s", word);
        n = strv_length(texts);
        if (n == 0)
                return trouble_usage(trouble, "An empty word names no task; ids are written as in 1,4,10-20.");
        if (n > PARTS_MAX || selection->n_parts + n > PARTS_MAX)
                return trouble_usage(trouble, "More than %d ids and ranges at once; name tasks by --type, --label or --namespace.", PARTS_MAX);
        parts = reallocarray(selection->parts, selection->n_parts + n, sizeof *parts);
        if (!parts)
                return trouble_failed(trouble, -ENOMEM, "Cannot read %s", word);
        selection->parts = parts;

        STRV_FOREACH(text, texts) {
                r = parse_part(text, &selection->parts[selection->n_parts], trouble);
                if (r < 0)
                        return r;
                selection->n_parts++;
        }
        return 0;
}

static bool has_filters(const Selection *s) {
        return s->namespace || s->type || s->label || s->state;
}

/* Whether a task of any phase is called this. */
static bool state_is_known(const char *state) {
        static const TaskPhase before[] = { TASK_STARTING, TASK_RUNNING, TASK_PAUSED };

        for (int phase = 0; phase < _TASK_PHASE_MAX; phase++) {
                if (strcmp(state, task_phase_to_string(phase)) == 0)
                        return true;
                for (size_t i = 0; i < ELEMENTSOF(before); i++)
                        if (text_equal(state, task_phase_running_state(phase, before[i])) ||
                            text_equal(state, task_phase_status(phase, before[i])))
                                return true;
        }
        return false;
}

static int selection_check(const Selection *selection, Trouble *trouble) {
        if (selection->n_parts > 0 && (selection->all || has_filters(selection)))
                return trouble_usage(trouble, "Name tasks by their ids or by --all, --namespace, --type, --label and --state, not by both.");
        if (selection->all && has_filters(selection))
                return trouble_usage(trouble, "--all is every task, so it goes with no other choice of tasks.");
        if (selection->state && !state_is_known(selection->state))
                return trouble_usage(trouble, "%s is no state of a task; it can be running, paused, done, error, cancelled, exited and so on.",
                                     selection->state);
        return 0;
}

int selection_parse(Selection *ret, char *const *words, const Arguments *arguments, Trouble *trouble) {
        _cleanup_(selection_done) Selection selection = {
                .all = arguments_has(arguments, "all"),
                .namespace = arguments_value(arguments, "namespace"),
                .type = arguments_value(arguments, "type"),
                .label = arguments_value(arguments, "label"),
                .state = arguments_value(arguments, "state"),
        };
        int r;

        for (; *words; words++) {
                r = parse_word(&selection, *words, trouble);
                if (r < 0)
                        return r;
        }
        r = selection_check(&selection, trouble);
        if (r < 0)
                return r;
        *ret = selection;
        selection.parts = NULL;
        return 0;
}

void selection_done(Selection *selection) {
        free(selection->parts);
        selection->parts = NULL;
        selection->n_parts = 0;
}

bool selection_is_by_options(const Arguments *arguments) {
        for (const Option *o = selection_options; o->name; o++)
                if (arguments_has(arguments, o->name))
                        return true;
        return false;
}

int selection_require(const Selection *selection, Trouble *trouble) {
        if (selection->n_parts > 0 || selection->all || has_filters(selection))
                return 0;
        return trouble_usage(trouble, "Which tasks? Name ids, as in 1,4,10-20, or --all, --namespace, --type, --label or --state.");
}

bool selection_is_single(const Selection *selection) {
        return selection->n_parts == 1 && selection->parts[0].from == selection->parts[0].to;
}

bool selection_state_has_ended(const char *state) {
        for (int phase = TASK_DONE; phase <= TASK_EXITED; phase++)
                if (strcasecmp(state, task_phase_to_string(phase)) == 0 ||
                    strcasecmp(state, task_phase_running_state(phase, TASK_RUNNING)) == 0 ||
                    strcasecmp(state, task_phase_status(phase, TASK_RUNNING)) == 0)
                        return true;
        return false;
}

/* `1,4,10-20`; NULL if out of memory. */
static char *parts_to_text(const Selection *selection) {
        Text text = {};

        for (size_t i = 0; i < selection->n_parts; i++) {
                const SelectionPart *part = &selection->parts[i];

                text_appendf(&text, "%s%" PRIu64, i > 0 ? "," : "", part->from);
                if (part->to != part->from)
                        text_appendf(&text, "-%" PRIu64, part->to);
        }
        return text_take(&text);
}

static int filter_set(Value *filter, const char *key, const char *value) {
        return value ? value_set(filter, key, value_new_string(value)) : 0;
}

static int filter_fill(Value *filter, const Selection *selection) {
        _cleanup_(freep) char *ids = NULL;
        int r = 0;

        if (selection->n_parts > 0) {
                ids = parts_to_text(selection);
                return ids ? value_set(filter, "ids", value_new_string(ids)) : -ENOMEM;
        }
        if (selection->all)
                return value_set(filter, "all", value_new_boolean(true));
        if (selection->state && selection_state_has_ended(selection->state))
                r = value_set(filter, "every", value_new_boolean(true));
        if (r >= 0)
                r = filter_set(filter, "namespace", selection->namespace);
        if (r >= 0)
                r = filter_set(filter, "type", selection->type);
        if (r >= 0)
                r = filter_set(filter, "label", selection->label);
        if (r >= 0)
                r = filter_set(filter, "state", selection->state);
        return r;
}

Value *selection_filter(const Selection *selection) {
        _cleanup_(value_freep) Value *filter = value_new_dictionary();

        if (!filter || filter_fill(filter, selection) < 0)
                return NULL;
        return MOVE(filter);
}

Value *selection_filter_of_ids(const uint64_t *ids, size_t n_ids) {
        _cleanup_(selection_done) Selection selection = { .parts = calloc(n_ids + 1, sizeof *selection.parts), .n_parts = n_ids };

        for (size_t i = 0; selection.parts && i < n_ids; i++)
                selection.parts[i] = (SelectionPart) { ids[i], ids[i] };
        return selection.parts ? selection_filter(&selection) : NULL;
}
