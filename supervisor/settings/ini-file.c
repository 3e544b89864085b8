/* SPDX-License-Identifier: MIT */

/*
 * inih tells sections and keys apart, but it cannot hold what these files may
 * hold: it cuts a line at 200 bytes and takes the rest for a new line, so that a
 * key can be smuggled in; it cuts the name of a section at 49 bytes and a value
 * at ` ;`; it takes `:` for `=` and a line that begins with white space for more
 * of the one before; it hides sections without keys. So it sees each line in
 * short, `[2]` for the third section and `Key=` for a key, and what stands
 * behind them goes beside it: reader_line() puts it aside, reader_on_key()
 * brings it back.
 */

#include "supervisor/settings/ini-file.h"

#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"
#include "lib/base/text.h"

#define VALUE_MAX (64U * 1024)
#define FILE_MAX (1024U * 1024)
#define LINES_MAX 10000U

/* Outcomes of reading a line. */
#define READER_E_END 1

typedef struct Reader {
        IniFile *ini;
        SettingsFault *fault;
        char *next, *end;       /* what is left of the file, which is changed while it is read */
        const char *path;
        unsigned n_physical;    /* lines read */
        unsigned line;          /* where the line that is being handed over begins */
        Text text;              /* that line, joined */
        const char *value;      /* inside @text, put aside for the handler */
        size_t section;         /* the last heading's */
        int r;                  /* the first failure */
} Reader;

static void ini_line_done(IniLine *line) {
        free(line->key);
        free(line->value);
}

static void ini_section_done(IniSection *section) {
        free(section->name);
        for (size_t i = 0; i < section->n_lines; i++)
                ini_line_done(section->lines + i);
        free(section->lines);
}

void ini_file_done(IniFile *ini) {
        for (size_t i = 0; i < ini->n_sections; i++)
                ini_section_done(ini->sections + i);
        free(ini->sections);
        (void) strv_free(ini->paths);
        *ini = (IniFile) {};
}

static IniSection *section_find(const IniFile *ini, const char *name) {
        for (size_t i = 0; i < ini->n_sections; i++)
                if (strcmp(ini->sections[i].name, name) == 0)
                        return ini->sections + i;
        return NULL;
}

const IniSection *ini_file_section(const IniFile *ini, const char *name) {
        return section_find(ini, name);
}

static int section_open(IniFile *ini, const char *name, SettingsOrigin origin, size_t *ret_index) {
        IniSection *found = section_find(ini, name), *sections;
        char *copy;

        if (!found) {
                sections = reallocarray(ini->sections, ini->n_sections + 1, sizeof *sections);
                if (!sections)
                        return -ENOMEM;
                ini->sections = sections;

                copy = strdup(name);
                if (!copy)
                        return -ENOMEM;
                found = sections + ini->n_sections++;
                *found = (IniSection) { .name = copy, .origin = origin };
        }
        *ret_index = (size_t) (found - ini->sections);
        return 0;
}

static int section_add(IniSection *section, const char *key, const char *value, SettingsOrigin origin) {
        _cleanup_(freep) char *key_copy = NULL, *value_copy = NULL;

        if (section->n_lines == section->n_allocated) {
                size_t n = section->n_allocated ? section->n_allocated * 2 : 8;
                IniLine *lines = reallocarray(section->lines, n, sizeof *lines);

                if (!lines)
                        return -ENOMEM;
                section->lines = lines;
                section->n_allocated = n;
        }

        key_copy = strdup(key);
        value_copy = strdup(value);
        if (!key_copy || !value_copy)
                return -ENOMEM;
        section->lines[section->n_lines++] = (IniLine) { MOVE(key_copy), MOVE(value_copy), origin };
        return 0;
}

static SettingsOrigin reader_origin(const Reader *reader) {
        return (SettingsOrigin) { reader->path, reader->line };
}

static bool has_control_characters(const char *s) {
        for (; *s; s++)
                if (((unsigned char) *s < 0x20 && *s != '\t') || *s == 0x7f)
                        return true;
        return false;
}

/* Whether its last character is a backslash that no other backslash stands for. */
static bool ends_in_backslash(const char *s) {
        size_t length = strlen(s), n = 0;

        while (n < length && s[length - 1 - n] == '\\')
                n++;
        return n % 2 == 1;
}

/* The next line of the file without white space around it, or READER_E_END. */
static int reader_physical(Reader *reader, char **ret) {
        char *line = reader->next, *newline;
        SettingsOrigin here;

        if (line == reader->end)
                return READER_E_END;

        here = (SettingsOrigin) { reader->path, ++reader->n_physical };
        newline = memchr(line, '\n', (size_t) (reader->end - line));
        reader->next = newline ? newline + 1 : reader->end;
        if (newline)
                *newline = '\0';

        if (line + strlen(line) != (newline ? newline : reader->end))
                return fault_at(reader->fault, here, "A NUL byte; this is not a text file.");
        if (!text_is_utf8(line))
                return fault_at(reader->fault, here, "The line is not valid UTF-8; save the file as UTF-8.");
        line = text_strip(line);
        if (has_control_characters(line))
                return fault_at(reader->fault, here, "The line holds a control character; remove it.");
        *ret = line;
        return 0;
}

