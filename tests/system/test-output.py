#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What tasks write: bounded on the disk, complete over a crash, and harmless to everybody else."""

import os
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import PATIENCE, deadline

BGTCTL = os.path.join(bgtkit.BUILD_DIR, 'ctl/bgtctl')

MIB = 1 << 20
BOUND = 2 * MIB
KEPT_MAX = 4 * MIB              # when the writer has stopped
TAKEN_MAX = 256 * MIB           # while it writes as fast as the machine can: what comes between two looks
FLOOD = 1 << 30
LINE = 10                       # bytes of a line of seq's below

TYPES = {
    'script': '[Task]\nExecStart=/bin/sh -c ${script}\nOutput=file\n[Control]\nPause=direct\nCancel=direct\n[Parameter script]\nRequired=yes\n',
    'bounded': f'[Task]\nExecStart=/bin/sh -c ${{script}}\nOutput=file\nOutputMaxBytes={BOUND}\n'
               '[Control]\nPause=direct\nCancel=direct\n[Parameter script]\nRequired=yes\n',
    'fed': '[Task]\nExecStart=/bin/cat\nStandardInput=/etc/hostname\nOutput=file\n',
}


class Output(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd(TYPES))
        self.bus = self.enterContext(self.bgtd.connect())
        self.n_gates = 0

    def start(self, name, **parameters):
        return self.bus.call('Start', 'sa{ss}a{sv}', name, parameters, {})[0]

    def path(self, task):
        return os.path.join(self.bgtd.state, 'output', f'{task}.1')

    def taken(self, task):
        return os.stat(self.path(task)).st_blocks * 512

    def gate(self):
        self.n_gates += 1
        path = os.path.join(self.bgtd.directory, f'gate{self.n_gates}')
        os.mkfifo(path)
        return path

    @staticmethod
    def open_gate(path):
        with open(path, 'w', encoding='utf-8') as file:
            file.write('go\n')

    def logs(self, task, *options):
        done = self.bgtd.run_client(BGTCTL, '--socket', self.bgtd.bus, 'logs', str(task), *options, timeout=60)
        self.assertEqual((0, ''), (done.returncode, done.stderr))
        return done.stdout

    def follow(self, task, *options):
        process = subprocess.Popen([BGTCTL, '--socket', self.bgtd.bus, 'logs', '-f', str(task), *options], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.put_away, process)
        return process

    @staticmethod
    def put_away(process):
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def await_taken(self, task, most):
        until = deadline(30)
        while self.taken(task) > most:
            self.assertLess(time.monotonic(), until, f'{self.taken(task)} bytes are taken')

    def test_a_gigabyte_stays_bounded_and_the_newest_is_shown(self):
        """T-70 T-75"""
        lines, first = FLOOD // LINE, 10 ** (LINE - 2)
        task = self.start('bounded', script=f'seq {first} {first + lines - 1}')
        most = 0
        while not properties(self.bus, task)['HasEnded']:
            most = max(most, self.taken(task) if os.path.exists(self.path(task)) else 0)
        row = wait_for(self.bus, task, timeout=120)[0]
        print(f'at most {most >> 20} MiB, {self.taken(task) >> 10} KiB at the end', file=sys.stderr)
        self.assertEqual('done', row['Phase'])
        self.assertLess(most, TAKEN_MAX)
        self.await_taken(task, KEPT_MAX)
        self.assertEqual(FLOOD // LINE * LINE, os.stat(self.path(task)).st_size)

        note, *shown = self.logs(task).splitlines()
        gone = re.fullmatch(r'\[bgt: the first (\d+) bytes are gone, the output passed its bound\]', note)
        self.assertTrue(gone, note)
        numbers = [int(line) for line in shown]
        self.assertEqual(list(range(first + lines - len(numbers), first + lines)), numbers)
        self.assertEqual(FLOOD // LINE * LINE, int(gone[1]) + LINE * len(numbers))
        self.assertGreater(len(numbers) * LINE, BOUND // 2)
        self.assertEqual(''.join(f'{first + lines - 5 + i}\n' for i in range(5)), self.logs(task, '-n', '5'))

    def test_what_is_written_at_the_very_end_is_bounded_too(self):
        """T-70 T-75"""
        tasks = [self.start('bounded', script=f'head -c {32 * MIB} /dev/zero') for _ in range(8)]
        wait_for(self.bus, *tasks)
        for task in tasks:
            self.await_taken(task, KEPT_MAX)

    def test_a_flood_is_bounded_while_bgtd_is_away(self):
        """T-75 T-43"""
        task = self.start('bounded', script=f'yes 1234567 | head -c {64 * MIB}; read go < {self.gate()}')
        wait_for(self.bus, task, state='Running')
        self.bgtd.kill()
        until = deadline(60)
        while os.stat(self.path(task)).st_size < 64 * MIB:
            self.assertLess(time.monotonic(), until)
        self.await_taken(task, KEPT_MAX)
        self.bgtd.start()
        self.bus = self.enterContext(self.bgtd.connect())
        self.open_gate(os.path.join(self.bgtd.directory, 'gate1'))
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])

    def test_nothing_is_lost_when_bgtd_is_killed_in_the_middle(self):
        """T-43"""
        gates = [self.gate() for _ in range(3)]
        script = 'i=0; ' + ''.join(f'seq $((i*10000+1)) $(((i+1)*10000)); read go < {gate}; i=$((i+1)); ' for gate in gates) + 'seq 30001 40000'
        task = self.start('script', script=script)
        follower = self.follow(task)
        self.assertEqual('1\n', follower.stdout.readline())
        for gate in gates[:2]:
            self.bgtd.kill()
            self.open_gate(gate)
            self.bgtd.start()
        self.bus = self.enterContext(self.bgtd.connect())
        self.open_gate(gates[2])
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
        everything = ''.join(f'{i}\n' for i in range(1, 40001))
        self.assertEqual(everything, self.logs(task))
        self.assertEqual((everything[2:], 0, ''), (follower.stdout.read(), follower.wait(60 * PATIENCE), follower.stderr.read()))

    def test_who_follows_sees_each_line_at_once_and_ends_with_the_task(self):
        """T-70"""
        gates = [self.gate() for _ in range(2)]
        task = self.start('script', script='for i in 1 2 3 4 5 6 7; do echo $i; done; '
                                           f'read go < {gates[0]}; echo second; read go < {gates[1]}; printf third')
        wait_for(self.bus, task, state='Running')
        follower = self.follow(task, '-n', '2')
        self.assertEqual(['6\n', '7\n'], [follower.stdout.readline() for _ in range(2)])
        self.open_gate(gates[0])
        self.assertEqual('second\n', follower.stdout.readline())
        self.assertIsNone(follower.poll())
        self.open_gate(gates[1])
        self.assertEqual(('third', 0, ''), (follower.stdout.read(), follower.wait(60 * PATIENCE), follower.stderr.read()))
        self.assertEqual('7\nsecond\nthird', self.logs(task, '-n', '3'))

    def test_a_task_that_abuses_its_output_disturbs_itself_alone(self):
        """T-75"""
        abuses = {
            'cut': 'i=0; while [ $i -lt 200 ]; do echo line; : > /proc/self/fd/1; i=$((i+1)); done',
            'huge': 'echo line; truncate -s 7E /proc/self/fd/1; echo end',
            'sparse': 'i=1; while [ $i -lt 200 ]; do truncate -s ${i}G /proc/self/fd/1; echo $i; i=$((i+1)); done',
            'backwards': 'i=500; while [ $i -gt 0 ]; do echo $i | dd of=/proc/self/fd/1 bs=1 seek=$((i*4096)) conv=notrunc status=none; i=$((i-1)); done',
            'reserved': f'fallocate -l {200 * MIB} /proc/self/fd/1; echo end',
        }
        gates = {name: self.gate() for name in abuses}
        honest_gate = self.gate()
        honest = self.start('bounded', script=f'seq 1 1000; read go < {honest_gate}; seq 1001 2000')
        tasks = {name: self.start('bounded', script=f'{script}; read go < {gates[name]}') for name, script in abuses.items()}
        wait_for(self.bus, honest, *tasks.values(), state='Running')
        for name, task in tasks.items():
            with self.subTest(name):
                began = time.monotonic()
                self.assertEqual('running', properties(self.bus, task)['Phase'])
                self.assertLess(time.monotonic() - began, 2 * PATIENCE)
                self.open_gate(gates[name])
                self.assertTrue(wait_for(self.bus, task)[0]['HasEnded'])
                self.await_taken(task, KEPT_MAX)
                began = time.monotonic()
                self.assertLess(len(self.logs(task)), 8 * MIB)
                self.assertLessEqual(len(self.logs(task, '-n', '3').splitlines()), 4)
                self.assertLess(time.monotonic() - began, 20 * PATIENCE)
        self.open_gate(honest_gate)
        self.assertEqual('done', wait_for(self.bus, honest)[0]['Phase'])
        self.assertEqual(''.join(f'{i}\n' for i in range(1, 2001)), self.logs(honest))
        self.assertEqual('done', wait_for(self.bus, self.start('script', script='true'))[0]['Phase'])

    def test_standard_input_is_empty_unless_the_type_has_one(self):
        """T-70"""
        task = self.start('script', script='readlink /proc/self/fd/0; cat; echo end')
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
        self.assertEqual('/dev/null\nend\n', self.logs(task))
        task = self.start('fed')
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
        with open('/etc/hostname', encoding='utf-8') as file:
            self.assertEqual(file.read(), self.logs(task))


if __name__ == '__main__':
    bgtkit.main()
