#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A disk that does not answer: what runs is controlled at full speed all the same, and nothing is announced before it is true."""

import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import PATIENCE, Late, deadline

STALL_SEC = 10
SOON_SEC = 2            # far from the stall; an answer takes a millisecond


class SlowDisk(unittest.TestCase):
    def setUp(self):
        self.gate = os.path.join('/tmp', f'bgt-test-gate-{os.getpid()}')
        self.addCleanup(self.open_gate)
        self.bgtd = self.enterContext(Bgtd(environment={'BGT_TEST_COMMIT_GATE': self.gate}))
        self.bus = self.enterContext(self.bgtd.connect())

    def close_gate(self):
        with open(self.gate, 'w', encoding='utf-8'):
            pass

    def open_gate(self):
        if os.path.exists(self.gate):
            os.unlink(self.gate)

    def running(self, *argv):
        task = run_command(self.bus, *argv)
        wait_for(self.bus, task, state='Running')
        return task

    def events(self, task):
        with open(os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1', 'cgroup.events'), encoding='utf-8') as file:
            return file.read()

    def ask(self, verb, task, **options):
        """Answered at once, and with success."""
        began = time.monotonic()
        _, error, sentence = self.bus.call(verb, 'ata{sv}', [task], variants(**options))[0]
        self.assertEqual('', error, sentence)
        self.assertLess(time.monotonic() - began, SOON_SEC * PATIENCE)

    def look(self, task):
        """The task as GetAll and as List tell it, at once."""
        began = time.monotonic()
        shown = properties(self.bus, task)
        listed = {row['Id']: row for row in self.bus.call('List', 'a{sv}as', variants(every=True), [])}
        self.assertLess(time.monotonic() - began, SOON_SEC * PATIENCE)
        self.assertEqual(shown['RunningState'], listed[task]['RunningState'])
        return shown

    def test_a_stalled_disk_delays_no_pause_no_resume_no_cancel_and_no_look(self):
        """T-24 T-25 T-43"""
        task = self.running('/bin/sh', '-c', 'while :; do sleep 0.05; done')
        watched = self.enterContext(self.bgtd.connect())
        waiting = watched.send_call('Wait', 'atta{sv}', [task], 100_000_000, {})
        self.close_gate()
        until = time.monotonic() + STALL_SEC
        rounds = 0
        while time.monotonic() < until:
            self.ask('Pause', task)
            self.assertIn('frozen 1', self.events(task))
            self.assertEqual('Paused', self.look(task)['RunningState'])
            self.ask('Resume', task)
            self.assertIn('frozen 0', self.events(task))
            self.assertEqual('Running', self.look(task)['RunningState'])
            rounds += 1
        self.assertGreater(rounds, STALL_SEC)
        self.ask('Cancel', task)
        self.assertIn('populated 0', self.events(task))
        self.assertFalse(self.look(task)['HasEnded'], 'an end is told before it is durable')
        with self.assertRaises(Late):
            watched.reply(waiting, timeout=0.3)
        self.open_gate()
        self.assertEqual('cancelled', watched.reply(waiting)[1][0]['Phase'])
        self.assertTrue(self.look(task)['HasEnded'])

    def test_a_start_is_not_answered_before_it_is_durable(self):
        """T-40 T-43"""
        mark = os.path.join(self.bgtd.directory, 'mark')
        self.close_gate()
        serial = self.bus.send_call('StartCommand', 'asa{sv}', ['/bin/sh', '-c', f'echo x >> {mark}'], {})
        with self.assertRaises(Late):
            self.bus.reply(serial, timeout=0.3)
        other = self.enterContext(self.bgtd.connect())
        self.assertIn('LastId', other.call('Status', ''))
        self.assertFalse(os.path.exists(mark), 'it runs before anybody could remember that')
        self.open_gate()
        task = self.bus.reply(serial)[0]
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
        with open(mark, encoding='utf-8') as file:
            self.assertEqual('x\n', file.read())

    def restart(self):
        self.bgtd.kill()
        self.open_gate()
        self.bgtd.start()
        self.bus = self.enterContext(self.bgtd.connect())

    def test_killed_behind_a_stalled_disk_it_still_says_what_is_true(self):
        """T-43 T-25 T-24"""
        cancelled, paused, resumed, ended = (self.running('/bin/sh', '-c', 'while :; do sleep 0.05; done') for _ in range(4))
        self.ask('Pause', resumed)
        self.close_gate()
        self.ask('Cancel', cancelled)
        self.ask('Pause', paused)
        self.ask('Resume', resumed)
        os.kill(properties(self.bus, ended)['PID'], 15)
        serial = self.bus.send_call('StartCommand', 'asa{sv}', ['/bin/false'], {})
        with self.assertRaises(Late):
            self.bus.reply(serial, timeout=0.2)
        self.restart()
        self.assertEqual('cancelled', wait_for(self.bus, cancelled)[0]['Phase'])
        self.assertEqual(('exited', 15), tuple(wait_for(self.bus, ended)[0][name] for name in ('Phase', 'Signal')))
        self.assertEqual(['paused', 'running'], [self.look(task)['Phase'] for task in (paused, resumed)])
        self.assertIn('frozen 1', self.events(paused))
        self.assertIn('frozen 0', self.events(resumed))
        self.ask('Resume', paused)
        self.assertIn('frozen 0', self.events(paused))
        # the start nobody was told of may have been kept or not, but never half
        rows = self.bus.call('List', 'a{sv}as', variants(every=True), [])
        for task in {row['Id'] for row in rows} - {cancelled, paused, resumed, ended}:
            self.assertEqual(('error', 1), tuple(wait_for(self.bus, task)[0][name] for name in ('Phase', 'ExitCode')))
        for task in (paused, resumed):
            self.ask('Cancel', task)
            self.assertEqual('cancelled', wait_for(self.bus, task)[0]['Phase'])

    def test_many_tasks_end_behind_a_stalled_disk(self):
        """T-43"""
        tasks = [self.running('/bin/sh', '-c', 'while :; do sleep 0.05; done') for _ in range(20)]
        self.close_gate()
        for task in tasks:
            self.ask('Cancel', task)
        self.assertEqual([False] * len(tasks), [properties(self.bus, task)['HasEnded'] for task in tasks])
        self.open_gate()
        self.assertEqual({'cancelled'}, {row['Phase'] for row in wait_for(self.bus, *tasks)})
        until = deadline(30)
        while os.listdir(os.path.join(self.bgtd.runtime, 'task')):
            self.assertLess(time.monotonic(), until, 'something of them is left')


if __name__ == '__main__':
    bgtkit.main()
