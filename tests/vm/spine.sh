#!/bin/bash
# SPDX-License-Identifier: MIT
#
# spine.sh - one task's whole way under a real systemd: units, sockets, buses,
# restarts, limits, the journal. Runs as root inside a throw-away machine, in a
# directory that holds root/, what `meson install` has installed.
#
# A line for each check: `ok`, `not ok` or `skip`. Exit status 1 if one failed.
set -u
cd "$(dirname "$0")" || exit 2
. ./checks.sh

# ---------------------------------------------------------------- words

property() { bgtctl show "$1" -p "$2"; }
state_is() { [ "$(property "$1" RunningState)" = "$2" ]; }
active() { [ "$(systemctl show -P ActiveState "$1")" = active ]; }
main_pid() { systemctl show -P MainPID "$1"; }
restarts() { systemctl show -P NRestarts bgtd; }

# Starts `sh -c SCRIPT` and prints its id. Options of run go before the script.
task() {
        local script=${*: -1}
        bgtctl run "${@:1:$#-1}" -- sh -c "$script"
}

# A task that runs until `finish NAME STATUS`, and then exits with that status.
waiting_task() { # NAME [OPTION...]
        mkfifo "/run/$1.end"
        task "${@:2}" "read -r status </run/$1.end; exit \$status"
}
finish() { timeout 60 bash -c "echo $2 >/run/$1.end"; rm -f "/run/$1.end"; }

running() { await state_is "$1" Running; }

# What v2, or on a hybrid machine v1, says of a running task's limit.
limit_of() { # TASK CONTROLLER V2-FILE V1-FILE
        local pid line
        pid=$(property "$1" PID)
        if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
                line=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
                cat "/sys/fs/cgroup$line/$3"
        else
                line=$(awk -F: -v want="$2" '{ n = split($2, c, ","); for (i = 1; i <= n; i++) if (c[i] == want) print $3 }' "/proc/$pid/cgroup")
                cat "/sys/fs/cgroup/$2$line/$4"
        fi
}

# The unified group of a running task, as a directory.
group_of() {
        local mount
        mount=$(findmnt -nfo TARGET -t cgroup2)
        echo "$mount$(sed -n 's/^0:://p' "/proc/$(property "$1" PID)/cgroup")"
}
cpu_of() { sed -n 's/^usage_usec //p' "$(group_of "$1")/cpu.stat"; }

# ---------------------------------------------------------------- set-up

installed() {
        cp -a root/. / || no "cannot install"
        systemd-sysusers && systemd-tmpfiles --create || no "users or directories"
        getent group bgt || no "no group bgt"
        usermod -a -G bgt tester
        systemctl daemon-reload
        systemctl enable bgtd || no "cannot enable bgtd"
        busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
        is "mode of /var/lib/bgt" "$(stat -c %a:%U /var/lib/bgt)" 700:root
        is "mode of /run/bgt" "$(stat -c %a:%U /run/bgt)" 755:root
}

units_are_clean() {
        is "what systemd says" "$(systemd-analyze verify --man=no bgtd.service bgt-tasks.service bgtd.socket 2>&1 | grep bgt)" ""
}

# ---------------------------------------------------------------- units and sockets

socket_activation_starts_both_units() {
        systemctl start bgtd.socket || no "cannot start the socket"
        active bgtd && no "bgtd runs before anybody asked"
        is "mode of the socket" "$(stat -c %a:%U /run/bgt/bus)" 666:root
        bgtctl status || no "status"
        active bgtd || no "bgtd"
        active bgt-tasks || no "bgt-tasks"
}

keeper_and_guard_have_a_leaf_of_their_own() {
        local root
        root=$(findmnt -nfo TARGET -t cgroup2)/$(systemctl show -P ControlGroup bgt-tasks)
        grep -qx "$(main_pid bgt-tasks)" "$root/keeper/cgroup.procs" || no "$(cat "$root/keeper/cgroup.procs")"
        is "processes in the unit's own group" "$(cat "$root/cgroup.procs")" ""
        if echo -1000 >/proc/self/oom_score_adj; then   # not in every container
                is "oom_score_adj" "$(cat "/proc/$(main_pid bgt-tasks)/oom_score_adj")" -1000
        fi 2>/dev/null
        is "the keeper's socket" "$(stat -c %a:%U /run/bgt/keeper)" 600:root
}

