/* SPDX-License-Identifier: MIT */
#include "ctl/list.h"

#include <string.h>

#include "ctl/selection.h"
#include "ctl/snapshot.h"
#include "ctl/verbs.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"

#define COLUMNS_MAX 128

#define COLUMNS_ACTIVE "Id,Phase,Progress,ProgressLine,Type,Owner,StartTime,Name,Command"
#define COLUMNS_ENDED "Id,Phase,Type,Owner,FinishTime,RunTime,Name,FinalStatus"
#define COLUMNS_EVERY COLUMNS_ACTIVE ",FinalStatus"

const Option list_options[] = {
        { "columns",      .value = "A,B", .help = "these properties of the tasks" },
        { "ended",        .help = "tasks that have ended" },
        { "every",        .help = "those that have ended and those that have not" },
        { "limit",        .value = "N", .help = "no more than N: the newest, or the first by --sort" },
        { "sort",         .value = "A", .help = "by this property; -A is the greatest first" },
        { "unsuccessful", .help = "tasks that have ended otherwise than done" },
        {}
};

typedef struct List {
        Ctl *ctl;
        Column columns[COLUMNS_MAX];
        char headings[COLUMNS_MAX][64];
        size_t n_columns;
        const Property *sort;           /* NULL: by id */
        bool descending;
        uint64_t limit;                 /* 0: none */
        bool whole;                     /* JSON of every property */
} List;

static int find_property(Ctl *ctl, const char *name, const Property **ret) {
        *ret = property_find(name);
        if (*ret)
                return 0;
        return trouble_usage(&ctl->trouble, "Tasks have no property %s; `bgtctl show` and the manual page list them.", name);
}

static int list_choose_columns(List *list, const char *names) {
        _cleanup_(strv_freep) char **split = NULL;
        int r;

        r = strv_split(&split, names, ",");
        if (r < 0)
                return trouble_failed(&list->ctl->trouble, r, "Cannot read the columns");
        if (!split || strv_length(split) > COLUMNS_MAX)
                return trouble_usage(&list->ctl->trouble, "--columns are names of properties, as in Id,Phase,Name.");
        STRV_FOREACH(name, split) {
                const Property *property;

                r = find_property(list->ctl, name, &property);
                if (r < 0)
                        return r;
                list->columns[list->n_columns] = column_of_property(property, list->headings[list->n_columns]);
                list->n_columns++;
        }
        return 0;
}

static int list_choose_order(List *list) {
        const Arguments *a = &list->ctl->arguments;
        const char *sort = arguments_value(a, "sort"), *limit = arguments_value(a, "limit");

        if (limit && (quantity_parse_u64(limit, &list->limit) < 0 || list->limit == 0))
                return trouble_usage(&list->ctl->trouble, "--limit is a number of tasks, not %s.", limit);
        if (!sort)
                return 0;
        list->descending = *sort == '-';
        return find_property(list->ctl, sort + list->descending, &list->sort);
}

