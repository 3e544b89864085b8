#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tasks and users that mean harm: P-44, P-45, T-75."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, find_cgroup2, properties, run_command, variants, wait_for
from dbuswire import PATIENCE, BusError, deadline

NOBODY = 65534
NAMESPACES = 150
OWN_GROUP = f'own={find_cgroup2()}$(sed -n s/^0:://p /proc/self/cgroup); '

TYPES = {
    'sleep': '[Task]\nExecStart=/bin/sleep 1000\nOutput=file\n[Control]\nPause=direct\nCancel=direct\n',
    'true': '[Task]\nExecStart=/bin/true\n',
    'litter': '[Task]\nExecStart=/bin/sh -c "d=$$(dirname $$BGT_PARAMETERS); mkdir $$d/litter || rm -f $$BGT_PARAMETERS; cat $$BGT_PARAMETERS"\n'
              'Output=file\n[Parameter secret]\nSecret=yes\n',
}


class Hostile(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd(TYPES))
        self.bus = self.connect()
        self.nobody = self.connect(uid=NOBODY)

    def tearDown(self):
        """Whatever it was: it has hurt nobody."""
        self.assertIsNone(self.bgtd.process.poll(), self.bgtd.log())
        wait_for(self.bus, run_command(self.bus, 'true'))

    def connect(self, **options):
        connection = self.bgtd.connect(**options)
        self.addCleanup(connection.close)
        return connection

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.bgtd.process.pid}/fd'))

    def start(self, bus, name, parameters=None, **options):
        return bus.call('Start', 'sa{ss}a{sv}', name, parameters or {}, variants(**options))[0]

    def test_namespaces_that_a_user_makes_up_are_let_go_of(self):
        """P-45"""
        before = self.descriptors()
        tasks = [self.start(self.nobody, 'true', namespace=f'made-up-{n}') for n in range(NAMESPACES)]
        wait_for(self.nobody, *tasks)
        until = deadline(30)
        while self.descriptors() > before + NAMESPACES // 2:
            self.assertGreater(until, deadline(0), 'each namespace keeps a descriptor')
            self.bus.call('Status')
        self.assertLess(len([name for name in os.listdir(os.path.join(self.bgtd.cgroup.path, 'jobs')) if name.startswith('made-up')]),
                        NAMESPACES // 2)

    def test_long_lists_hold_nobody_up(self):
        """P-45"""
        for member, signature, args in (
                ('List', 'a{sv}as', ({}, ['Id'] * 400_000)),
                ('Start', 'sa{ss}a{sv}', ('true', {}, variants(property=['A=b'] * 400_000))),
                ('StartCommand', 'asa{sv}', (['true'], variants(environment=[f'a{n}=b' for n in range(250_000)])))):
            with self.subTest(member):
                serial = self.bus.send_call(member, signature, *args)
                start = time.monotonic()
                with self.assertRaises(BusError) as caught:
                    self.bus.reply(serial, timeout=60)
                self.assertEqual('org.bgt1.Error.InvalidOption', caught.exception.name)
                self.assertLess(time.monotonic() - start, 5 * PATIENCE)

    def test_one_that_reads_many_outputs_leaves_readers_for_the_others(self):
        """P-45"""
        task = self.start(self.nobody, 'sleep')
        wait_for(self.nobody, task, state='Running')
        streams = []
        with self.assertRaises(BusError) as caught:
            for _ in range(300):
                streams.append(self.nobody.call('Logs', 'ta{sv}', task, variants(follow=True)))
        self.assertEqual('org.bgt1.Error.QueueFull', caught.exception.name)
        other = self.connect(uid=NOBODY - 1)
        own = self.start(other, 'sleep')
        wait_for(other, own, state='Running')
        streams.append(other.call('Logs', 'ta{sv}', own, {}))
        for fd in streams:
            os.close(fd)

    def test_a_task_leaves_nothing_in_the_runtime_directory(self):
        """P-44 P-45"""
        task = self.start(self.nobody, 'litter', {'secret': 'hunter2'})
        self.assertEqual('done', wait_for(self.nobody, task)[0]['Phase'])
        with os.fdopen(self.nobody.call('Logs', 'ta{sv}', task, {})) as stream:
            self.assertIn('"secret": "hunter2"', stream.read())
        wait_for(self.bus, run_command(self.bus, 'true'))
        self.assertFalse(os.path.exists(os.path.join(self.bgtd.runtime, 'task', f'{task}.1')))

    def test_the_parameters_are_for_the_task_alone(self):
        """P-44"""
        task = self.start(self.nobody, 'sleep')
        wait_for(self.nobody, task, state='Running')
        path = os.path.join(self.bgtd.runtime, 'task', f'{task}.1', 'parameters.json')
        status = os.stat(path)
        self.assertEqual((NOBODY, 0o400), (status.st_uid, status.st_mode & 0o777))
        self.assertEqual((0, 0o711), (os.stat(os.path.dirname(path)).st_uid, os.stat(os.path.dirname(path)).st_mode & 0o777))

    def test_one_that_freezes_itself_is_paused_resumed_and_cancelled(self):
        """T-75"""
        for verbs in (('Pause', 'Resume', 'Cancel'), ('Cancel',)):
            task = run_command(self.bus, '/bin/sh', '-c', OWN_GROUP + 'echo 1 > $own/cgroup.freeze; exec sleep 1000')
            group = os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1/cgroup.events')
            wait_for(self.bus, task, state='Running')
            until = deadline(30)
            while True:
                with open(group, encoding='utf-8') as file:
                    if 'frozen 1' in file.read():
                        break
                self.assertGreater(until, deadline(0))
            for verb in verbs:
                self.assertEqual([(task, '', '')], self.bus.call(verb, 'ata{sv}', [task], {}))
            self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])

    def test_one_that_leaves_its_group_harms_nobody_else(self):
        """T-25 T-32"""
        victim = run_command(self.bus, 'sleep', '1000')
        wait_for(self.bus, victim, state='Running')
        theirs = os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{victim}.1')
        task = run_command(self.bus, '/bin/sh', '-c', OWN_GROUP + f'echo $$ > {theirs}/cgroup.procs; rmdir $own; exec sleep 1000')
        group = os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1')
        until = deadline(30)
        while os.path.exists(group):
            self.assertGreater(until, deadline(0))
        answer = self.bus.call('Cancel', 'ata{sv}', [task], {})[0]
        self.assertEqual('', answer[1], answer[2])
        self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])
        self.assertEqual('running', properties(self.bus, victim)['Phase'])

    def test_a_wait_finds_what_ends_while_its_answer_is_made(self):
        for _ in range(40):
            task = run_command(self.bus, 'true')
            self.assertEqual(task, wait_for(self.bus, task, state='Running')[0]['Id'])


if __name__ == '__main__':
    bgtkit.main()