a_task_runs_to_done() {
        local id
        id=$(task 'echo spine; exit 0') || no "run"
        bgtctl wait "$id" || no "wait: $?"
        is state "$(property "$id" RunningState)" Done
        is "exit code" "$(property "$id" ExitCode)" 0
}

exit_status_and_signal_are_exact() {
        bgtctl run --wait -- sh -c 'exit 42'
        is "status of run --wait" $? 42
        bgtctl run --wait -- sh -c 'kill -TERM $$'
        is "status of run --wait" $? 143
}

a_task_inherits_nothing_of_the_sandbox() {
        local out
        out=$(bgtctl run --wait --pipe -- sh -c 'grep -E "^(NoNewPrivs|Seccomp|CapBnd):" /proc/self/status; cat /proc/self/oom_score_adj; ulimit -Sn; touch /usr/bgt-was-here && echo writable; rm -f /usr/bgt-was-here; umask') || no "run: $? $out"
        echo "$out"
        is NoNewPrivs "$(awk '/^NoNewPrivs/ { print $2 }' <<<"$out")" 0
        is Seccomp "$(awk '/^Seccomp/ { print $2 }' <<<"$out")" 0
        is CapBnd "$(awk '/^CapBnd/ { print $2 }' <<<"$out")" "$(awk '/^CapBnd/ { print $2 }' /proc/1/status)"
        is "the rest" "$(tail -n 4 <<<"$out" | tr '\n' ' ')" "0 1024 writable 0022 "
}

# ---------------------------------------------------------------- restarts

a_restart_of_bgtd_does_not_touch_a_task() {
        local id pid before
        id=$(waiting_task restart) && running "$id"
        pid=$(property "$id" PID) before=$(main_pid bgtd)
        systemctl restart bgtd || no "restart"
        [ "$before" != "$(main_pid bgtd)" ] || no "bgtd was not restarted"
        kill -0 "$pid" || no "the task is gone"
        is state "$(property "$id" RunningState)" Running
        is PID "$(property "$id" PID)" "$pid"
        finish restart 0
        bgtctl wait "$id" || no "wait: $?"
        is state "$(property "$id" RunningState)" Done
}

a_paused_task_stays_paused_over_a_restart() {
        local id group before
        id=$(task 'while :; do :; done') && running "$id"
        group=$(group_of "$id")
        bgtctl pause "$id" || no "pause"
        before=$(cpu_of "$id")
        systemctl restart bgtd || no "restart"
        is state "$(property "$id" RunningState)" Paused
        is frozen "$(sed -n 's/^frozen //p' "$group/cgroup.events")" 1
        is "its CPU time" "$(cpu_of "$id")" "$before"
        bgtctl resume "$id" || no "resume"
        is state "$(property "$id" RunningState)" Running
        is frozen "$(sed -n 's/^frozen //p' "$group/cgroup.events")" 0
        bgtctl cancel "$id" || no "cancel"
        is state "$(property "$id" RunningState)" Cancelled
        [ ! -d "$group" ] || no "its cgroup is left"
}

a_killed_bgtd_comes_back_and_knows_how_tasks_ended() {
        local exits dies lives before
        exits=$(waiting_task exits) && dies=$(task 'mkfifo /run/dies.end; read -r x </run/dies.end; kill -SEGV $$')
        lives=$(waiting_task lives)
        running "$exits"; running "$dies"; running "$lives"
        await test -p /run/dies.end
        before=$(restarts)
        kill -9 "$(main_pid bgtd)"
        finish exits 37
        finish dies x
        await bash -c "[ \$(systemctl show -P NRestarts bgtd) -gt $before ]"
        await active bgtd
        bgtctl wait "$exits"; is "status of wait" $? 37
        bgtctl wait "$dies"; is "status of wait" $? 139
        is state "$(property "$exits" RunningState)" Error
        is state "$(property "$dies" RunningState)" Exited
        is state "$(property "$lives" RunningState)" Running
        finish lives 0
        bgtctl wait "$lives"; is "status of wait" $? 0
}

