/* SPDX-License-Identifier: MIT */
#include "supervisor/store/definition.h"

#include <string.h>

#include "lib/base/result.h"

static Definition *definition_free(Definition *definition) {
        if (!definition)
                return NULL;
        free(definition->text);
        free(definition->name);
        free(definition);
        return NULL;
}
DEFINE_OWNED(Definition *, definition_free)

/* FNV-1a; only to avoid most comparisons, never instead of one. */
static uint64_t hash_string(uint64_t hash, const char *s) {
        do
                hash = (hash ^ (unsigned char) *s) * 0x100000001b3;
        while (*s++);
        return hash;
}

static uint64_t definition_hash(const char *name, const char *text) {
        return hash_string(hash_string(0xcbf29ce484222325, name), text);
}

/* In order of number, so the new one goes to the end. */
static int definition_table_add(DefinitionTable *table, uint64_t id, const char *name, const char *text, Definition **ret) {
        _cleanup_(definition_freep) Definition *definition = NULL;

        if (table->n_definitions == table->n_allocated) {
                size_t n = table->n_allocated ? table->n_allocated * 2 : 64;
                Definition **grown = reallocarray(table->definitions, n, sizeof *grown);

                if (!grown)
                        return -ENOMEM;
                table->definitions = grown;
                table->n_allocated = n;
        }

        definition = calloc(1, sizeof *definition);
        if (!definition)
                return -ENOMEM;
        definition->id = id;
        definition->hash = definition_hash(name, text);
        definition->name = strdup(name);
        definition->text = strdup(text);
        if (!definition->name || !definition->text)
                return -ENOMEM;

        *ret = table->definitions[table->n_definitions++] = definition;
        definition = NULL;
        return 0;
}

static int definition_table_add_rows(DefinitionTable *table, sqlite3_stmt *select) {
        int r, rc;

        while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
                const char *name = (const char *) sqlite3_column_text(select, 1);
                const char *text = (const char *) sqlite3_column_text(select, 2);
                Definition *definition;

                if (!name || !text)
                        return -ENOMEM;
                r = definition_table_add(table, (uint64_t) sqlite3_column_int64(select, 0), name, text, &definition);
                if (r < 0)
                        return r;
                definition->durable = true;
        }
        return connection_result(sqlite3_db_handle(select), rc);
}

int definition_table_load(DefinitionTable *table, sqlite3 *db) {
        _cleanup_(statement_finalizep) sqlite3_stmt *select = NULL;
        int r;

        r = connection_execute(db, "DELETE FROM definition WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.definition = definition.id)");
        if (r < 0)
                return r;
        r = connection_prepare(db, "SELECT id, name, text FROM definition ORDER BY id", &select);
        if (r < 0)
                return r;
        return definition_table_add_rows(table, select);
}

void definition_table_done(DefinitionTable *table) {
        for (size_t i = 0; i < table->n_definitions; i++)
                (void) definition_free(table->definitions[i]);
        free(table->definitions);
        *table = (DefinitionTable) {};
}

static int definition_compare(const void *key, const void *element) {
        uint64_t id = *(const uint64_t *) key, other = (*(Definition *const *) element)->id;

        return id < other ? -1 : id > other;
}

Definition *definition_table_find(const DefinitionTable *table, uint64_t id) {
        Definition **found;

        if (table->n_definitions == 0)
                return NULL;
        found = bsearch(&id, table->definitions, table->n_definitions, sizeof *table->definitions, definition_compare);
        return found ? *found : NULL;
}

int definition_table_get(DefinitionTable *table, const char *name, const char *text, Definition **ret) {
        uint64_t hash = definition_hash(name, text);
        uint64_t last = table->n_definitions > 0 ? table->definitions[table->n_definitions - 1]->id : 0;

        for (size_t i = 0; i < table->n_definitions; i++) {
                Definition *d = table->definitions[i];

                if (d->hash == hash && strcmp(d->name, name) == 0 && strcmp(d->text, text) == 0) {
                        *ret = d;
                        return 0;
                }
        }
        return definition_table_add(table, last + 1, name, text, ret);
}
