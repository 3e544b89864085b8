/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/parse.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/quantity.h"
#include "lib/base/result.h"
#include "lib/base/text.h"

#define NOT_A_COUNT "is not a whole number"

int parse_boolean(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        if (quantity_parse_boolean(text, field) < 0)
                return fault_set(fault, "is not a yes or no");
        return 0;
}

static int refuse_range(const Setting *setting, const char *what, SettingsFault *fault) {
        if (setting->maximum == 0)
                return fault_set(fault, "is not %s of at least %llu", what, (unsigned long long) setting->minimum);
        return fault_set(fault, "is not %s from %llu to %llu", what,
                         (unsigned long long) setting->minimum, (unsigned long long) setting->maximum);
}

static bool in_range(const Setting *setting, uint64_t value) {
        return value >= setting->minimum && (setting->maximum == 0 || value <= setting->maximum);
}

int parse_count(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value;
        int r;

        r = quantity_parse_u64(text, &value);
        if (r == -ERANGE)
                return fault_set(fault, "is too large a number");
        if (r < 0 && setting->minimum == 0 && setting->maximum == 0)
                return fault_set(fault, NOT_A_COUNT);
        if (r < 0 || !in_range(setting, value))
                return refuse_range(setting, "a whole number", fault);
        *(uint64_t *) field = value;
        return 0;
}

int parse_count_or_forever(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        int64_t value;

        if (quantity_parse_i64(text, &value) < 0 || value < -1)
                return fault_set(fault, NOT_A_COUNT " or -1");
        *(int64_t *) field = value;
        return 0;
}

int parse_priority(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        int64_t value;

        if (quantity_parse_i64(text, &value) < 0 || value < INT32_MIN || value > INT32_MAX)
                return fault_set(fault, "is not a whole number from %d to %d", INT32_MIN, INT32_MAX);
        *(int32_t *) field = (int32_t) value;
        return 0;
}

int parse_span(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value;

        if (quantity_parse_span(text, &value) < 0)
                return fault_set(fault, "is not a time; write for example 30s or 1min 30s");
        if (value == USEC_INFINITY)
                return fault_set(fault, "would wait for ever; write a time, for example 30s");
        if (value < setting->minimum)
                return fault_set(fault, "is too short; write a time, for example 30s");
        *(uint64_t *) field = value;
        return 0;
}

int parse_deadline(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value;

        if (quantity_parse_span(text, &value) < 0)
                return fault_set(fault, "is not a time; write for example 30s, or 0 for none");
        *(uint64_t *) field = value == USEC_INFINITY ? 0 : value;
        return 0;
}

int parse_bytes(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value;

        if (quantity_parse_bytes(text, &value) < 0)
                return fault_set(fault, "is not a size; write for example 64K or 16M");
        if (value == UINT64_MAX)
                return fault_set(fault, "would have no bound; write a size, for example 16M");
        if (!in_range(setting, value))
                return refuse_range(setting, "a size in bytes", fault);
        *(uint64_t *) field = value;
        return 0;
}

int parse_umask(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        size_t n = strlen(text);

        if (n < 1 || n > 4 || strspn(text, "01234567") != n || strtoul(text, NULL, 8) > 0777)
                return fault_set(fault, "is not a file mode mask; write for example 022");
        *(mode_t *) field = (mode_t) strtoul(text, NULL, 8);
        return 0;
}

int parse_exit_status(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value;

        if (quantity_parse_u64(text, &value) < 0 || !in_range(setting, value))
                return refuse_range(setting, "an exit status", fault);
        *(uint8_t *) field = (uint8_t) value;
        return 0;
}

/* `10-12`, or one number alone. */
static int statuses_parse(char *text, uint64_t *ret_first, uint64_t *ret_last) {
        char *dash = strchr(text, '-');

        if (dash)
                *dash = '\0';
        if (quantity_parse_u64(text, ret_first) < 0 || quantity_parse_u64(dash ? dash + 1 : text, ret_last) < 0)
                return -EINVAL;
        return *ret_first <= *ret_last && *ret_last <= 255 ? 0 : -EINVAL;
}

