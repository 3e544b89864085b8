#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pause, resume, cancel and signal of real processes."""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import Variant, deadline

HUNDREDS = 500

TYPES = {
    'polite': '[Task]\nExecStart=/bin/sh -c "trap \'echo asked; exit 3\' TERM; while :; do sleep 0.05; done"\nOutput=file\n'
              '[Control]\nPause=direct\nCancel=direct\nCancelGraceSec=20\n',
    'stubborn': '[Task]\nExecStart=/bin/sh -c "trap \'\' TERM; while :; do sleep 0.05; done"\n[Control]\nCancel=direct\nCancelGraceSec=200ms\n',
    'fixed': '[Task]\nExecStart=/bin/sleep 1000\n',
    'timed': '[Task]\nExecStart=/bin/sleep 1000\n[Control]\nPause=direct\nCancel=direct\n[Schedule]\nTimeoutSec=1\n',
}


class Group:
    """A task's cgroup, as the kernel shows it."""

    def __init__(self, bgtd, task):
        self.path = os.path.join(bgtd.cgroup.path, 'jobs/default', f'{task}.1')

    def read(self, name):
        with open(os.path.join(self.path, name), encoding='utf-8') as file:
            return file.read()

    def cpu_usec(self):
        return int(self.read('cpu.stat').split()[1])

    def processes(self):
        return [int(line) for line in self.read('cgroup.procs').split()]

    def await_processes(self, n):
        until = deadline(60)
        while len(self.processes()) < n:
            if time.monotonic() > until:
                raise TimeoutError(f'only {len(self.processes())} processes')

    def is_gone(self):
        try:
            return 'populated 0' in self.read('cgroup.events')
        except OSError:
            return True