/* The next line that says something, with those that continue it, in @reader->text; or READER_E_END. */
static int reader_logical(Reader *reader) {
        bool continued = false;
        char *line = NULL;
        int r;

        text_done(&reader->text);
        for (;;) {
                r = reader_physical(reader, &line);
                if (r == READER_E_END && continued)
                        return fault_at(reader->fault, (SettingsOrigin) { reader->path, reader->n_physical },
                                        "The last line ends in a backslash, but nothing follows.");
                if (r != 0)
                        return r;

                if (*line == '#' || *line == ';' || (!continued && !*line))
                        continue;
                if (!continued)
                        reader->line = reader->n_physical;
                text_append(&reader->text, line);
                if (reader->text.failed)
                        return -ENOMEM;
                if (!ends_in_backslash(line))
                        return 0;
                reader->text.data[reader->text.length - 1] = ' ';
                continued = true;
        }
}

/* A value that a line of a file can hold, so that the text of a type always reads back. */
static int value_check(const char *value, SettingsOrigin origin, const char *key, SettingsFault *fault) {
        if (strlen(value) > VALUE_MAX)
                return fault_at(fault, origin, "%s= is longer than 64 KiB.", key);
        if (!text_is_utf8(value))
                return fault_at(fault, origin, "%s= is not valid UTF-8.", key);
        if (has_control_characters(value))
                return fault_at(fault, origin, "%s= holds a line break or another control character; write \\n where it is quoted, or remove it.", key);
        if (ends_in_backslash(value))
                return fault_at(fault, origin, "%s= ends in a backslash; write \\\\ for one.", key);
        return 0;
}

static int reader_heading(Reader *reader, char *line, char *ret, size_t size) {
        size_t length = strlen(line);
        int r;

        if (line[length - 1] != ']' || length < 3)
                return fault_at(reader->fault, reader_origin(reader), "%s is not a heading; write [Section], and comments in lines of their own.",
                                excerpt(line).text);
        line[length - 1] = '\0';

        r = section_open(reader->ini, line + 1, reader_origin(reader), &reader->section);
        if (r < 0)
                return r;
        (void) snprintf(ret, size, "[%zu]\n", reader->section);
        return 0;
}

static int reader_assignment(Reader *reader, char *line, char *ret, size_t size) {
        char *equals = strchr(line, '='), *key;

        if (!equals)
                return fault_at(reader->fault, reader_origin(reader), "%s is neither [Section] nor Key=value; is there a `=` missing?",
                                excerpt(line).text);
        *equals = '\0';
        key = text_strip(line);
        if (!text_is_name(key) || strlen(key) + sizeof "=\n" > size)
                return fault_at(reader->fault, reader_origin(reader), "`%s` is not the name of a key; names are made of letters and digits.",
                                excerpt(key).text);
        if (reader->section == SIZE_MAX)
                return fault_at(reader->fault, reader_origin(reader), "%s= stands before the first [Section].", key);

        reader->value = text_strip(equals + 1);
        (void) snprintf(ret, size, "%s=\n", key);
        return value_check(reader->value, reader_origin(reader), key, reader->fault);
}

/* inih's reader: the next line in short, NULL at the end or after a failure. */
static char *reader_line(char *str, int num, void *stream) {
        Reader *reader = stream;
        char *line;
        int r;

        if (reader->r < 0)
                return NULL;
        r = reader_logical(reader);
        if (r == READER_E_END)
                return NULL;
        if (r == 0) {
                line = reader->text.data;
                if (++reader->ini->n_lines > LINES_MAX)
                        r = fault_at(reader->fault, reader_origin(reader), "More than %u lines; divide it.", LINES_MAX);
                else if (*line == '[')
                        r = reader_heading(reader, line, str, (size_t) num);
                else
                        r = reader_assignment(reader, line, str, (size_t) num);
        }
        reader->r = r;
        return r < 0 ? NULL : str;
}

/* inih's handler: 0 is its word for a failure. */
static int reader_on_key(void *user, const char *section, const char *name, const char *value) {
        Reader *reader = user;

        reader->r = section_add(reader->ini->sections + strtoul(section, NULL, 10), name, reader->value, reader_origin(reader));
        return reader->r == 0;
}

static void reader_done(Reader *reader) {
        text_done(&reader->text);
}

int ini_file_parse(IniFile *ini, const char *path, const char *text, size_t size, SettingsFault *ret_fault) {
        _cleanup_(freep) char *copy = NULL;
        _cleanup_(reader_done) Reader reader = { .ini = ini, .fault = ret_fault, .section = SIZE_MAX };
        int r;

        assert(ini);
        assert(path);

        r = strv_append(&ini->paths, path);
        if (r < 0)
                return r;
        reader.path = ini->paths[strv_length(ini->paths) - 1];

        copy = malloc(size + 1);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, text, size);
        copy[size] = '\0';
        reader.end = copy + size;
        reader.next = size >= 3 && memcmp(copy, "\xef\xbb\xbf", 3) == 0 ? copy + 3 : copy;

        if (ini_parse_stream(reader_line, &reader, reader_on_key, &reader) == -2)
                return -ENOMEM;
        return reader.r;
}

