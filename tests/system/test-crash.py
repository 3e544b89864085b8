#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kill -9 of bgtd at every step, of the keeper, of both: nothing is lost, nothing stops, nothing runs twice."""

import os
import select
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import PATIENCE, Variant, deadline

# Where bgtd dies, and whether the caller can have been answered by then.
START_FAULTS = ('start-commit', 'start-durable', 'claim-durable', 'spawn-sent')
END_FAULTS = ('end-decide', 'end-durable', 'end-ack')


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children', encoding='utf-8') as file:
        return [int(word) for word in file.read().split()]


def parent_of(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('PPid'))


class Crash(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd())
        self.runs = os.path.join(self.bgtd.directory, 'runs')

    def counted(self, rest='exit 7'):
        """A command that leaves a line for each time it is run."""
        return ('/bin/sh', '-c', f'echo run >> {self.runs}; {rest}')

    def n_runs(self):
        return len(open(self.runs, encoding='utf-8').readlines()) if os.path.exists(self.runs) else 0

    def restart(self, fault=None):
        if self.bgtd.process.poll() is None:
            self.bgtd.kill()
        self.bgtd.environment.pop('BGT_TEST_FAULT', None)
        if fault:
            self.bgtd.environment['BGT_TEST_FAULT'] = fault
        self.bgtd.start()
        return self.bgtd.connect()

    def rows(self, bus):
        return bus.call('List', 'a{sv}as', variants(every=True), [])

    def test_killed_at_each_step_of_a_start(self):
        """Q-48 T-43"""
        for fault in START_FAULTS:
            with self.subTest(fault=fault):
                before = self.n_runs()
                bus = self.restart(fault)
                known = {row['Id'] for row in self.rows(bus)}
                answered = None
                try:
                    answered = run_command(bus, *self.counted())
                except Exception:       # the connection died with it
                    pass
                self.assertEqual(-signal.SIGKILL, self.bgtd.wait())
                bus = self.restart()
                new = [row['Id'] for row in self.rows(bus) if row['Id'] not in known]
                self.assertLessEqual(len(new), 1)
                if answered:
                    self.assertEqual([answered], new)
                for row in wait_for(bus, *new) if new else ():
                    self.assertEqual(('error', 7), (row['Phase'], row['ExitCode']))
                self.assertEqual(before + len(new), self.n_runs())

    def test_killed_at_each_step_of_an_end(self):
        """T-43 Q-48"""
        for fault in END_FAULTS:
            with self.subTest(fault=fault):
                before = self.n_runs()
                bus = self.restart(fault)
                task = run_command(bus, *self.counted())
                self.assertEqual(-signal.SIGKILL, self.bgtd.wait())
                bus = self.restart()
                row = wait_for(bus, task)[0]
                self.assertEqual(('error', 7), (row['Phase'], row['ExitCode']))
                self.assertEqual(before + 1, self.n_runs())

    def test_a_running_task_its_pause_and_its_time_survive(self):
        """Q-43 T-44 T-24"""
        bus = self.bgtd.connect()
        running, paused = (run_command(bus, '/bin/sh', '-c', 'while :; do sleep 0.1; done') for _ in range(2))
        wait_for(bus, running, paused, state='Running')
        bus.call('Pause', 'ata{sv}', [paused], {})
        pids = [properties(bus, task)['PID'] for task in (running, paused)]
        killed = time.time() * 1_000_000
        bus = self.restart()
        for task in (running, paused):
            self.assertLess(properties(bus, task)['StartTime'], killed)
        self.assertEqual(pids, [properties(bus, task)['PID'] for task in (running, paused)])
        self.assertEqual(['running', 'paused'], [properties(bus, task)['Phase'] for task in (running, paused)])
        self.assertEqual(1, properties(bus, paused)['Request'])
        self.assertEqual('', bus.call('Resume', 'ata{sv}', [paused], {})[0][1])
        for outcome in bus.call('Cancel', 'ata{sv}', [running, paused], {}):
            self.assertEqual('', outcome[1])

    def test_a_pause_that_outlives_bgtd_does_not_use_up_the_task_s_time(self):
        """T-41 T-24"""
        bus = self.bgtd.connect()
        task = run_command(bus, '/bin/sleep', '1000', timeout=Variant('t', 8_000_000))
        wait_for(bus, task, state='Running')
        self.assertEqual('', bus.call('Pause', 'ata{sv}', [task], {})[0][1])
        clock = run_command(bus, '/bin/sleep', '9')
        bus = self.restart()
        wait_for(bus, clock)
        bus = self.restart()
        self.assertEqual('', bus.call('Resume', 'ata{sv}', [task], {})[0][1])
        witness = wait_for(bus, run_command(bus, '/bin/true'))[0]
        self.assertEqual(('done', 'running'), (witness['Phase'], properties(bus, task)['Phase']))

    def test_what_ended_meanwhile_is_told_exactly(self):
        """T-43 T-2"""
        scripts = ('exit 0', 'exit 42', 'kill -11 $$')
        gates = [os.path.join(self.bgtd.directory, f'gate{i}') for i in range(len(scripts))]
        bus = self.bgtd.connect()
        tasks = []
        for gate, script in zip(gates, scripts):
            os.mkfifo(gate)
            tasks.append(run_command(bus, '/bin/sh', '-c', f'ulimit -c 0; read x < {gate}; {script}'))
        wait_for(bus, *tasks, state='Running')
        pidfds = [os.pidfd_open(properties(bus, task)['PID']) for task in tasks]
        self.bgtd.kill()
        for gate, pidfd in zip(gates, pidfds):
            with open(gate, 'w', encoding='utf-8') as file:
                file.write('go\n')
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            self.assertTrue(poll.poll(30000 * PATIENCE), 'the task has not ended')
            os.close(pidfd)
        bus = self.restart()
        rows = wait_for(bus, *tasks)
        self.assertEqual([('done', 0, None), ('error', 42, None), ('exited', None, 11)],
                         [(row['Phase'], row.get('ExitCode'), row.get('Signal')) for row in rows])

    def test_a_cancel_that_bgtd_did_not_live_to_remember_is_still_a_cancel(self):
        """T-27 T-43"""
        bus = self.restart('end-decide')
        task = run_command(bus, '/bin/sleep', '1000')
        wait_for(bus, task, state='Running')
        try:
            bus.call('Cancel', 'ata{sv}', [task], {})
        except Exception:
            pass
        self.assertEqual(-signal.SIGKILL, self.bgtd.wait())
        self.assertEqual('cancelled', wait_for(self.restart(), task)[0]['Phase'])

    def test_the_keeper_is_killed_and_the_tasks_go_on(self):
        """T-43"""
        bus = self.bgtd.connect()
        gate = os.path.join(self.bgtd.directory, 'gate')
        os.mkfifo(gate)
        task = run_command(bus, '/bin/sh', '-c', f'read x < {gate}; exit 9')
        wait_for(bus, task, state='Running')
        keeper = bus.call('Status', '')['KeeperPID']
        os.kill(keeper, signal.SIGKILL)
        until = deadline(30)
        while bus.call('Status', '')['KeeperPID'] == keeper:
            self.assertLess(time.monotonic(), until)
        self.assertEqual('done', wait_for(bus, run_command(bus, '/bin/true'))[0]['Phase'])
        with open(gate, 'w', encoding='utf-8') as file:
            file.write('go\n')
        row = wait_for(bus, task)[0]
        self.assertEqual(('error', 9), (row['Phase'], row['ExitCode']))

    def test_the_parameters_of_what_has_ended_are_removed_after_a_crash(self):
        """P-44 T-43"""
        bus = self.restart('end-durable')
        task = run_command(bus, '/bin/true')
        self.bgtd.wait()
        path = os.path.join(self.bgtd.runtime, 'task', f'{task}.1')
        self.assertTrue(os.path.exists(path))
        bus = self.restart()
        self.assertEqual('done', wait_for(bus, task)[0]['Phase'])
        until = deadline(20)
        while os.path.exists(path):
            self.assertLess(time.monotonic(), until)

    def test_both_are_killed_and_the_tasks_go_on(self):
        """T-43"""
        bus = self.bgtd.connect()
        task = run_command(bus, '/bin/sh', '-c', 'while :; do sleep 0.1; done')
        wait_for(bus, task, state='Running')
        pid = properties(bus, task)['PID']
        os.kill(bus.call('Status', '')['KeeperPID'], signal.SIGKILL)
        bus = self.restart()
        self.assertEqual((pid, 'running'), tuple(properties(bus, task)[name] for name in ('PID', 'Phase')))
        os.kill(pid, signal.SIGTERM)
        row = wait_for(bus, task)[0]
        self.assertEqual(('exited', 15), (row['Phase'], row['Signal']))

    def test_keeper_and_guard_are_lost_and_the_tasks_are_interrupted(self):
        """Q-43"""
        bus = self.bgtd.connect()
        task = run_command(bus, '/bin/sleep', '1000')
        wait_for(bus, task, state='Running')
        keeper = bus.call('Status', '')['KeeperPID']
        guard = parent_of(keeper)
        self.bgtd.kill()
        os.kill(guard, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        bus = self.restart()
        row = wait_for(bus, task)[0]
        self.assertEqual(('exited', 'Interrupted'), (row['Phase'], row['Error']['code']))
        self.assertFalse(self.is_populated(task))

    def is_populated(self, task):
        try:
            with open(os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1', 'cgroup.events'), encoding='utf-8') as file:
                return 'populated 1' in file.read()
        except OSError:
            return False

    def test_a_lost_store_does_not_lose_what_runs(self):
        """Q-48"""
        bus = self.bgtd.connect()
        task = run_command(bus, '/bin/sleep', '1000')
        wait_for(bus, task, state='Running')
        pid = properties(bus, task)['PID']
        self.bgtd.kill()
        with open(os.path.join(self.bgtd.state, 'tasks.db'), 'r+b') as file:
            file.write(b'not a database at all' * 100)
        for name in ('tasks.db-wal', 'tasks.db-shm'):
            if os.path.exists(os.path.join(self.bgtd.state, name)):
                os.unlink(os.path.join(self.bgtd.state, name))
        bus = self.restart()
        self.assertTrue(any('damaged' in warning for warning in bus.call('Status', '')['Warnings']))
        shown = properties(bus, task)
        self.assertEqual((pid, 'running', 'recovered'), (shown['PID'], shown['Phase'], shown['Name']))
        self.assertEqual('', bus.call('Cancel', 'ata{sv}', [task], {})[0][1])
        self.assertGreater(run_command(bus, '/bin/true'), task)

    def test_killed_again_and_again_under_load(self):
        """Q-48 T-43"""
        tasks = []
        for _ in range(8):
            bus = self.restart()
            for _ in range(12):
                tasks.append(run_command(bus, *self.counted('exit 3')))
        bus = self.restart()
        rows = wait_for(bus, *tasks, timeout=60)
        self.assertEqual({('error', 3)}, {(row['Phase'], row.get('ExitCode')) for row in rows})
        self.assertEqual(len(tasks), self.n_runs())


if __name__ == '__main__':
    bgtkit.main()
