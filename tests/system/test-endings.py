#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How tasks end, and that it is told exactly."""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import deadline

TYPES = {
    'lenient': '[Task]\nExecStart=/bin/sh -c "exit ${status}"\nSuccessExitStatus=0 3 10-12\n[Parameter status]\nType=integer\nRequired=yes\n',
    'group': '[Task]\nExecStart=/bin/sh -c "(setsid sh -c \'read line < ${fifo}\' &) ; exit 5"\nExitType=cgroup\n'
             '[Control]\nCancel=direct\n[Parameter fifo]\nType=path\nRequired=yes\n',
    'checked': '[Task]\nExecStart=/bin/true\n[Parameter answer]\nRequired=yes\n'
               '[Hooks]\nOnStarting=/bin/sh -c "echo the answer is ${answer} for $$BGT_CALLER_UID; test ${answer} = yes"\n',
    'nowhere': '[Task]\nExecStart=/bin/true\nWorkingDirectory=/no/such/place\n',
}


class Endings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bgtd = Bgtd(TYPES)
        try:
            cls.bgtd.start()
        except BaseException:
            cls.bgtd.clean_up()
            raise
        cls.bus = cls.bgtd.connect()

    @classmethod
    def tearDownClass(cls):
        cls.bgtd.clean_up()

    def end(self, *argv):
        return wait_for(self.bus, run_command(self.bus, *argv))[0]

    def start(self, name, **parameters):
        return self.bus.call('Start', 'sa{ss}a{sv}', name, parameters, {})[0]

    def test_every_exit_status(self):
        """T-2"""
        tasks = [run_command(self.bus, '/bin/sh', '-c', f'exit {status}') for status in range(256)]
        for status, row in zip(range(256), wait_for(self.bus, *tasks, timeout=120)):
            self.assertEqual((status, 'done' if status == 0 else 'error'), (row['ExitCode'], row['Phase']))
            self.assertNotIn('Signal', row)

    def test_every_signal(self):
        """T-2"""
        deadly = [s for s in range(1, 65) if s not in (17, 18, 19, 20, 21, 22, 23, 28, 32, 33)]
        tasks = [run_command(self.bus, '/bin/sh', '-c', f'ulimit -c 0; kill -{s} $$; while :; do sleep 1; done') for s in deadly]
        for number, row in zip(deadly, wait_for(self.bus, *tasks, timeout=120)):
            self.assertEqual((number, 'exited'), (row['Signal'], row['Phase']))
            self.assertNotIn('ExitCode', row)

    def test_what_counts_as_success_is_the_types_word(self):
        """T-2"""
        for status, phase in ((0, 'done'), (3, 'done'), (11, 'done'), (4, 'error'), (13, 'error')):
            row = wait_for(self.bus, self.start('lenient', status=str(status)))[0]
            self.assertEqual((phase, status), (row['Phase'], row['ExitCode']))

    def test_a_command_that_cannot_be_executed_says_why(self):
        """T-2"""
        for argv, words in ((('/no/such/program',), 'No such file or directory'), (('/etc/passwd',), 'Permission denied'),
                            (('no-such-program-in-path',), 'No such file or directory')):
            row = self.end(*argv)
            self.assertEqual(('error', 'ExecFailed'), (row['Phase'], row['Error']['code']))
            self.assertIn(words, row['FinalStatus'])
            self.assertIn(argv[0], row['FinalStatus'])
            self.assertNotIn('ExitCode', row)
        row = wait_for(self.bus, self.start('nowhere'))[0]
        self.assertEqual(('error', 'ExecFailed'), (row['Phase'], row['Error']['code']))
        self.assertIn('/no/such/place', row['FinalStatus'])

    def test_with_exit_type_cgroup_the_last_process_decides_when_and_the_main_one_how(self):
        """T-6"""
        fifo = os.path.join(self.bgtd.directory, 'fifo')
        os.mkfifo(fifo)
        task = self.start('group', fifo=fifo)
        wait_for(self.bus, task, state='Running')
        self.assertFalse(properties(self.bus, task)['HasEnded'])
        with open(fifo, 'w', encoding='utf-8') as file:
            file.write('go\n')
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('error', 5), (row['Phase'], row['ExitCode']))

    def test_a_cancel_of_what_the_main_process_left_is_a_cancel(self):
        """T-6 T-25"""
        fifo = os.path.join(self.bgtd.directory, 'fifo2')
        os.mkfifo(fifo)
        task = self.start('group', fifo=fifo)
        wait_for(self.bus, task, state='Running')
        self.assertEqual('', self.bus.call('Cancel', 'ata{sv}', [task], {})[0][1])
        self.assertIn(wait_for(self.bus, task)[0]['Phase'], ('cancelled',))

    def test_a_start_that_the_hook_refuses_leaves_no_task(self):
        """T-40"""
        before = self.bus.call('Status', '')['LastId']
        with self.assertRaises(Exception) as caught:
            self.start('checked', answer='no')
        self.assertIn('the answer is no for 0', str(caught.exception))
        self.assertEqual(before, self.bus.call('Status', '')['LastId'])
        self.assertEqual('done', wait_for(self.bus, self.start('checked', answer='yes'))[0]['Phase'])

    def test_words_of_an_ended_task(self):
        """T-1"""
        row = self.end('/bin/true')
        self.assertEqual(('Done', 'Succeeded', 'done', '6', True),
                         tuple(row[name] for name in ('RunningState', 'Status', 'Phase', 'TaskmanStatus', 'HasEnded')))
        self.assertNotIn('List', row)
        for name in ('CPUTime', 'RunTime', 'StartTime', 'FinishTime', 'PID'):
            self.assertIn(name, row)

    def test_ids_grow_and_survive_a_restart(self):
        """T-7"""
        last = run_command(self.bus, '/bin/true')
        wait_for(self.bus, last)
        type(self).bgtd.stop()
        type(self).bgtd.start()
        type(self).bus = self.bgtd.connect()
        self.assertEqual(last, self.bus.call('Status', '')['LastId'])
        self.assertEqual(last + 1, run_command(self.bus, '/bin/true'))

    def test_the_environment_of_a_task(self):
        """T-70"""
        out = os.path.join(self.bgtd.directory, 'env')
        script = f'{{ env; cat "$BGT_PARAMETERS"; umask; ulimit -n; cat /proc/self/oom_score_adj; readlink /proc/self/fd/0; ls /proc/self/fd | wc -l; grep SigBlk /proc/self/status; grep SigIgn /proc/self/status; }} > {out}'
        task = run_command(self.bus, '/bin/sh', '-c', script, environment=['A=b', 'NOTIFY_SOCKET=/x', 'BGT_TASK_ID=99', 'PATH=/bin:/usr/bin'])
        self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
        with open(out, encoding='utf-8') as file:
            text = file.read()
        for line in ('A=b', f'BGT_TASK_ID={task}', 'BGT_TYPE=command', 'BGT_ATTEMPT=0', 'BGT_NAMESPACE=default', 'BGT_SLOT=', 'HOME=/root',
                     'USER=root', 'LOGNAME=root', '0022', '1024', '/dev/null', 'SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000'):
            self.assertIn(line, text)
        self.assertNotIn('NOTIFY_SOCKET', text)
        until = deadline(20)        # the end is announced before it is torn down
        while os.path.exists(os.path.join(self.bgtd.runtime, 'task', f'{task}.1')):
            self.assertLess(time.monotonic(), until)


if __name__ == '__main__':
    bgtkit.main()
