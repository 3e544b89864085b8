#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Limits that hold, whichever hierarchy has the controllers, and that are refused where there is none."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import BusError, deadline

KEYS = {'MemoryMax=64M': 'memory', 'MemoryHigh=64M': 'memory', 'CPUQuota=50%': 'cpu', 'CPUWeight=50': 'cpu', 'IOWeight=50': 'io', 'TasksMax=50': 'pids'}
V1_CONTROLLERS = {'memory': 'memory', 'cpu': 'cpu', 'io': 'blkio', 'pids': 'pids'}

GREEDY = '[Task]\nExecStart=/bin/sh -c "x=x; while :; do x=$$x$$x; done"\nOutput=null\n[Control]\nCancel=direct\n[Limits]\nMemoryMax=32M\n'
CHILD_GREEDY = ('[Task]\nExecStart=/bin/sh -c "(x=x; while :; do x=$$x$$x; done); exit 5"\nOutput=null\n[Limits]\nMemoryMax=32M\n')
FORKING = ('[Task]\nExecStart=/bin/sh -c "i=0; while [ $$i -lt 40 ]; do sleep 1000 & i=$$((i+1)); done; echo all; wait"\nOutput=file\n'
           '[Control]\nPause=direct\nCancel=direct\n[Limits]\nTasksMax=10\n')
SLEEPING = '[Task]\nExecStart=/bin/sleep 1000\n[Control]\nPause=direct\nCancel=direct\n[Limits]\n{}\n'


def v1_mounts():
    """Controller to mount, of hierarchies of version 1."""
    found = {}
    with open('/proc/self/mounts', encoding='utf-8') as mounts:
        for line in mounts:
            _, where, kind, options = line.split()[:4]
            if kind == 'cgroup':
                found.update({option: where for option in options.split(',')})
    return found


