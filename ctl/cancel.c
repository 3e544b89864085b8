/* SPDX-License-Identifier: MIT */
#include "ctl/control.h"
#include "ctl/verbs.h"

const Option cancel_options[] = {
        { "force",   .help = "kill at once whatever the type says (admins)" },
        { "no-wait", .help = "do not wait until they have ended" },
        {}
};

int verb_cancel(Ctl *ctl) {
        return control_run(ctl, &(ControlRequest) { .method = "Cancel", .done = "cancelled", .asked = "cancel requested" });
}
