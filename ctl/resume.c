/* SPDX-License-Identifier: MIT */
#include "ctl/control.h"
#include "ctl/verbs.h"

const Option resume_options[] = {
        { "no-wait", .help = "do not wait until they go on" },
        {}
};

int verb_resume(Ctl *ctl) {
        return control_run(ctl, &(ControlRequest) { .method = "Resume", .done = "resumed", .asked = "resume requested" });
}