class Limits(unittest.TestCase):
    def setUp(self):
        types = {'greedy': GREEDY, 'child-greedy': CHILD_GREEDY, 'forking': FORKING}
        types.update({key.split('=')[0]: SLEEPING.format(key) for key in KEYS})
        self.bgtd = self.enterContext(Bgtd(types))
        self.bus = self.enterContext(self.bgtd.connect())
        with open(os.path.join(bgtkit.find_cgroup2(), 'cgroup.controllers'), encoding='utf-8') as file:
            self.v2 = file.read().split()
        self.v1 = v1_mounts()

    def start(self, name, **options):
        return self.bus.call('Start', 'sa{ss}a{sv}', name, {}, variants(**options))[0]

    def v1_groups(self):
        """The groups in hierarchies of version 1 that this bgtd has made."""
        own = os.path.basename(self.bgtd.cgroup.path) + '.'
        return [directory for mount in set(self.v1.values()) for directory, _, _ in os.walk(mount) if own in directory]

    def v1_group(self, controller, task):
        return next(group for group in self.v1_groups() if group.startswith(self.v1[controller]) and group.endswith(f'{task}.1'))

    def file(self, controller, task, name, v1_name):
        """A file of the task's group where the controller is."""
        group = os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1')
        if controller not in self.v2:
            controller = V1_CONTROLLERS[controller]
            group, name = self.v1_group(controller, task), v1_name
        with open(os.path.join(group, name), encoding='utf-8') as file:
            return file.read().strip()

    def has(self, controller):
        return controller in self.v2 or V1_CONTROLLERS[controller] in self.v1

    def groups(self):
        jobs = os.path.join(self.bgtd.cgroup.path, 'jobs/default')
        unified = [os.path.join(jobs, name) for name in os.listdir(jobs)] if os.path.isdir(jobs) else []
        return [group for group in unified + self.v1_groups() if group.endswith('.1')]

    def await_no_groups(self):
        """They go right after an end has been announced."""
        until = deadline(20)
        while self.groups():
            self.assertLess(deadline(0), until, f'left: {self.groups()}')

    def test_a_task_out_of_memory_is_told_from_one_that_was_killed(self):
        """T-2"""
        if not self.has('memory'):
            self.skipTest('no memory controller')
        row = wait_for(self.bus, self.start('greedy'))[0]
        self.assertEqual(('exited', 9, 'OutOfMemory'), (row['Phase'], row['Signal'], row['Error']['code']), row)
        self.assertIn('memory', row['FinalStatus'])
        task = run_command(self.bus, '/bin/sh', '-c', 'kill -9 $$')
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('exited', 9), (row['Phase'], row['Signal']))
        self.assertNotEqual('OutOfMemory', row['Error']['code'])
        # the main process has lived through it and says itself how it ended
        row = wait_for(self.bus, self.start('child-greedy'))[0]
        self.assertEqual(('error', 5), (row['Phase'], row['ExitCode']))
        self.await_no_groups()

    def test_a_cancelled_task_with_a_limit_is_cancelled(self):
        """T-25"""
        task = self.start('MemoryMax')
        wait_for(self.bus, task, state='Running')
        for verb in ('Pause', 'Resume', 'Cancel'):
            self.assertEqual('', self.bus.call(verb, 'ata{sv}', [task], {})[0][1])
        self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])
        self.await_no_groups()

    def test_a_task_gets_no_more_processes_than_it_may(self):
        """T-2"""
        if not self.has('pids'):
            self.skipTest('no pids controller')
        task = self.start('forking')
        row = wait_for(self.bus, task)[0]       # the shell gives up where it cannot fork
        self.assertEqual('error', row['Phase'], row)
        self.assertLessEqual(row.get('TasksPeak', 0), 10)
        with open(os.path.join(self.bgtd.state, 'output', f'{task}.1'), encoding='utf-8') as file:
            self.assertNotIn('all', file.read())
        self.await_no_groups()

    def test_the_kernel_has_what_the_type_says(self):
        """T-70"""
        expected = (('MemoryMax', 'memory', 'memory.max', 'memory.limit_in_bytes', {str(64 << 20)}),
                    ('MemoryHigh', 'memory', 'memory.high', 'memory.soft_limit_in_bytes', {str(64 << 20)}),
                    ('CPUQuota', 'cpu', 'cpu.max', 'cpu.cfs_quota_us', {'50000 100000', '50000'}),
                    ('CPUWeight', 'cpu', 'cpu.weight', 'cpu.shares', {'50', '512'}),
                    ('TasksMax', 'pids', 'pids.max', 'pids.max', {'50'}))
        for name, controller, v2_file, v1_file, values in expected:
            if not self.has(controller):
                continue
            with self.subTest(name):
                task = self.start(name)
                wait_for(self.bus, task, state='Running')
                self.assertIn(self.file(controller, task, v2_file, v1_file), values)
                pid = properties(self.bus, task)['PID']
                with open(f'/proc/{pid}/cgroup', encoding='utf-8') as file:
                    groups = file.read()
                self.assertIn(f'/{task}.1\n', groups.split('0::', 1)[1])
                if controller not in self.v2:
                    line = next(line for line in groups.splitlines() if V1_CONTROLLERS[controller] in line.split(':')[1].split(','))
                    self.assertTrue(line.endswith(f'.{task}.1'), line)
                self.assertEqual('', self.bus.call('Cancel', 'ata{sv}', [task], {})[0][1])
                wait_for(self.bus, task)
        self.await_no_groups()

    def test_a_limit_without_controller_is_refused_and_leaves_no_task(self):
        """T-40"""
        for key, controller in KEYS.items():
            name = key.split('=')[0]
            last = self.bus.call('Status', '')['LastId']
            with self.subTest(name):
                try:
                    task = self.start(name)
                except BusError as error:
                    self.assertEqual('org.bgt1.Error.NoController', error.name)
                    self.assertIn(f'{name}=', error.sentence)
                    self.assertIn(controller, error.sentence.replace('blkio', 'io'))
                    self.assertEqual([], self.bus.call('List', 'a{sv}as', {}, []))
                    self.assertEqual(last, self.bus.call('Status', '')['LastId'])
                    self.assertFalse(self.has(controller) and controller != 'io', error)
                else:
                    self.assertTrue(self.has(controller), 'a limit that nothing keeps')
                    self.assertEqual('', self.bus.call('Cancel', 'ata{sv}', [task], {})[0][1])
                    wait_for(self.bus, task)
        self.await_no_groups()

    def test_limits_and_their_groups_survive_bgtd(self):
        """Q-48 Q-43"""
        if not self.has('pids'):
            self.skipTest('no pids controller')
        task = self.start('TasksMax')
        wait_for(self.bus, task, state='Running')
        self.bgtd.kill()
        self.bgtd.start()
        self.bus = self.enterContext(self.bgtd.connect())
        self.assertEqual('50', self.file('pids', task, 'pids.max', 'pids.max'))
        self.assertEqual('', self.bus.call('Cancel', 'ata{sv}', [task], {})[0][1])
        self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])
        self.await_no_groups()


if __name__ == '__main__':
    bgtkit.main()