int parse_exit_statuses(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        _cleanup_(freep) char *copy = strdup(text);
        char *state = NULL;
        uint8_t *bits = field;

        if (!copy)
                return -ENOMEM;
        for (char *part = strtok_r(copy, " \t,", &state); part; part = strtok_r(NULL, " \t,", &state)) {
                uint64_t first, last;

                if (statuses_parse(part, &first, &last) < 0)
                        return fault_set(fault, "is not a list of exit statuses from 0 to 255; write for example 0 3 10-12");
                for (; first <= last; first++)
                        bits[first / 8] |= (uint8_t) (1 << first % 8);
        }
        return 0;
}

int parse_signal(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
        uint64_t number;

        if (quantity_parse_u64(text, &number) == 0 && number >= 1 && number <= (uint64_t) SIGRTMAX) {
                *(int *) field = (int) number;
                return 0;
        }
        for (int i = 1; i < SIGRTMIN; i++)
                if (text_equal(sigabbrev_np(i), name)) {
                        *(int *) field = i;
                        return 0;
                }
        return fault_set(fault, "is not a signal; write for example SIGTERM, TERM or 15");
}

/* `20%` of the machine's memory. */
static int memory_share(const char *text, uint64_t *ret) {
        long n_pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
        uint64_t percent;
        int r;

        r = quantity_parse_percent(text, &percent);
        if (r < 0)
                return r;
        if (percent > 100 || n_pages <= 0 || page_bytes <= 0)
                return -ERANGE;
        *ret = (uint64_t) n_pages * (uint64_t) page_bytes / 100 * percent;
        return 0;
}

int parse_memory(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value;

        if ((quantity_parse_bytes(text, &value) < 0 && memory_share(text, &value) < 0) || value == 0)
                return fault_set(fault, "is not an amount of memory; write for example 2G, 20%% or infinity");
        *(uint64_t *) field = value;
        return 0;
}

int parse_cpu_quota(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value;

        if (quantity_parse_percent(text, &value) < 0 || !in_range(setting, value))
                return fault_set(fault, "is not a share of a processor; write for example 20%%, or 200%% for two");
        *(uint64_t *) field = value;
        return 0;
}

int parse_tasks(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        uint64_t value = UINT64_MAX;

        if (strcmp(text, "infinity") != 0 && (quantity_parse_u64(text, &value) < 0 || value == 0))
                return fault_set(fault, "is not a number of processes; write for example 500 or infinity");
        *(uint64_t *) field = value;
        return 0;
}

static const SettingWord *word_find(const SettingWord *words, const char *text) {
        for (const SettingWord *w = words; w->word; w++)
                if (strcmp(w->word, text) == 0)
                        return w;
        return NULL;
}

static int refuse_word(const Setting *setting, const char *text, SettingsFault *fault) {
        _cleanup_(text_done) Text known = {};

        for (const SettingWord *w = setting->words; w->word; w++)
                text_appendf(&known, "%s%s", w == setting->words ? "" : w[1].word ? ", " : " or ", w->word);
        if (known.failed)
                return -ENOMEM;
        return fault_set(fault, "is not known; use %s", known.data);
}

int parse_word(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        const SettingWord *word = word_find(setting->words, text);

        if (!word)
                return refuse_word(setting, text, fault);
        *(int *) field = word->value;
        return 0;
}

int parse_word_set(const Setting *setting, const char *text, void *field, SettingsFault *fault) {
        _cleanup_(freep) char *copy = strdup(text);
        unsigned *set = field;
        char *state = NULL;

        if (!copy)
                return -ENOMEM;
        for (char *part = strtok_r(copy, " \t,", &state); part; part = strtok_r(NULL, " \t,", &state)) {
                const SettingWord *word = word_find(setting->words, part);

                if (!word)
                        return refuse_word(setting, part, fault);
                *set |= (unsigned) word->value;
        }
        return 0;
}