a_stopped_bgtd_leaves_tasks_running_and_adopts_them() {
        local ends stays pid
        ends=$(waiting_task ends) && stays=$(waiting_task stays)
        running "$ends"; running "$stays"
        pid=$(property "$stays" PID)
        systemctl stop bgtd.socket bgtd || no "stop"
        [ ! -e /run/bgt/bus ] || no "the socket is left"
        kill -0 "$pid" || no "the task is gone"
        active bgt-tasks || no "bgt-tasks"
        bgtctl status; is "status without bgtd" $? 10
        finish ends 9
        systemctl start bgtd.socket bgtd || no "start"
        bgtctl wait "$ends"; is "status of wait" $? 9
        is state "$(property "$stays" RunningState)" Running
        finish stays 0
        bgtctl wait "$stays" || no "wait: $?"
}

clients_wait_while_bgtd_restarts() {
        systemctl stop bgtd || no "stop"
        bgtctl status >/run/waits || no "status: $?"
        systemctl restart bgtd &
        for _ in 1 2 3 4 5 6 7 8 9 10; do bgtctl status >/run/waits || no "status: $?"; done
        wait $! || no "restart"
}

a_hanging_bgtd_is_replaced() {
        local id before
        mkdir -p /run/systemd/system/bgtd.service.d
        printf '[Service]\nWatchdogSec=5\n' >/run/systemd/system/bgtd.service.d/watchdog.conf
        systemctl daemon-reload
        systemctl restart bgtd || no "restart"
        id=$(waiting_task hangs) && running "$id"
        before=$(restarts)
        kill -STOP "$(main_pid bgtd)"
        await bash -c "[ \$(systemctl show -P NRestarts bgtd) -gt $before ]"
        await active bgtd
        is state "$(property "$id" RunningState)" Running
        finish hangs 0
        bgtctl wait "$id" || no "wait: $?"
        rm -r /run/systemd/system/bgtd.service.d
        systemctl daemon-reload
        systemctl restart bgtd
}

slots_stay_unique_over_a_restart() {
        local first second
        first=$(waiting_task first --namespace slots) && running "$first"
        systemctl restart bgtd || no "restart"
        second=$(waiting_task second --namespace slots) && running "$second"
        slot() { tr '\0' '\n' <"/proc/$(property "$1" PID)/environ" | sed -n 's/^BGT_SLOT=//p'; }
        [ "$(slot "$first")" != "$(slot "$second")" ] || no "both have slot $(slot "$first")"
        finish first 0
        finish second 0
        bgtctl wait "$first" "$second" || no "wait: $?"
}

a_killed_keeper_loses_no_end() {
        local id keeper guard
        id=$(waiting_task orphan) && running "$id"
        guard=$(main_pid bgt-tasks)
        keeper=$(pgrep -P "$guard" -x bgt-keeper) || no "no keeper below the guard"
        kill -9 "$keeper"
        await bash -c "p=\$(pgrep -P $guard -x bgt-keeper) && [ \$p != $keeper ]"
        is "the guard" "$(main_pid bgt-tasks)" "$guard"
        finish orphan 21
        bgtctl wait "$id"; is "status of wait" $? 21
        is "exit status of a new task" "$(bgtctl run --wait --pipe -- echo alive)" alive
}

# ---------------------------------------------------------------- limits

# A container on a machine whose v1 hierarchies hold the controllers has none.
needs_controllers() {
        [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ] || grep -q memory /sys/fs/cgroup/cgroup.controllers || skip "there are no controllers here"
}

