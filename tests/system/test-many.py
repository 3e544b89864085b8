#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Many tasks at once: each is looked after, and nothing of them stays."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import deadline

TASKS = 1100
IN_FLIGHT = 50
FDS_EACH = 6                # of bgtd or of the keeper, for a task that runs
FDS_SLACK = 8
KIB_EACH = 32
KIB_SLACK = 16384           # what the allocator keeps
if bgtkit.is_sanitized():
    KIB_SLACK *= 100            # what was freed is kept for a while, to see who still uses it


def fds(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def memory_kib(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))


class Many(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd())
        self.bus = self.enterContext(self.bgtd.connect())
        self.jobs = os.path.join(self.bgtd.cgroup.path, 'jobs/default')

    def start_all(self):
        tasks, serials = [], []
        for _ in range(TASKS):
            serials.append(self.bus.send_call('StartCommand', 'asa{sv}', ['/bin/sleep', '100000'], {}))
            if len(serials) == IN_FLIGHT:
                tasks += [self.bus.reply(serial)[0] for serial in serials]
                serials = []
        return tasks + [self.bus.reply(serial)[0] for serial in serials]

    def list(self, **filters):
        return self.bus.call('List', 'a{sv}as', variants(**filters), ['Id', 'Phase', 'RunningState', 'PID'])

    def ask_all(self, verb, tasks):
        for task, error, sentence in self.bus.call(verb, 'ata{sv}', tasks, {}, timeout=60):
            self.assertEqual('', error, (task, sentence))

    def frozen(self):
        """How many groups the kernel says are frozen."""
        n = 0
        for name in os.listdir(self.jobs):
            if os.path.isdir(os.path.join(self.jobs, name)):
                with open(os.path.join(self.jobs, name, 'cgroup.events'), encoding='utf-8') as file:
                    n += 'frozen 1' in file.read()
        return n

    def processes(self):
        n = 0
        for directory, _, _ in os.walk(self.jobs):
            with open(os.path.join(directory, 'cgroup.procs'), encoding='utf-8') as file:
                n += len(file.readlines())
        return n

    def used(self):
        keeper = self.bus.call('Status', '')['KeeperPID']
        return {'bgtd': (fds(self.bgtd.process.pid), memory_kib(self.bgtd.process.pid)), 'keeper': (fds(keeper), memory_kib(keeper))}

    def await_used(self, before, timeout=30):
        """Until descriptors are as before; the teardown goes on behind the last answer."""
        until = deadline(timeout)
        while True:
            now = self.used()
            if all(now[who][0] <= before[who][0] + FDS_SLACK for who in now):
                return now
            self.assertLess(time.monotonic(), until, (before, now))

    def test_a_thousand_tasks_at_once(self):
        """T-1 T-7 T-24 T-25 T-30"""
        wait_for(self.bus, run_command(self.bus, '/bin/true'))
        before = self.used()
        tasks = self.start_all()
        self.assertEqual(sorted(set(tasks)), tasks)
        wait_for(self.bus, *tasks, state='Running', timeout=60)

        rows = self.list()
        self.assertEqual(tasks, sorted(row['Id'] for row in rows))
        self.assertEqual({'running'}, {row['Phase'] for row in rows})
        self.assertEqual(TASKS, len({row['PID'] for row in rows}))
        self.assertEqual(TASKS, self.processes())
        loaded = self.used()
        for who, (n_fds, kib) in loaded.items():
            self.assertLess(n_fds, before[who][0] + TASKS * FDS_EACH, who)
            self.assertLess(kib, before[who][1] + TASKS * KIB_EACH + KIB_SLACK, who)

        self.ask_all('Pause', tasks)
        self.assertEqual(TASKS, self.frozen())
        self.assertEqual({'paused'}, {row['Phase'] for row in self.list()})
        self.ask_all('Resume', tasks)
        self.assertEqual(0, self.frozen())
        self.assertEqual({'Running'}, {row['RunningState'] for row in self.list()})

        self.ask_all('Cancel', tasks)
        self.assertEqual(0, self.processes())
        rows = wait_for(self.bus, *tasks, timeout=60)
        self.assertEqual({('cancelled', 'Cancelled')}, {(row['Phase'], row['RunningState']) for row in rows})
        self.assertEqual([], self.list())
        after = self.await_used(before)
        for who, (_, kib) in after.items():
            self.assertLess(kib, before[who][1] + KIB_SLACK, who)
        until = deadline(30)
        while [name for name in os.listdir(self.jobs) if name.endswith('.1')]:
            self.assertLess(time.monotonic(), until, 'groups are left')
        self.assertEqual([], os.listdir(os.path.join(self.bgtd.runtime, 'task')))
        print({'before': before, 'loaded': loaded, 'after': after}, file=sys.stderr)

    def test_a_thousand_running_tasks_survive_bgtd(self):
        """Q-43 Q-48 T-44"""
        tasks = self.start_all()
        wait_for(self.bus, *tasks, state='Running', timeout=60)
        pids = {row['Id']: row['PID'] for row in self.list()}
        self.bgtd.kill()
        self.bgtd.start()
        self.bus = self.enterContext(self.bgtd.connect())
        self.assertEqual(pids, {row['Id']: row['PID'] for row in self.list()})
        self.assertEqual({'running'}, {row['Phase'] for row in self.list()})
        self.ask_all('Cancel', tasks)
        self.assertEqual({'cancelled'}, {row['Phase'] for row in wait_for(self.bus, *tasks, timeout=60)})
        self.assertEqual(0, self.processes())
        self.assertEqual('done', wait_for(self.bus, run_command(self.bus, '/bin/true'))[0]['Phase'])
        self.assertEqual('cancelled', properties(self.bus, tasks[0])['Phase'])


if __name__ == '__main__':
    bgtkit.main()
