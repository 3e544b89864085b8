#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Signals: to who asked, when something has changed, once for many changes."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, run_command, wait_for

SLEEP = '[Task]\nExecStart=/bin/sleep 1000\n[Control]\nPause=direct\nCancel=direct\n'


class News(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bgtd = cls.enterClassContext(Bgtd(types={'sleep': SLEEP}))

    def setUp(self):
        self.bus = self.connect()
        self.watcher = self.connect()
        self.watcher.call('Subscribe')

    def connect(self):
        connection = self.bgtd.connect()
        self.addCleanup(connection.close)
        return connection

    def changed(self, task, **wanted):
        """The next signal about the task in which all of this is so."""
        message = self.watcher.signal(lambda m: m.member == 'Changed' and m.args[0]['Id'] == task and
                                      all(m.args[0].get(key) == value for key, value in wanted.items()))
        self.assertEqual((message.path, message.interface), (f'/org/bgt1/task/_{task}', 'org.bgt1.Task'))
        return message.args[0]

    def drain(self, connection):
        """What has been sent to it before now; a call is answered after all of it."""
        connection.call('Status')
        signals, connection.signals = connection.signals, []
        return signals

    def test_each_state_is_told(self):
        task = self.bus.call('Start', 'sa{ss}a{sv}', 'sleep', {}, {})[0]
        running = self.changed(task, Phase='running')
        self.assertEqual((running['RunningState'], running['Status'], running['HasEnded']), ('Running', 'InProcess', False))
        self.assertTrue(running['PID'] > 0 and running['PauseIsAvailable'])
        self.bus.call('Pause', 'ata{sv}', [task], {})
        paused = self.changed(task, Phase='paused')
        self.assertEqual((paused['Request'], paused['PauseIsAvailable'], paused['ResumeIsAvailable']), (1, False, True))
        self.bus.call('Resume', 'ata{sv}', [task], {})
        self.changed(task, Phase='running', Request=0)
        self.bus.call('Cancel', 'ata{sv}', [task], {})
        ended = self.changed(task, HasEnded=True)
        self.assertEqual((ended['Phase'], ended['Error']['code']), ('cancelled', 'Cancelled'))

    def test_an_end_is_told_with_all_there_is_to_it(self):
        task = run_command(self.bus, 'sh', '-c', 'exit 3')
        ended = self.changed(task, HasEnded=True)
        self.assertEqual((ended['Phase'], ended['ExitCode'], ended['Status']), ('error', 3, 'Failed'))
        self.assertGreaterEqual(ended['FinishTime'], ended['StartTime'])

    def test_an_end_is_told_once_and_nothing_after_it(self):
        tasks = [run_command(self.bus, 'true') for _ in range(30)]
        wait_for(self.bus, *tasks)
        signals = self.drain(self.watcher)
        for task in tasks:
            of_task = [s.args[0]['HasEnded'] for s in signals if s.args[0]['Id'] == task]
            self.assertEqual(of_task.count(True), 1)
            self.assertTrue(of_task[-1])

    def test_what_is_told_is_true_when_it_is_asked_for(self):
        """A task is never told of before it can be seen."""
        for _ in range(10):
            run_command(self.bus, 'true')
        for _ in range(10):
            message = self.watcher.signal()
            rows = self.bus.call('List', 'a{sv}as', {'ids': bgtkit.Variant('s', str(message.args[0]['Id']))}, ['Id'])
            self.assertEqual(len(rows), 1)

    def test_who_has_not_asked_is_not_told(self):
        quiet = self.connect()
        former = self.connect()
        former.call('Subscribe')
        former.call('Unsubscribe')
        wait_for(self.bus, run_command(self.bus, 'true'))
        self.assertEqual(self.drain(quiet), [])
        self.assertEqual(self.drain(former), [])

    def test_a_subscriber_that_has_gone_is_no_trouble(self):
        for _ in range(20):
            gone = self.connect()
            gone.call('Subscribe')
            gone.close()
        wait_for(self.bus, run_command(self.bus, 'true'))

    def test_many_changes_in_one_turn_are_one_signal(self):
        task = self.bus.call('Start', 'sa{ss}a{sv}', 'sleep', {}, {})[0]
        wait_for(self.bus, task, state='Running')
        self.drain(self.watcher)
        for _ in range(20):
            # each of the two is answered within the turn in which it came
            serials = [self.bus.send_call(verb, 'ata{sv}', [task], {}) for verb in ('Pause', 'Resume') * 5]
            for serial in serials:
                self.bus.reply(serial)
        signals = [s for s in self.drain(self.watcher) if s.args[0]['Id'] == task]
        self.assertGreater(len(signals), 0)
        self.assertLess(len(signals), 20 * 10 * 2)
        self.assertEqual(signals[-1].args[0]['Phase'], 'running')
        self.bus.call('Cancel', 'ata{sv}', [task], {})


if __name__ == '__main__':
    bgtkit.main()
