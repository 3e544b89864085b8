#!/bin/bash
# SPDX-License-Identifier: MIT
#
# power-cut.sh - the inside of run-power-cut: says what the store still knows,
# then starts tasks one after another until the power goes. Tells the console
#   found N      the last task there is; every one before it is there too
#   ack N        bgtd has answered: task N is durable
#   broken WHY   something is not as it has to be
set -u
cd "$(dirname "$0")" || exit 2

mkdir -p /var/lib/bgt
mount -o noatime /dev/bgt-disk4 /var/lib/bgt || { echo "broken the disk cannot be mounted"; exit 1; }
cp -a root/. /
systemd-sysusers
systemctl daemon-reload
systemctl start bgtd || { echo "broken bgtd does not start"; journalctl -q -u bgtd -o cat | tail -n 5; exit 1; }

ids=$(bgtctl list --every --columns Id | tail -n +2 | tr -d ' ' | sort -n)
last=$(tail -n 1 <<<"$ids")
[ "$ids" = "$([ -z "$last" ] || seq "$last")" ] || echo "broken some tasks before $last are missing"
journalctl -q -b -u bgtd -p err -o cat | sed 's/^/broken /'
unended=$(bgtctl list --columns Id | tail -n +2)
[ -z "$unended" ] || timeout 120 bgtctl wait --all >/dev/null
echo "found ${last:-0}"

[ "${1:-}" = last ] && exit 0
while id=$(bgtctl run -- true); do echo "ack $id"; done
echo "broken bgtctl run: exit status $?"
