/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keys and their tables
 *
 * One table for each kind of file says of every key its default, its parser,
 * the field it fills and its sentence. The default goes through the same parser
 * as the file; the shipped file and the manual page are printed from the table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "supervisor/settings/fault.h"
#include "supervisor/settings/ini-file.h"

typedef struct Setting Setting;

/*
 * Reads @text into @field. A list appends to what is there. On -EINVAL the
 * fault says what the value is instead of what is asked for, without a subject:
 * `is not a whole number`.
 */
typedef int (*SettingParse)(const Setting *setting, const char *text, void *field, SettingsFault *fault);

typedef struct SettingWord {
        const char *word;
        int value;
        bool later;                     /* without effect in this version */
} SettingWord;

struct Setting {
        const char *section;
        const char *key;
        const char *standard;           /* the default as text; "": the field stays as it is in an empty object */
        SettingParse parse;
        size_t offset;
        const char *sentence;           /* for the shipped file and the manual */
        const SettingWord *words;       /* parse_word(), parse_word_set() */
        uint64_t minimum, maximum;      /* of numbers; maximum 0: none */
        bool list;                      /* values add up instead of replacing each other */
        bool decides_access;            /* never to be overridden by who starts a task */
        bool later;                     /* accepted and checked, without effect in this version */
};

typedef struct SettingSection {
        const char *name;
        const char *sentence;
        bool (*is_name)(const char *);  /* [Parameter NAME]: what NAME may be; NULL: no name */
        bool is_free;                   /* its keys are names that the file makes up */
} SettingSection;

typedef struct SettingTable {
        const SettingSection *sections; /* ends with an empty one, like the settings */
        const Setting *settings;
} SettingTable;

/* The kind of section that a heading opens, NULL for an unknown one. *@ret_name is the NAME behind it, borrowed, NULL if it has none. */
const SettingSection *setting_section_find(const SettingTable *table, const char *heading, const char **ret_name);

/* The setting for a key below that heading, NULL if there is none. */
const Setting *setting_find(const SettingTable *table, const char *heading, const char *key);

/* Whether that value of it asks for something that this version does not do. */
bool setting_is_later(const Setting *setting, const char *value);

/* -EINVAL for a section or a key that the table does not have. */
int setting_table_check(const SettingTable *table, const IniFile *ini, SettingsFault *ret_fault);

/*
 * Fills @object, zeroed or with its empty values, with every key of that kind
 * of section: from @section of a settled file, NULL if the file does not have
 * it, and from the defaults.
 */
int setting_table_fill(const SettingTable *table, const char *kind, const IniSection *section, void *object, SettingsFault *ret_fault);

/* The file that shows every key and its default, commented out, behind @introduction, one line each. */
int setting_table_print(const SettingTable *table, const char *const *introduction, FILE *file);