static int file_open(const char *path, bool guarded, size_t *ret_size, SettingsFault *fault) {
        _cleanup_(fd_closep) int fd = -1;
        SettingsOrigin here = { path, 0 };
        struct stat st;

        /* O_NONBLOCK: a FIFO must not hold the caller up */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return fault_errno(fault, result_errno(), "%s cannot be opened", path);
        if (fstat(fd, &st) < 0)
                return fault_errno(fault, result_errno(), "%s cannot be looked at", path);
        if (!S_ISREG(st.st_mode))
                return fault_at(fault, here, "This is not a regular file.");
        if (guarded && st.st_mode & S_IWOTH)
                return fault_at(fault, here, "Everybody may write to this file, so it is not believed; take that away with `chmod o-w`.");
        if (st.st_size > (off_t) FILE_MAX)
                return fault_at(fault, here, "This file is larger than 1 MiB.");
        *ret_size = (size_t) st.st_size;
        return MOVE_FD(fd);
}

int ini_file_read(IniFile *ini, const char *path, bool guarded, SettingsFault *ret_fault) {
        _cleanup_(fd_closep) int fd = -1;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0, n_read = 0;

        fd = file_open(path, guarded, &size, ret_fault);
        if (fd < 0)
                return fd;
        text = malloc(size + 1);
        if (!text)
                return -ENOMEM;

        while (n_read < size) {
                ssize_t n = read(fd, text + n_read, size - n_read);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return fault_errno(ret_fault, result_errno(), "%s cannot be read", path);
                if (n == 0)
                        break;
                n_read += (size_t) n;
        }
        return ini_file_parse(ini, path, text, n_read, ret_fault);
}

int ini_file_add(IniFile *ini, const char *section, const char *key, const char *value, SettingsFault *ret_fault) {
        _cleanup_(freep) char *copy = strdup(value);
        SettingsOrigin nowhere = {};
        size_t index;
        char *stripped;
        int r;

        if (!copy)
                return -ENOMEM;
        stripped = text_strip(copy);
        r = value_check(stripped, nowhere, key, ret_fault);
        if (r < 0)
                return r;

        r = section_open(ini, section, nowhere, &index);
        if (r < 0)
                return r;
        return section_add(ini->sections + index, key, stripped, nowhere);
}

static IniLine *line_find(IniLine *lines, size_t n_lines, const char *key) {
        for (size_t i = 0; i < n_lines; i++)
                if (strcmp(lines[i].key, key) == 0)
                        return lines + i;
        return NULL;
}

/* Drops those with that key, or with NULL those without a value. Returns how many are left. */
static size_t lines_drop(IniLine *lines, size_t n_lines, const char *key) {
        size_t n = 0;

        for (size_t i = 0; i < n_lines; i++)
                if (key ? strcmp(lines[i].key, key) == 0 : !*lines[i].value)
                        ini_line_done(lines + i);
                else
                        lines[n++] = lines[i];
        return n;
}

static void ini_section_settle(IniSection *section, IniIsList is_list) {
        size_t n = 0;

        for (size_t i = 0; i < section->n_lines; i++) {
                IniLine line = section->lines[i], *first = line_find(section->lines, n, line.key);
                bool list = is_list(section->name, line.key);

                if (list && !*line.value) {
                        n = lines_drop(section->lines, n, line.key);
                        ini_line_done(&line);
                } else if (!list && first) {
                        /* in the place of the first: a drop-in that changes a key does not move it */
                        ini_line_done(first);
                        *first = line;
                } else
                        section->lines[n++] = line;
        }
        section->n_lines = lines_drop(section->lines, n, NULL);
}

void ini_file_settle(IniFile *ini, IniIsList is_list) {
        for (size_t i = 0; i < ini->n_sections; i++)
                ini_section_settle(ini->sections + i, is_list);
}

char *ini_file_text(const IniFile *ini) {
        Text text = {};

        for (size_t i = 0; i < ini->n_sections; i++) {
                const IniSection *section = ini->sections + i;

                text_appendf(&text, "%s[%s]\n", i > 0 ? "\n" : "", section->name);
                for (size_t j = 0; j < section->n_lines; j++)
                        text_appendf(&text, "%s=%s\n", section->lines[j].key, section->lines[j].value);
        }
        return text_take(&text);
}

SettingsOrigin ini_file_origin(const IniFile *ini, const char *section, const char *key) {
        const IniSection *found = ini_file_section(ini, section);

        for (size_t i = 0; found && i < found->n_lines; i++)
                if (strcmp(found->lines[i].key, key) == 0)
                        return found->lines[i].origin;
        if (found)
                return found->origin;
        return (SettingsOrigin) { ini->paths ? ini->paths[0] : NULL, 0 };
}
