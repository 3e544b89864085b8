#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Progress of unmodified programs, as the kernel knows it."""

import contextlib
import os
import select
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, wait_for
from dbuswire import deadline

BGTCTL = os.path.join(bgtkit.BUILD_DIR, 'ctl/bgtctl')

SIZE = 256 << 20
NEAR = 0.05                 # of the whole
LOOK_INTERVAL_SEC = 1       # bgtd looks again after that
COMMANDS = {
    'gzip': 'gzip -9 < {data} > {out}',
    'gzip-named': 'exec gzip -9 -c {data} > {out}',
    'sha256sum': 'exec sha256sum {data} {data} {data}',
    'dd': 'exec dd if={data} of={out} bs=64k status=none oflag=dsync',
    'cp': 'exec cp {data} {out}',
    'nothing': 'while :; do sleep 0.1; done',
}
TYPE = ('[Task]\nExecStart=/bin/sh -c "{}"\nOutput=null\n[Control]\nPause=direct\nCancel=direct\n[Progress]\nSource=files\nUnits=MB\n')


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children', encoding='utf-8') as file:
        return [int(word) for word in file.read().split()]


class Progress(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bgtd = Bgtd()
        cls.data, cls.out = (os.path.join(cls.bgtd.directory, name) for name in ('data', 'out'))
        with open(cls.data, 'wb') as file:      # hard enough to compress
            block = os.urandom(1 << 20)
            for _ in range(SIZE >> 20):
                file.write(block)
        for name, command in COMMANDS.items():
            cls.bgtd.write_type(name, TYPE.format(command.format(data=cls.data, out=cls.out)))
        try:
            cls.bgtd.start()
            cls.bus = cls.bgtd.connect()
        except BaseException:
            cls.bgtd.clean_up()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.bgtd.clean_up()

    def start(self, name):
        if os.path.exists(self.out):
            os.unlink(self.out)
        task = self.bus.call('Start', 'sa{ss}a{sv}', name, {}, {})[0]
        self.addCleanup(lambda: self.bus.call('Cancel', 'ata{sv}', [task], {}))
        wait_for(self.bus, task, state='Running')
        return task

    def ok(self, verb, task):
        _, error, sentence = self.bus.call(verb, 'ata{sv}', [task], {})[0]
        self.assertEqual('', error, sentence)

    def processes(self, task):
        with open(os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1', 'cgroup.procs'), encoding='utf-8') as file:
            return [int(line) for line in file]

    def position(self, task):
        """How far it is with the data, or with its copy, by what the kernel says of its descriptors."""
        found = []
        for pid in self.processes(task):
            with contextlib.suppress(FileNotFoundError):        # it opens and closes others meanwhile
                for fd in os.listdir(f'/proc/{pid}/fd'):
                    if os.readlink(f'/proc/{pid}/fd/{fd}') == self.data:
                        with open(f'/proc/{pid}/fdinfo/{fd}', encoding='utf-8') as file:
                            found.append(int(next(line.split()[1] for line in file if line.startswith('pos:'))))
        if not found:
            return None
        position = max(found)
        if position == 0 and os.path.exists(self.out):
            position = os.stat(self.out).st_size
        return position

    def await_position(self, task, least):
        until = deadline(60)
        while (self.position(task) or 0) < least:
            self.assertLess(time.monotonic(), until)

    def fresh(self, task):
        """Properties whose progress was read after now."""
        now, until = time.time() * 1e6, deadline(20)
        while True:
            shown = properties(self.bus, task)
            if shown.get('ProgressTime', 0) >= now:
                return shown
            self.assertLess(time.monotonic(), until, shown)

    def is_right(self, name, least=SIZE // 20):
        task = self.start(name)
        self.await_position(task, least)
        self.ok('Pause', task)
        position = self.position(task)
        shown = self.fresh(task)
        self.assertEqual(SIZE // 1_000_000, shown['ProgressTotal'])
        self.assertAlmostEqual(position / SIZE, shown['ProgressCurrent'] / shown['ProgressTotal'], delta=NEAR)
        self.assertAlmostEqual(100 * position / SIZE, shown['Progress'], delta=100 * NEAR)
        self.assertIn(shown['Progress'], range(0, 101))
        self.assertEqual('MB', shown['ProgressUnits'])
        frame = self.bgtd.run_client(BGTCTL, '--socket', self.bgtd.bus, 'watch', '--once', str(task)).stdout
        self.assertIn(f'{shown["ProgressCurrent"]} of {shown["ProgressTotal"]} MB', frame)
        return task, shown

    def test_gzip_shows_how_far_it_is(self):
        """T-54 T-51 T-52"""
        for name in ('gzip', 'gzip-named'):
            task, before = self.is_right(name)
            self.ok('Resume', task)
            self.await_position(task, self.position(task) + SIZE // 20)
            self.ok('Pause', task)
            after = self.fresh(task)
            self.assertGreater(after['ProgressCurrent'], before['ProgressCurrent'])
            self.ok('Cancel', task)
            row = wait_for(self.bus, task)[0]
            self.assertEqual(('cancelled', after['Progress']), (row['Phase'], row['Progress']), 'it stays as it was at the end')

    def test_sha256sum_and_dd_show_how_far_they_are(self):
        """T-54"""
        for name in ('sha256sum', 'dd'):
            with self.subTest(name):
                task, _ = self.is_right(name)
                self.ok('Cancel', task)

    def test_cp_shows_how_far_it_is_though_its_position_stands_still(self):
        """T-54"""
        for _ in range(20):             # it may be done before it can be paused
            task = self.start('cp')
            until = deadline(20)
            while not os.path.exists(self.out) and time.monotonic() < until:
                pass
            _, error, _ = self.bus.call('Pause', 'ata{sv}', [task], {})[0]
            position = self.position(task) if not error else None
            if position:
                shown = self.fresh(task)
                self.assertAlmostEqual(position / SIZE, shown['ProgressCurrent'] / shown['ProgressTotal'], delta=NEAR)
                self.ok('Resume', task)
                self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
                return
            if not error:
                self.ok('Cancel', task)
            wait_for(self.bus, task)
        self.skipTest('cp is too quick here to be looked at')

    def test_rate_and_eta_are_null_when_they_would_be_guesses(self):
        """T-56"""
        task = self.start('gzip')
        self.await_position(task, SIZE // 20)
        first = self.fresh(task)
        second = self.fresh(task)
        self.assertGreater(second['ProgressTime'], first['ProgressTime'])
        if 'Rate' in second:
            self.assertGreater(second['Rate'], 0)
        if 'ETA' in second:
            self.assertGreater(second['ETA'], second['SnapshotTime'] - 2_000_000)
            self.assertLess(second['ETA'], second['SnapshotTime'] + 3600_000_000)
        self.ok('Pause', task)
        self.assertNotIn('ETA', self.fresh(task))
        self.ok('Cancel', task)

    def test_without_files_there_is_no_progress_at_all(self):
        """T-51"""
        task = self.start('nothing')
        shown = properties(self.bus, task)
        for name in ('ProgressTotal', 'ProgressLine', 'ETA', 'Rate'):
            self.assertIn(shown.get(name), (None, 0), name)
        self.assertEqual(0, shown.get('Progress', 0))
        self.ok('Cancel', task)

    def test_what_nobody_watches_costs_nothing(self):
        """T-53"""
        tasks = [self.start('gzip') for _ in range(3)]
        keeper = self.bus.call('Status', '')['KeeperPID']
        for task in tasks:
            self.await_position(task, 1)
        hooks = os.path.join(self.bgtd.cgroup.path, 'hooks')
        known = set().union(*(self.processes(task) for task in tasks))
        until = deadline(20)            # the last look at them may still be under way
        while set(children_of(keeper)) - known:
            self.assertLess(time.monotonic(), until)
        seen, until = set(), time.monotonic() + 2.5 * LOOK_INTERVAL_SEC
        while time.monotonic() < until:
            seen |= set(children_of(keeper)) - known
            seen |= {name for name in os.listdir(hooks) if os.path.isdir(os.path.join(hooks, name))}
        self.assertEqual(set(), seen)
        # whereas a look starts one, which may be gone before it was seen
        until = deadline(20)
        while not seen:
            self.assertLess(time.monotonic(), until)
            serial = self.bus.send_call('GetAll', 's', 'org.bgt1.Task', path=f'/org/bgt1/task/_{tasks[0]}',
                                        interface='org.freedesktop.DBus.Properties')
            while not select.select([self.bus.socket], [], [], 0)[0]:
                seen |= set(children_of(keeper)) - known
            self.bus.reply(serial)
        for task in tasks:
            self.ok('Cancel', task)

    def test_lists_do_not_look_more_often_than_once_a_second(self):
        """T-53 T-55"""
        task = self.start('gzip')
        self.await_position(task, 1)
        began, times = time.monotonic(), set()
        while time.monotonic() < began + 2.5 * LOOK_INTERVAL_SEC:
            times.add(properties(self.bus, task).get('ProgressTime'))
        self.assertLessEqual(len(times), 5)
        self.assertGreaterEqual(len(times), 2)
        self.ok('Cancel', task)


if __name__ == '__main__':
    bgtkit.main()