limits_are_set_in_the_kernel() {
        needs_controllers
        local id
        id=$(waiting_task limits --property MemoryMax=64M --property TasksMax=7 --property CPUQuota=50%) || no "run"
        running "$id"
        is "memory" "$(limit_of "$id" memory memory.max memory.limit_in_bytes)" $((64 << 20))
        is "pids" "$(limit_of "$id" pids pids.max pids.max)" 7
        case $(stat -fc %T /sys/fs/cgroup) in
        cgroup2fs) is "cpu" "$(limit_of "$id" cpu cpu.max -)" "50000 100000" ;;
        *)         is "cpu" "$(limit_of "$id" cpu - cpu.cfs_quota_us) of $(limit_of "$id" cpu - cpu.cfs_period_us)" "50000 of 100000" ;;
        esac
        finish limits 0
        bgtctl wait "$id" || no "wait: $?"
}

memory_beyond_the_limit_is_an_oom_kill_and_nothing_else() {
        needs_controllers
        local id
        id=$(task --property MemoryMax=20M 'exec tail /dev/zero') || no "run"
        bgtctl wait "$id"
        is state "$(property "$id" RunningState)" Exited
        property "$id" FinalStatus
        property "$id" FinalStatus | grep -qiE 'oom|memory' || no "the final status does not say so"
        id=$(task 'kill -KILL $$') || no "run"
        bgtctl wait "$id"
        is state "$(property "$id" RunningState)" Exited
        property "$id" FinalStatus
        property "$id" FinalStatus | grep -qiE 'oom|memory' && no "a kill is not an OOM kill"
        is "the tasks' unit" "$(systemctl show -P Result bgt-tasks)" success
}