static int list_check(List *list) {
        static const char *const exclusive[][4] = {
                { "ended", "every", NULL }, { "every", "unsuccessful", NULL },
                { "all", "ended", NULL }, { "all", "every", NULL }, { "all", "unsuccessful", NULL },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(exclusive); i++) {
                r = arguments_exclude(&list->ctl->arguments, exclusive[i], &list->ctl->trouble);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* An empty list asks for everything. */
static Value *list_asked_columns(const List *list) {
        _cleanup_(value_freep) Value *names = value_new_list();

        if (!names || list->whole)
                return MOVE(names);
        for (size_t i = 0; i < list->n_columns; i++) {
                const Property *property = property_find(list->columns[i].name);

                if (value_add(names, value_new_string(property->name)) < 0)
                        return NULL;
                if (property->needs && value_add(names, value_new_string(property->needs)) < 0)
                        return NULL;
        }
        if (list->sort && value_add(names, value_new_string(list->sort->name)) < 0)
                return NULL;
        return MOVE(names);
}

static Value *list_filter(const List *list, const Selection *selection) {
        static const char *const flags[] = { "ended", "every", "unsuccessful" };
        _cleanup_(value_freep) Value *filter = selection_filter(selection);

        for (size_t i = 0; filter && i < ELEMENTSOF(flags); i++)
                if (arguments_has(&list->ctl->arguments, flags[i]) && !value_get(filter, flags[i]) &&
                    value_set(filter, flags[i], value_new_boolean(true)) < 0)
                        return NULL;
        if (filter && list->limit > 0 && !list->sort && value_set(filter, "limit", value_new_natural(VALUE_UINT64, list->limit)) < 0)
                return NULL;
        return MOVE(filter);
}

static int rows_compare(const void *a, const void *b, void *userdata) {
        const List *list = userdata;
        const Value *x = *(Value *const *) a, *y = *(Value *const *) b;
        int order = value_compare(value_get(x, list->sort->name), value_get(y, list->sort->name));

        if (order == 0)
                return value_compare(value_get(x, "Id"), value_get(y, "Id"));
        return list->descending ? -order : order;
}

static void list_sort(List *list, Value *rows) {
        if (!list->sort || rows->n_items == 0)
                return;
        qsort_r(rows->items, rows->n_items, sizeof *rows->items, rows_compare, list);
        while (list->limit > 0 && rows->n_items > list->limit)
                value_free(rows->items[--rows->n_items]);
}

static int list_ask(List *list, const Selection *selection, Value **ret) {
        _cleanup_(value_freep) Value *filter = list_filter(list, selection), *columns = list_asked_columns(list), *answer = NULL;
        Ctl *ctl = list->ctl;
        int r;

        if (!filter || !columns)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask for tasks");
        r = ctl_call(ctl, "List", "a{sv}as", (const Value *[]) { filter, columns }, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        list_sort(list, answer->items[0]);
        *ret = MOVE(answer->items[0]);
        return 0;
}

static void append_whole(Text *text, const Value *rows) {
        text_append_char(text, '[');
        for (size_t i = 0; i < rows->n_items; i++) {
                if (i > 0)
                        text_append_char(text, ',');
                snapshot_append_json(text, rows->items[i]);
        }
        text_append_char(text, ']');
}

static void list_append(List *list, const Value *rows) {
        ColumnsStyle style = ctl_style(list->ctl);
        Text *out = &list->ctl->out;

        if (list->whole)
                append_whole(out, rows);
        else if (list->ctl->json)
                columns_append_json(out, list->columns, list->n_columns, rows);
        else
                columns_append_table(out, list->columns, list->n_columns, rows, &style);
}

static const char *columns_wanted(const Ctl *ctl) {
        const char *given = arguments_value(&ctl->arguments, "columns"), *state = arguments_value(&ctl->arguments, "state");

        if (given)
                return given;
        if (arguments_has(&ctl->arguments, "ended") || arguments_has(&ctl->arguments, "unsuccessful") ||
            (state && selection_state_has_ended(state)))
                return COLUMNS_ENDED;
        return arguments_has(&ctl->arguments, "every") || ctl->arguments.n_words > 1 ? COLUMNS_EVERY : COLUMNS_ACTIVE;
}

static int list_run(List *list, const Selection *selection, size_t *ret_n) {
        _cleanup_(value_freep) Value *rows = NULL;
        int r;

        list->whole = list->ctl->json && !arguments_has(&list->ctl->arguments, "columns");
        r = list_choose_columns(list, columns_wanted(list->ctl));
        if (r < 0)
                return r;
        r = list_ask(list, selection, &rows);
        if (r < 0)
                return r;
        list_append(list, rows);
        *ret_n = rows->n_items;
        return 0;
}

int list_append_active(Ctl *ctl) {
        _cleanup_(freep) List *list = calloc(1, sizeof *list);
        Selection everything = { .all = true };
        size_t n;

        if (!list)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask for tasks");
        list->ctl = ctl;
        return list_run(list, &everything, &n);
}

/* Nothing was said about which tasks. */
static bool is_plain(const Ctl *ctl) {
        const Arguments *a = &ctl->arguments;

        return a->n_words == 1 && !selection_is_by_options(a) && !arguments_has(a, "ended") && !arguments_has(a, "every") &&
               !arguments_has(a, "unsuccessful");
}

int verb_list(Ctl *ctl) {
        _cleanup_(selection_done) Selection selection = {};
        _cleanup_(freep) List *list = calloc(1, sizeof *list);
        size_t n;
        int r;

        if (!list)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask for tasks");
        list->ctl = ctl;
        r = list_check(list);
        if (r < 0)
                return r;
        r = list_choose_order(list);
        if (r < 0)
                return r;
        r = selection_parse(&selection, ctl->arguments.words + 1, &ctl->arguments, &ctl->trouble);
        if (r < 0)
                return r;
        r = list_run(list, &selection, &n);
        if (r < 0)
                return r;
        if (ctl->json)
                text_append_char(&ctl->out, '\n');
        else if (n == 0)
                ctl_note(ctl, is_plain(ctl) ? "No active tasks." : "No task matches.");
        return 0;
}