class Control(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd(TYPES))
        self.bus = self.bgtd.connect()

    def start(self, *argv):
        task = run_command(self.bus, *argv)
        wait_for(self.bus, task, state='Running')
        return task, Group(self.bgtd, task)

    def ask(self, verb, *tasks, **options):
        return self.bus.call(verb, 'ata{sv}', list(tasks), variants(**options))

    def ok(self, verb, *tasks, **options):
        for _, error, sentence in self.ask(verb, *tasks, **options):
            self.assertEqual('', error, sentence)

    def test_a_paused_task_uses_no_cpu_time_and_a_resumed_one_goes_on(self):
        """T-24 T-20 T-22"""
        task, group = self.start('/bin/sh', '-c', 'while :; do :; done')
        self.ok('Pause', task)
        self.assertIn('frozen 1', group.read('cgroup.events'))
        self.assertIn('populated 1', group.read('cgroup.events'))
        before, busy = group.cpu_usec(), time.monotonic() + 0.2
        while time.monotonic() < busy:
            pass
        self.assertEqual(before, group.cpu_usec())
        shown = properties(self.bus, task)
        self.assertEqual('Paused', shown['RunningState'])
        self.assertEqual((1, False, True, True), tuple(shown[name] for name in (
            'Request', 'PauseIsAvailable', 'ResumeIsAvailable', 'CancelIsAvailable')))
        self.ok('Resume', task)
        until = deadline(20)
        while group.cpu_usec() == before:
            self.assertLess(time.monotonic(), until)
        self.ok('Cancel', task)

    def test_hundreds_of_sessions_are_paused_and_none_survives_a_cancel(self):
        """T-24 T-25"""
        task, group = self.start('/bin/sh', '-c', f'i=0; while [ $i -lt {HUNDREDS} ]; do setsid sh -c "while :; do sleep 0.1; done" & i=$((i+1)); done; wait')
        group.await_processes(HUNDREDS)
        self.ok('Pause', task)
        before, busy = group.cpu_usec(), time.monotonic() + 0.3
        while time.monotonic() < busy:
            pass
        self.assertEqual(before, group.cpu_usec())
        pids = group.processes()
        self.ok('Cancel', task)
        self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])
        self.assertEqual([], [pid for pid in pids if self.lives_in(pid, task)])

    def lives_in(self, pid, task):
        """Whether the process is alive, and not a zombie, in the task's group."""
        try:
            with open(f'/proc/{pid}/cgroup', encoding='utf-8') as file:
                mine = f'/{task}.1' in file.read()
            with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
                return mine and file.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
        except OSError:
            return False

    def test_a_fork_bomb_is_cancelled(self):
        """T-25"""
        task, group = self.start('/bin/sh', '-c', 'b() { b & b & sleep 0.01; }; ulimit -u 2000 2>/dev/null; b; b; sleep 1000')
        until = deadline(30)
        while len(group.processes()) < 50 and time.monotonic() < until:
            pass
        self.ok('Cancel', task)
        row = wait_for(self.bus, task)[0]
        self.assertEqual('cancelled', row['Phase'])
        self.assertNotIn('LeftProcesses', row)
        self.assertTrue(group.is_gone())

    def test_escaped_children_die_with_the_task(self):
        """T-25 T-6"""
        script = 'sleep 7001 & setsid sleep 7001 & (setsid sh -c "sleep 7001 & sleep 7001" &) ; exec sleep 7001'
        task, group = self.start('/bin/sh', '-c', script)
        group.await_processes(5)
        self.ok('Cancel', task)
        self.assertTrue(group.is_gone())

    def test_what_the_main_process_leaves_is_killed_before_the_end_is_announced(self):
        """T-6"""
        task = run_command(self.bus, '/bin/sh', '-c', 'setsid sleep 1000 & exit 0')
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
        self.assertTrue(Group(self.bgtd, task).is_gone())

    def test_a_paused_task_that_is_killed_from_outside_is_exited(self):
        """T-29"""
        task, group = self.start('/bin/sleep', '1000')
        self.ok('Pause', task)
        os.kill(properties(self.bus, task)['PID'], signal.SIGKILL)
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('exited', 9), (row['Phase'], row['Signal']))
        self.assertTrue(group.is_gone())

    def test_a_cancel_without_grace_runs_no_more_of_a_paused_task(self):
        """T-25 T-27"""
        mark = os.path.join(self.bgtd.directory, 'mark')
        task, _ = self.start('/bin/sh', '-c', f'trap "touch {mark}" TERM EXIT; while :; do sleep 0.05; done')
        self.ok('Pause', task)
        self.ok('Cancel', task)
        self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])
        self.assertFalse(os.path.exists(mark))

    def test_a_polite_cancel_lets_a_handler_run_even_of_a_paused_task(self):
        """T-25"""
        task = self.bus.call('Start', 'sa{ss}a{sv}', 'polite', {}, {})[0]
        wait_for(self.bus, task, state='Running')
        until = deadline(20)        # until the shell has set its trap
        while b'sleep' not in b''.join(open(f'/proc/{pid}/cmdline', 'rb').read() for pid in Group(self.bgtd, task).processes()
                                       if os.path.exists(f'/proc/{pid}/cmdline')):
            self.assertLess(time.monotonic(), until)
        self.ok('Pause', task)
        self.ok('Cancel', task)
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('cancelled', 3), (row['Phase'], row.get('ExitCode')))

    def test_a_polite_cancel_that_is_ignored_becomes_a_kill(self):
        """T-25"""
        task = self.bus.call('Start', 'sa{ss}a{sv}', 'stubborn', {}, {})[0]
        wait_for(self.bus, task, state='Running')
        self.ok('Cancel', task)
        self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])

    def test_what_is_not_available_is_refused_with_the_reason(self):
        """T-23 T-30"""
        fixed = self.bus.call('Start', 'sa{ss}a{sv}', 'fixed', {}, {})[0]
        task, _ = self.start('/bin/sleep', '1000')
        wait_for(self.bus, fixed, state='Running')
        first, second, third = self.ask('Pause', fixed, task, 4711)
        self.assertEqual((fixed, 'org.bgt1.Error.NotAvailable'), tuple(first[:2]))
        self.assertEqual((task, ''), tuple(second[:2]))
        self.assertEqual((4711, 'org.bgt1.Error.NoSuchTask'), tuple(third[:2]))
        self.assertEqual('org.bgt1.Error.NotAvailable', self.ask('Cancel', fixed)[0][1])
        self.assertEqual('org.bgt1.Error.NotAvailable', self.ask('Resume', fixed)[0][1])
        self.ok('Cancel', fixed, force=True)            # T-28
        self.assertEqual('cancelled', wait_for(self.bus, fixed)[0]['Phase'])
        self.ok('Cancel', task)
        self.assertEqual('org.bgt1.Error.NotAvailable', self.ask('Cancel', task)[0][1])

    def test_a_signal_reaches_every_process(self):
        """T-31"""
        task, group = self.start('/bin/sh', '-c', 'sleep 1000 & setsid sleep 1000 & wait')
        group.await_processes(3)
        _, error, sentence = self.bus.call('Signal', 'atia{sv}', [task], signal.SIGTERM, {})[0]
        self.assertEqual('', error, sentence)
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('exited', signal.SIGTERM), (row['Phase'], row['Signal']))

    def test_time_that_is_up_cancels_and_says_so(self):
        """T-4"""
        task = self.bus.call('Start', 'sa{ss}a{sv}', 'timed', {}, {})[0]
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('cancelled', 'Timeout'), (row['Phase'], row['Error']['code']))

    def test_paused_time_does_not_count(self):
        """T-4"""
        task = run_command(self.bus, '/bin/sh', '-c', 'sleep 0.4', timeout=Variant('t', 20_000_000))
        wait_for(self.bus, task, state='Running')
        self.ok('Pause', task)
        self.ok('Resume', task)
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])

    def test_a_pause_that_is_overtaken_by_the_end_lets_the_end_decide(self):
        """T-3"""
        for _ in range(20):
            task = run_command(self.bus, '/bin/true')
            self.ask('Pause', task)
            self.ask('Resume', task)
            self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])

    def test_a_main_process_that_has_left_its_group_is_named_and_ends_with_a_cancel(self):
        """T-32"""
        root = os.path.join(bgtkit.find_cgroup2(), 'cgroup.procs')
        task, group = self.start('/bin/sh', '-c', f'sleep 1000 & echo $$ > {root}; exec sleep 1001')
        until = deadline(20)
        while len(group.processes()) != 1:
            self.assertLess(time.monotonic(), until)
        pid = properties(self.bus, task)['PID']
        outside = self.bus.call('List', 'a{sv}as', variants(ids=str(task)), ['OutsideProcesses'])[0]['OutsideProcesses']
        self.assertIn(str(pid), outside[0])
        _, error, sentence = self.ask('Cancel', task)[0]
        self.assertEqual('', error)
        self.assertIn(str(pid), sentence)
        self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])

    def test_a_task_that_is_thawed_behind_our_back_is_not_called_paused(self):
        """T-24"""
        task, group = self.start('/bin/sleep', '1000')
        self.ok('Pause', task)
        with open(os.path.join(group.path, 'cgroup.freeze'), 'w', encoding='utf-8') as file:
            file.write('0')
        until = deadline(20)
        while properties(self.bus, task)['RunningState'] != 'Running':
            self.assertLess(time.monotonic(), until)
        self.assertEqual(0, properties(self.bus, task)['Request'])


if __name__ == '__main__':
    bgtkit.main()
