# SPDX-License-Identifier: MIT
#
# For scripts that check one thing after another and say so, a line each:
# `ok NAME`, `skip NAME: why` or `not ok NAME` with what was seen. Sourced.

export SYSTEMD_PAGER= SYSTEMD_COLORS=0
n_failed=0

# A check is a function of that name with _ for blanks. It fails by returning
# non-zero or by calling `no`, and is skipped by `skip`; what it prints is shown
# when it fails.
check() { # NAME...
        local name=$* said status
        said=$("${name// /_}" 2>&1)
        status=$?
        case $status in
        0)  echo "ok $name" ;;
        77) echo "skip $name: ${said##*$'\n'}" ;;
        *)  echo "not ok $name"
            tail -n 40 <<<"$said" | sed 's/^/      /'
            n_failed=$((n_failed + 1)) ;;
        esac
}

no() { echo "$*"; exit 1; }
skip() { echo "$*"; exit 77; }

# is WHAT SEEN EXPECTED
is() { [ "$2" = "$3" ] || no "$1 is '$2' and should be '$3'"; }

# Waits until a command succeeds, at most a minute: machines are emulated.
await() {
        local deadline=$((SECONDS + 60))
        until "$@" >/dev/null 2>&1; do
                ((SECONDS < deadline)) || no "this did not come true in time: $*"
                sleep 0.05
        done
}
