/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * INI files
 *
 * Sections of keys with the place each came from, read from any number of files
 * one upon the other. Knows the syntax and nothing of what keys mean:
 *
 *   - a line is [Section], Key=value, empty, or a comment that begins with `#`
 *     or `;`; inside a value both are literal
 *   - a backslash at the end of a line is a space, and the next line goes on;
 *     comments in between are left out
 *   - white space around lines, keys and values does not count; a value has at
 *     most 64 KiB
 *   - valid UTF-8 without control characters but the tabulator; a byte order
 *     mark at the beginning is ignored
 */

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/owned.h"
#include "supervisor/settings/fault.h"

typedef struct IniLine {
        char *key;
        char *value;                    /* may be empty, never NULL */
        SettingsOrigin origin;          /* its path is the IniFile's */
} IniLine;

typedef struct IniSection {
        char *name;                     /* all between the brackets: `Parameter database` */
        SettingsOrigin origin;          /* of its first heading */
        IniLine *lines;
        size_t n_lines, n_allocated;
} IniSection;

/* Embedded; zeroed is empty. */
typedef struct IniFile {
        char **paths;                   /* every file read so far */
        IniSection *sections;           /* in the order of their first headings */
        size_t n_sections;
        size_t n_lines;                 /* headings and keys of all files together: bounded */
} IniFile;

void ini_file_done(IniFile *ini);

/*
 * Reads @path on top of what is there. @guarded: one that everybody may write
 * to is refused. -EINVAL, or the errno of reading, with the fault filled.
 */
int ini_file_read(IniFile *ini, const char *path, bool guarded, SettingsFault *ret_fault);

/* The same from memory; @path is what faults call it. */
int ini_file_parse(IniFile *ini, const char *path, const char *text, size_t size, SettingsFault *ret_fault);

/* One more line from no file. Copies. -EINVAL for a value that no file could hold. */
int ini_file_add(IniFile *ini, const char *section, const char *key, const char *value, SettingsFault *ret_fault);

/*
 * Leaves only what counts: the last value of a key, all values of a list, none
 * before an empty one, which takes back what was set before it.
 */
typedef bool (*IniIsList)(const char *section, const char *key);
void ini_file_settle(IniFile *ini, IniIsList is_list);

/* Text that parses to the same sections, keys and values. NULL if out of memory. */
char *ini_file_text(const IniFile *ini);

/* Borrowed; NULL if there is none. */
const IniSection *ini_file_section(const IniFile *ini, const char *name);

/* Where that key was set, else where its section begins, else the file. */
SettingsOrigin ini_file_origin(const IniFile *ini, const char *section, const char *key);
