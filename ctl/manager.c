/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "ctl/verbs.h"

int verb_manager(Ctl *ctl) {
        _cleanup_(value_freep) Value *nothing = NULL;
        const char *word = ctl->arguments.words[1];
        int r;

        if (ctl->arguments.n_words != 2 || strcmp(word, "reload") != 0)
                return trouble_usage(&ctl->trouble, "The manager can be told to reload: bgtctl manager reload.");
        r = ctl_call(ctl, "Reload", "", NULL, &nothing);
        if (r < 0)
                return r;
        if (!ctl->quiet && !ctl->json)
                text_append(&ctl->out, "Configuration and types have been read again.\n");
        return 0;
}
