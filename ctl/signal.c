/* SPDX-License-Identifier: MIT */
#include "ctl/control.h"
#include "ctl/selection.h"
#include "ctl/signal-name.h"
#include "ctl/verbs.h"

#include "lib/base/result.h"

/* The last word is the signal; the others are tasks. */
int verb_signal(Ctl *ctl) {
        Arguments *a = &ctl->arguments;
        _cleanup_(value_freep) Value *signal = NULL;
        const char *word;
        int number;

        if (a->n_words < 2 || (a->n_words < 3 && !selection_is_by_options(a)))
                return trouble_usage(&ctl->trouble, "Which tasks, and which signal? As in: bgtctl signal 42 HUP.");
        word = a->words[--a->n_words];
        a->words[a->n_words] = NULL;
        number = signal_from_name(word);
        if (number < 0)
                return trouble_usage(&ctl->trouble, "%s is no signal; write it as HUP, SIGHUP or 1, after the tasks.", word);

        signal = value_new_integer(VALUE_INT32, number);
        if (!signal)
                return trouble_failed(&ctl->trouble, -ENOMEM, "Cannot ask bgtd");
        return control_run(ctl, &(ControlRequest) { .method = "Signal", .done = "signalled", .asked = "signalled", .signal = signal });
}
