/* SPDX-License-Identifier: MIT */
#include "ctl/selected.h"

#include "ctl/selection.h"
#include "lib/base/result.h"

typedef struct Ids {
        uint64_t *ids;
        size_t n;
} Ids;

static void ids_done(Ids *ids) {
        free(ids->ids);
}

static int ids_add(Ids *ids, uint64_t id) {
        uint64_t *grown;

        grown = reallocarray(ids->ids, ids->n + 1, sizeof *grown);
        if (!grown)
                return -ENOMEM;
        ids->ids = grown;
        ids->ids[ids->n++] = id;
        return 0;
}

static bool part_is_range(const SelectionPart *part) {
        return part->from != part->to;
}

/* One part's ids: what is named stands for itself, a range for those of @tasks in it. */
static int ids_add_part(Ids *ids, const SelectionPart *part, const Value *tasks, bool active) {
        int r;

        if (!part_is_range(part))
                return ids_add(ids, part->from);
        for (size_t i = 0; tasks && i < tasks->n_items; i++) {
                uint64_t id = value_get_natural(tasks->items[i], "Id");

                if (id < part->from || id > part->to || (active && value_get_boolean(tasks->items[i], "HasEnded")))
                        continue;
                r = ids_add(ids, id);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Id and HasEnded of what the ranges or the options match; NULL in *@ret if every id is named. */
static int ask_about_ranges(Ctl *ctl, const Selection *selection, Value **ret) {
        _cleanup_(value_freep) Value *filter = NULL, *columns = NULL, *answer = NULL;
        _cleanup_(selection_done) Selection ranges = *selection;
        int r;

        /* named ids are not asked about: whether they exist shows when something is done with them */
        ranges.parts = calloc(selection->n_parts + 1, sizeof *ranges.parts);
        ranges.n_parts = 0;
        for (size_t i = 0; ranges.parts && i < selection->n_parts; i++)
                if (part_is_range(&selection->parts[i]))
                        ranges.parts[ranges.n_parts++] = selection->parts[i];
        if (ranges.parts && selection->n_parts > 0 && ranges.n_parts == 0)
                return 0;

        filter = ranges.parts ? selection_filter(&ranges) : NULL;
        columns = value_new_strings((char *[]) { (char *) "Id", (char *) "HasEnded", NULL });
        if (!filter || !columns)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask for tasks");
        r = ctl_call(ctl, "List", "a{sv}as", (const Value *[]) { filter, columns }, &answer);
        if (r < 0)
                return r;
        if (answer->n_items != 1)
                return trouble_failed(&ctl->trouble, -EBADMSG, "Cannot read bgtd's answer");
        *ret = MOVE(answer->items[0]);
        return 0;
}

static int collect(const Selection *selection, const Value *tasks, bool active, Ids *ids) {
        static const SelectionPart everything = { 0, UINT64_MAX };
        int r;

        if (selection->n_parts == 0)
                return ids_add_part(ids, &everything, tasks, active);
        for (size_t i = 0; i < selection->n_parts; i++) {
                r = ids_add_part(ids, &selection->parts[i], tasks, active);
                if (r < 0)
                        return r;
        }
        return 0;
}

typedef struct Place {
        uint64_t id;
        size_t at;
} Place;

static int place_compare(const void *a, const void *b) {
        const Place *x = a, *y = b;

        if (x->id != y->id)
                return x->id < y->id ? -1 : 1;
        return (x->at > y->at) - (x->at < y->at);
}

/* Leaves the first of each, in the order given: what is asked twice is meant once. */
static int ids_drop_repeated(Ids *ids) {
        _cleanup_(freep) Place *places = calloc(ids->n + 1, sizeof *places);
        size_t kept = 0;

        if (!places)
                return -ENOMEM;
        for (size_t i = 0; i < ids->n; i++)
                places[i] = (Place) { ids->ids[i], i };
        qsort(places, ids->n, sizeof *places, place_compare);
        for (size_t i = 1; i < ids->n; i++)
                if (places[i].id == places[i - 1].id)
                        ids->ids[places[i].at] = 0;
        for (size_t i = 0; i < ids->n; i++)
                if (ids->ids[i] != 0)
                        ids->ids[kept++] = ids->ids[i];
        ids->n = kept;
        return 0;
}

int selected_ids(Ctl *ctl, bool active, uint64_t **ret, size_t *ret_n) {
        _cleanup_(selection_done) Selection selection = {};
        _cleanup_(value_freep) Value *tasks = NULL;
        _cleanup_(ids_done) Ids ids = {};
        int r;

        r = selection_parse(&selection, ctl->arguments.words + 1, &ctl->arguments, &ctl->trouble);
        if (r < 0)
                return r;
        r = selection_require(&selection, &ctl->trouble);
        if (r < 0)
                return r;
        r = ask_about_ranges(ctl, &selection, &tasks);
        if (r < 0)
                return r;
        r = collect(&selection, tasks, active, &ids);
        if (r >= 0)
                r = ids_drop_repeated(&ids);
        if (r < 0)
                return trouble_failed(&ctl->trouble, r, "Cannot ask for tasks");
        if (ids.n == 0)
                return trouble_own(&ctl->trouble, -ESRCH, EXIT_NO_SUCH, "No task matches.");
        *ret = MOVE(ids.ids);
        *ret_n = ids.n;
        return 0;
}
