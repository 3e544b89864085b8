/* SPDX-License-Identifier: MIT */
#include "ctl/control.h"
#include "ctl/verbs.h"

const Option pause_options[] = {
        { "no-wait", .help = "do not wait until they have stopped" },
        {}
};

int verb_pause(Ctl *ctl) {
        return control_run(ctl, &(ControlRequest) {
                .method = "Pause", .done = "paused", .asked = "pause requested", .name_outside = true,
        });
}
