/* SPDX-License-Identifier: MIT */
#include "lib/wire/keeper-protocol.h"

#include "lib/base/result.h"

static const char *const steps[_SPAWN_STEP_MAX] = {
        [SPAWN_STEP_NONE]      = "nothing",
        [SPAWN_STEP_CLONE]     = "clone",
        [SPAWN_STEP_SPEC]      = "spawn description",
        [SPAWN_STEP_CGROUP]    = "joining the cgroup",
        [SPAWN_STEP_STDIO]     = "standard streams",
        [SPAWN_STEP_LIMITS]    = "resource limits",
        [SPAWN_STEP_MOUNTS]    = "mounts",
        [SPAWN_STEP_IDENTITY]  = "changing the user",
        [SPAWN_STEP_DIRECTORY] = "working directory",
        [SPAWN_STEP_EXEC]      = "exec",
        [SPAWN_STEP_LOST]      = "the keeper's end",
};

const char *spawn_step_to_string(SpawnStep step) {
        assert(step < _SPAWN_STEP_MAX);
        return steps[step];
}
