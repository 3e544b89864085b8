/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/json.h"
#include "ctl/submission.h"
#include "ctl/verbs.h"
#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/base/strv.h"

/* More than bgtd takes in a message, so that it is bgtd who says what is too much. */
#define DOCUMENT_MAX (64 * 1024 * 1024)

const Option start_options[] = {
        { "parameters-json", .value = "FILE", .help = "a JSON object of parameters; - is standard input" },
        {}
};

/* Everything in it. */
static int read_document(Ctl *ctl, const char *path, Text *ret) {
        _cleanup_(fd_closep) int fd = -1;
        char buffer[16384];
        ssize_t n;

        fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return trouble_failed(&ctl->trouble, result_errno(), "Cannot open %s", path);
        while ((n = read(fd, buffer, sizeof buffer)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return trouble_failed(&ctl->trouble, result_errno(), "Cannot read %s", path);
                text_append_bytes(ret, buffer, (size_t) n);
                if (ret->length > DOCUMENT_MAX || ret->failed)
                        return trouble_failed(&ctl->trouble, -EFBIG, "Cannot read %s", path);
        }
        return 0;
}

static int add_document(Ctl *ctl, const char *path, Value *parameters) {
        _cleanup_(text_done) Text document = {};
        int r;

        r = read_document(ctl, path, &document);
        if (r < 0)
                return r;
        return json_read_parameters(text_or_empty(document.data), document.length,
                                    strcmp(path, "-") == 0 ? "standard input" : path, parameters, &ctl->trouble);
}

/* `name=value`. */
static int add_word(Ctl *ctl, const char *word, Value *parameters) {
        _cleanup_(freep) char *name = NULL;
        const char *equals = strchr(word, '=');
        int r;

        if (!equals || equals == word)
                return trouble_usage(&ctl->trouble, "%s is no parameter; parameters are written as name=value.", word);
        name = strndup(word, (size_t) (equals - word));
        if (!name)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask bgtd");
        if (value_get(parameters, name))
                return trouble_usage(&ctl->trouble, "The parameter %s was given twice.", name);
        r = value_set(parameters, name, value_new_string(equals + 1));
        return r < 0 ? trouble_failed(&ctl->trouble, r, "Cannot ask bgtd") : 0;
}

static int read_parameters(Ctl *ctl, Value *parameters) {
        const char *path = arguments_value(&ctl->arguments, "parameters-json");
        int r;

        if (path) {
                r = add_document(ctl, path, parameters);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(word, ctl->arguments.words + 2) {
                r = add_word(ctl, word, parameters);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(word, ctl->arguments.rest) {
                r = add_word(ctl, word, parameters);
                if (r < 0)
                        return r;
        }
        return 0;
}

int verb_start(Ctl *ctl) {
        _cleanup_(value_freep) Value *type = NULL, *parameters = NULL, *options = NULL;
        const char *input = arguments_value(&ctl->arguments, "input"), *document = arguments_value(&ctl->arguments, "parameters-json");
        int r;

        if (ctl->arguments.n_words < 2)
                return trouble_usage(&ctl->trouble, "Which type? `bgtctl types` lists them.");
        if (text_equal(input, "-") && text_equal(document, "-"))
                return trouble_usage(&ctl->trouble, "Standard input can be --input or --parameters-json, not both.");
        type = value_new_string(ctl->arguments.words[1]);
        parameters = value_new_dictionary();
        if (!type || !parameters)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask bgtd");
        r = read_parameters(ctl, parameters);
        if (r < 0)
                return r;
        r = submission_options_read(ctl, &options);
        if (r < 0)
                return r;
        return submission_run(ctl, "Start", "sa{ss}a{sv}", (const Value *[]) { type, parameters, options }, false);
}
