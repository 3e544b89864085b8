/* SPDX-License-Identifier: MIT */
#include "supervisor/settings/setting.h"

#include <string.h>

#include "lib/base/result.h"
#include "lib/base/text.h"
#include "supervisor/settings/spelling.h"

const SettingSection *setting_section_find(const SettingTable *table, const char *heading, const char **ret_name) {
        for (const SettingSection *s = table->sections; s->name; s++) {
                size_t length = strlen(s->name);
                const char *rest = heading + length;

                if (strncmp(heading, s->name, length) != 0)
                        continue;
                if (s->is_name ? *rest != ' ' || !s->is_name(rest + 1) : *rest)
                        continue;
                if (ret_name)
                        *ret_name = s->is_name ? rest + 1 : NULL;
                return s;
        }
        return NULL;
}

/* The setting of that kind of section; any kind for NULL. */
static const Setting *setting_of(const SettingTable *table, const char *kind, const char *key) {
        for (const Setting *s = table->settings; s->key; s++)
                if ((!kind || strcmp(s->section, kind) == 0) && strcmp(s->key, key) == 0)
                        return s;
        return NULL;
}

const Setting *setting_find(const SettingTable *table, const char *heading, const char *key) {
        const SettingSection *section = setting_section_find(table, heading, NULL);

        return section ? setting_of(table, section->name, key) : NULL;
}

bool setting_is_later(const Setting *setting, const char *value) {
        if (setting->later)
                return strcmp(value, setting->standard) != 0;
        for (const SettingWord *w = setting->words; w && w->word; w++)
                if (w->later && strcmp(w->word, value) == 0)
                        return true;
        return false;
}

static int refuse_section(const SettingTable *table, const IniSection *section, SettingsFault *fault) {
        size_t length = strcspn(section->name, " ");
        char kind[64];
        Spelling spelling = { .word = kind };

        (void) snprintf(kind, sizeof kind, "%.*s", (int) (length < sizeof kind ? length : sizeof kind - 1), section->name);
        for (const SettingSection *s = table->sections; s->name; s++) {
                if (strcmp(kind, s->name) != 0) {
                        spelling_offer(&spelling, s->name);
                        continue;
                }
                if (!s->is_name)
                        return fault_at(fault, section->origin, "[%s] takes no name; write [%s].", excerpt(section->name).text, kind);
                return fault_at(fault, section->origin, "[%s] needs a valid name, as in [%s NAME].", excerpt(section->name).text, kind);
        }
        return fault_at(fault, section->origin, "There is no section [%s]%s", excerpt(section->name).text, spelling_hint(&spelling).text);
}

static int refuse_key(const SettingTable *table, const SettingSection *section, const IniLine *line, SettingsFault *fault) {
        const Setting *elsewhere = setting_of(table, NULL, line->key);
        Spelling spelling = { .word = line->key };

        if (elsewhere)
                return fault_at(fault, line->origin, "%s= does not belong in [%s] but in [%s].", line->key, section->name, elsewhere->section);
        for (const Setting *s = table->settings; s->key; s++)
                if (strcmp(s->section, section->name) == 0)
                        spelling_offer(&spelling, s->key);
        if (!spelling.nearest)
                for (const Setting *s = table->settings; s->key; s++)
                        spelling_offer(&spelling, s->key);
        return fault_at(fault, line->origin, "[%s] has no key %s%s", section->name, line->key, spelling_hint(&spelling).text);
}

int setting_table_check(const SettingTable *table, const IniFile *ini, SettingsFault *ret_fault) {
        for (size_t i = 0; i < ini->n_sections; i++) {
                const IniSection *section = ini->sections + i;
                const SettingSection *kind = setting_section_find(table, section->name, NULL);

                if (!kind)
                        return refuse_section(table, section, ret_fault);
                for (size_t j = 0; !kind->is_free && j < section->n_lines; j++)
                        if (!setting_of(table, kind->name, section->lines[j].key))
                                return refuse_key(table, kind, section->lines + j, ret_fault);
        }
        return 0;
}