a_task_cannot_have_more_processes_than_its_limit() {
        needs_controllers
        local out
        out=$(bgtctl run --wait --pipe --property TasksMax=5 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done; echo all' 2>&1)
        echo "$out"
        grep -qx all <<<"$out" && no "it could"
        grep -qi fork <<<"$out" || no "it was something else"
}

a_task_gets_no_more_processor_time_than_its_quota() {
        needs_controllers
        local id used periods
        id=$(task --property CPUQuota=20% 'while :; do :; done') && running "$id"
        cpu_stat() { limit_of "$id" cpu cpu.stat cpu.stat | sed -n "s/^$1 //p"; }
        throttled() { [ "$(cpu_stat nr_throttled)" -ge 10 ]; }
        await throttled
        used=$(cpu_of "$id") periods=$(cpu_stat nr_periods)
        bgtctl cancel "$id" || no "cancel"
        echo "$used us in $periods periods of 100 ms"
        [ "$used" -le $(((periods + 2) * 30000)) ] || no "it is more"
}

limits_of_a_type_count() {
        needs_controllers
        local id
        mkdir -p /etc/bgt/types.d
        printf '[Task]\nExecStart=/bin/sleep 600\n[Control]\nCancel=direct\n[Limits]\nMemoryMax=32M\n' >/etc/bgt/types.d/limited.ini
        systemctl restart bgtd || no "restart"
        id=$(bgtctl start limited) && running "$id"
        is memory "$(limit_of "$id" memory memory.max memory.limit_in_bytes)" $((32 << 20))
        bgtctl cancel "$id" || no "cancel"
}

# ---------------------------------------------------------------- the journal

logs_come_from_the_journal() {
        local id
        id=$(task 'echo first; echo second >&2; printf "no newline"') && bgtctl wait "$id"
        says() { [ "$(bgtctl logs "$id")" = $'first\nsecond\nno newline' ]; }
        await says
        in_journal() { journalctl -q -o cat SYSLOG_IDENTIFIER="bgt-$id" | grep -qx second; }
        await in_journal
        is "last line" "$(bgtctl logs -n 1 "$id")" "no newline"
}

logs_follow_a_task_to_its_end() {
        local id
        mkfifo /run/follow.end
        id=$(task 'echo begin; read -r x </run/follow.end; echo end') && running "$id"
        timeout 120 bgtctl logs -f "$id" >/run/followed &
        await grep -qx begin /run/followed
        finish follow x
        wait $! || no "logs -f: $?"
        is "what it printed" "$(cat /run/followed)" $'begin\nend'
}

bgtd_logs_with_the_task_in_a_field() {
        has_field() { journalctl -q -u bgtd -o json | grep -q '"BGT_TASK_ID"'; }
        bgtctl run --wait -- /nonexistent/command
        has_field || skip "no record about a task yet"
}

# ---------------------------------------------------------------- the bus

BUS="busctl --address=unix:path=/run/bgt/bus"

any_client_may_talk_to_the_private_socket() {
        local out
        out=$($BUS introspect org.bgt1 /org/bgt1) || no "introspect"
        grep -q StartCommand <<<"$out" || no "$out"
        out=$($BUS call org.bgt1 /org/bgt1 org.bgt1.Manager StartCommand 'asa{sv}' 2 sleep 600 0) || no "StartCommand: $out"
        id=$(awk '{ print $2 }' <<<"$out")
        running "$id"
        $BUS call org.bgt1 /org/bgt1 org.bgt1.Manager Pause 'ata{sv}' 1 "$id" 0 || no "Pause"
        is state "$($BUS get-property org.bgt1 "/org/bgt1/task/_$id" org.bgt1.Task RunningState)" 's "Paused"'
        $BUS call org.bgt1 /org/bgt1 org.bgt1.Manager Cancel 'ata{sv}' 1 "$id" 0 || no "Cancel"
        is state "$(property "$id" RunningState)" Cancelled
        $BUS tree org.bgt1 | grep -q "/org/bgt1/task" || no "$($BUS tree org.bgt1)"
}

the_system_bus_serves_the_same() {
        busctl status org.bgt1 >/dev/null 2>&1 || skip "bgtd is not on the system bus"
        busctl introspect org.bgt1 /org/bgt1 | grep -q StartCommand || no "introspect"
        busctl call org.bgt1 /org/bgt1 org.bgt1.Manager Status || no "Status"
        systemctl stop bgtd.socket bgtd
        busctl call org.bgt1 /org/bgt1 org.bgt1.Manager Status || no "activation by name"
        active bgtd || no "bgtd"
        systemctl start bgtd.socket
}

# ---------------------------------------------------------------- users

as() { runuser -u "$1" -- "${@:2}"; }

a_member_of_bgt_runs_commands_as_himself() {
        local out
        out=$(as tester bgtctl run --wait --pipe -- sh -c 'id -un; id -Gn | tr " " "\n" | grep -x bgt') || no "run: $? $out"
        is "who it was" "$out" $'tester\nbgt'
}

others_may_not() {
        local id
        useradd -m outsider
        as outsider bgtctl run -- true; is "run by an outsider" $? 5
        id=$(waiting_task roots) && running "$id"
        as tester bgtctl cancel "$id"; is "cancel of root's task" $? 5
        as tester bgtctl show "$id" -p Command | grep -q read && no "its command is seen"
        is state "$(property "$id" RunningState)" Running
        finish roots 0
        bgtctl wait "$id"
}

the_state_is_closed_to_others() {
        as tester ls /var/lib/bgt && no "it can be listed"
        as tester cat /run/bgt/keeper && no "the keeper"
        as tester bash -c 'exec 3<>/run/bgt/bgtd.lock' && no "the lock"
        return 0
}

a_user_has_his_own_supervisor() {
        local id pid
        loginctl enable-linger tester || no "linger"
        await systemctl --user -M tester@ is-system-running
        user() { runuser -u tester -- env XDG_RUNTIME_DIR="/run/user/$(id -u tester)" "$@"; }
        user systemctl --user start bgtd.socket || no "socket"
        id=$(user bgtctl --user run -- sleep 600) || no "run: $? $(user systemctl --user status bgtd bgt-tasks --no-pager)"
        user_state_is() { [ "$(user bgtctl --user show "$id" -p RunningState)" = "$1" ]; }
        await user_state_is Running
        pid=$(user bgtctl --user show "$id" -p PID)
        user systemctl --user restart bgtd || no "restart"
        is PID "$(user bgtctl --user show "$id" -p PID)" "$pid"
        user bgtctl --user pause "$id" || no "pause"
        user bgtctl --user cancel "$id" || no "cancel"
        user_state_is Cancelled || no "$(user bgtctl --user show "$id")"
        user systemctl --user stop bgtd.socket bgtd bgt-tasks || no "stop"
}

# ---------------------------------------------------------------- the end

stopping_the_tasks_unit_ends_every_task() {
        local id pid
        id=$(waiting_task last) && running "$id"
        paused=$(task 'while :; do :; done') && running "$paused" && bgtctl pause "$paused"
        pid=$(property "$id" PID)
        systemctl stop bgt-tasks || no "stop"
        active bgtd && no "bgtd goes on without a keeper"
        kill -0 "$pid" 2>/dev/null && no "the task is alive"
        systemctl start bgtd || no "start"
        is state "$(property "$id" RunningState)" Exited
        is state "$(property "$paused" RunningState)" Exited
        property "$id" FinalStatus
        is "a new task" "$(bgtctl run --wait --pipe -- echo works)" works
}

# What is said of the kills above is left out.
nobody_complains_in_the_journal() {
        local out watchdog keeper
        watchdog="bgtd.service: (Watchdog timeout|Killing process|Main process exited, code=(dumped|killed), status=6|Failed with result '(watchdog|core-dump)')"
        keeper='Lost the keeper; its guard|The keeper has ended \(signal 9\)'
        out=$(journalctl -q -b -o short-monotonic -p warning -u bgtd -u bgt-tasks |
              grep -vE "bgtd.service: (Main process exited, code=killed, status=9|Failed with result 'signal')|$watchdog|$keeper")
        is "what there is" "$out" ""
        out=$(journalctl -q -b -o cat | grep -E '219/CGROUP|left-over process|Failed to (kill|attach|destroy).*cgroup.*bgt')
        is "what systemd says" "$out" ""
}

nothing_is_left_behind() {
        local root
        root=$(findmnt -nfo TARGET -t cgroup2)/$(systemctl show -P ControlGroup bgt-tasks)
        is "groups of tasks" "$(find "$root/jobs" -mindepth 2 -type d)" ""
        is "directories of tasks" "$(ls /run/bgt/task 2>/dev/null)" ""
        is "v1 groups" "$(find /sys/fs/cgroup/memory /sys/fs/cgroup/cpu /sys/fs/cgroup/pids -name 'bgt-tasks.service.*' -type d 2>/dev/null)" ""
}

without_cgroup_v2_it_says_so_and_gives_up() {
        systemctl start bgtd && no "it started"
        journalctl -q -u bgt-tasks -o cat | grep 'No cgroup v2' || no "$(journalctl -q -u bgt-tasks -o cat)"
        is "what became of the tasks' unit" "$(systemctl show -P ActiveState bgt-tasks)" failed
        is "its exit status" "$(systemctl show -P ExecMainStatus bgt-tasks)" 4
        is "how often it was tried" "$(systemctl show -P NRestarts bgt-tasks)" 0
}

echo "kernel $(uname -r), systemd $(systemctl --version | awk 'NR == 1 { print $2 }'), $(stat -fc %T /sys/fs/cgroup)"
check installed
check units are clean
if ! grep -q ' cgroup2 ' /proc/mounts; then
        check without cgroup v2 it says so and gives up
        exit "$n_failed"
fi
check socket activation starts both units
check keeper and guard have a leaf of their own
check a task runs to done
check exit status and signal are exact
check a task inherits nothing of the sandbox
check a restart of bgtd does not touch a task
check a paused task stays paused over a restart
check a killed bgtd comes back and knows how tasks ended
check a stopped bgtd leaves tasks running and adopts them
check clients wait while bgtd restarts
check a hanging bgtd is replaced
check slots stay unique over a restart
check a killed keeper loses no end
check limits are set in the kernel
check memory beyond the limit is an oom kill and nothing else
check a task cannot have more processes than its limit
check a task gets no more processor time than its quota
check limits of a type count
check logs come from the journal
check logs follow a task to its end
check bgtd logs with the task in a field
check any client may talk to the private socket
check the system bus serves the same
check a member of bgt runs commands as himself
check others may not
check the state is closed to others
check a user has his own supervisor
check stopping the tasks unit ends every task
check nobody complains in the journal
check nothing is left behind
[ "$n_failed" = 0 ]