static int setting_apply(const Setting *setting, const IniLine *line, void *object, SettingsFault *fault) {
        SettingsFault why = {};
        int r;

        r = setting->parse(setting, line->value, (char *) object + setting->offset, &why);
        if (r == -EINVAL || r == -ERANGE)
                return fault_at(fault, line->origin, "%s=%s %s.", line->key, excerpt(line->value).text, why.sentence);
        return r;
}

static int setting_fill(const Setting *setting, const IniSection *section, void *object, SettingsFault *fault) {
        const IniLine standard = { (char *) setting->key, (char *) setting->standard, { "built-in default", 0 } };
        bool set = false;
        int r;

        for (size_t i = 0; section && i < section->n_lines; i++) {
                if (strcmp(section->lines[i].key, setting->key) != 0)
                        continue;
                r = setting_apply(setting, section->lines + i, object, fault);
                if (r < 0)
                        return r;
                set = true;
        }
        return set || !*setting->standard ? 0 : setting_apply(setting, &standard, object, fault);
}

int setting_table_fill(const SettingTable *table, const char *kind, const IniSection *section, void *object, SettingsFault *ret_fault) {
        int r;

        for (const Setting *s = table->settings; s->key; s++) {
                if (strcmp(s->section, kind) != 0)
                        continue;
                r = setting_fill(s, section, object, ret_fault);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A paragraph of comment lines, each at most 79 columns. */
static void print_comment(const char *text, FILE *file) {
        size_t column = 0;

        while (*text) {
                size_t length = strcspn(text, " ");

                if (column > 0 && column + 1 + length > 79) {
                        (void) fputc('\n', file);
                        column = 0;
                }
                column += (size_t) fprintf(file, "%s%.*s", column == 0 ? "# " : " ", (int) length, text);
                text += length;
                text += strspn(text, " ");
        }
        (void) fputc('\n', file);
}

static void append_words(Text *text, const Setting *setting) {
        bool some_later = false;

        for (const SettingWord *w = setting->words; w && w->word; w++)
                text_appendf(text, "%s%s%s", w == setting->words ? (setting->list ? " Some of " : " One of ") : w[1].word ? ", " : " or ",
                             w->word, w[1].word ? "" : ".");
        for (const SettingWord *w = setting->words; w && w->word; w++) {
                if (!w->later)
                        continue;
                text_appendf(text, "%s%s", some_later ? ", " : " No effect yet: ", w->word);
                some_later = true;
        }
        if (some_later)
                text_append_char(text, '.');
}

static int print_setting(const Setting *setting, FILE *file) {
        _cleanup_(text_done) Text text = {};

        text_append(&text, setting->sentence);
        append_words(&text, setting);
        if (setting->list)
                text_append(&text, " May be given more than once; an empty value begins anew.");
        if (setting->later)
                text_append(&text, " No effect yet.");
        if (text.failed)
                return -ENOMEM;

        (void) fputc('\n', file);
        print_comment(text.data, file);
        (void) fprintf(file, "#%s=%s\n", setting->key, setting->standard);
        return 0;
}

int setting_table_print(const SettingTable *table, const char *const *introduction, FILE *file) {
        int r;

        for (; *introduction; introduction++)
                (void) fprintf(file, "#%s%s\n", **introduction ? " " : "", *introduction);

        for (const SettingSection *section = table->sections; section->name; section++) {
                (void) fputc('\n', file);
                print_comment(section->sentence, file);
                (void) fprintf(file, section->is_name ? "#[%s NAME]\n" : "[%s]\n", section->name);
                for (const Setting *s = table->settings; s->key; s++) {
                        if (strcmp(s->section, section->name) != 0)
                                continue;
                        r = print_setting(s, file);
                        if (r < 0)
                                return r;
                }
        }
        return ferror(file) ? -EIO : 0;
}
