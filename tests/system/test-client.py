#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bgtctl's promises over all verbs: JSON, selectors, exit statuses, pipes, a bgtd that comes and goes."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, run_command, wait_for
from dbuswire import PATIENCE, deadline

BGTCTL = os.path.join(bgtkit.BUILD_DIR, 'ctl/bgtctl')
ENDED = 500

TYPES = {
    'gated': '[Task]\nDisplayType=Gated\nExecStart=/bin/sh -c "echo begun; read go < ${gate}; echo over; exit 9"\nOutput=file\n'
             '[Control]\nPause=direct\nCancel=direct\n[Parameter gate]\nType=path\nRequired=yes\n',
    'fixed': '[Task]\nExecStart=/bin/sleep 1000\n',
}


class Client(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd(TYPES))
        self.bus = self.enterContext(self.bgtd.connect())
        self.n_gates = 0

    def popen(self, *arguments, **options):
        options = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **options}
        process = subprocess.Popen([BGTCTL, '--socket', self.bgtd.bus, *arguments], text=True, **options)
        self.addCleanup(self.put_away, process)
        return process

    @staticmethod
    def put_away(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()

    def ctl(self, *arguments, status=0, **options):
        """Its standard output; what it says on standard error is one sentence, and in self.error."""
        process = self.popen(*arguments, **options)
        output, self.error = process.communicate(timeout=60 * PATIENCE)
        self.assertEqual(status, process.returncode, (arguments, output, self.error))
        return output

    def gate(self):
        self.n_gates += 1
        path = os.path.join(self.bgtd.directory, f'gate{self.n_gates}')
        os.mkfifo(path)
        return path

    @staticmethod
    def open_gate(path):
        with open(path, 'w', encoding='utf-8') as file:
            file.write('go\n')

    def running(self, *argv, **options):
        task = run_command(self.bus, *(argv or ('/bin/sleep', '1000')), **options)
        wait_for(self.bus, task, state='Running')
        return str(task)

    def gated(self):
        gate = self.gate()
        task = self.bus.call('Start', 'sa{ss}a{sv}', 'gated', {'gate': gate}, {})[0]
        wait_for(self.bus, task, state='Running')
        return str(task), gate

    def test_json_of_every_verb_is_one_document(self):
        """T-1"""
        task = self.running()
        ended = self.ctl('run', '--', '/bin/true').strip()
        self.ctl('wait', ended)
        for arguments, kind, status in (
                ((), dict, 0), (('status',), dict, 0), (('types',), list, 0), (('types', 'gated'), dict, 0), (('types', 'check'), list, 0),
                (('list',), list, 0), (('list', '--every'), list, 0), (('list', '--ended', '--limit', '1'), list, 0), (('list', '--unsuccessful'), list, 0),
                (('show', task), dict, 0), (('run', '--', '/bin/true'), dict, 0), (('start', 'fixed'), dict, 0),
                (('pause', task), list, 0), (('resume', task), list, 0), (('signal', task, 'CONT'), list, 0), (('wait', ended), None, 0),
                (('watch', '--once', ended), None, 0), (('logs', ended), None, 0), (('cancel', task), list, 0),
                (('show', '9999'), dict, 3), (('start', 'nosuch'), dict, 3), (('pause', '9999'), list, 3), (('cancel', ended), list, 4),
                (('logs', '9999'), dict, 3), (('nonsense',), dict, 2), (('list', '--nonsense'), dict, 2)):
            with self.subTest(arguments):
                output = self.ctl('--json', *arguments, status=status)
                if status != 2:         # wrong usage is the command line's matter
                    self.assertEqual('', self.error)
                if kind is not None and (output or status != 2):
                    self.assertIsInstance(json.loads(output), kind, output)
                for line in output.splitlines() if kind is None else ():
                    self.assertIsInstance(json.loads(line), dict)

    def test_selectors_mean_the_same_with_every_verb(self):
        """T-30"""
        labelled, other = self.running(label='mark'), self.running()
        name = run_command(self.bus, '/bin/sleep', '1000', namespace='elsewhere')
        wait_for(self.bus, name, state='Running')
        fixed = str(self.bus.call('Start', 'sa{ss}a{sv}', 'fixed', {}, {})[0])
        wait_for(self.bus, int(fixed), state='Running')
        every = [labelled, other, str(name), fixed]
        selectors = {('--label', 'mark'): [labelled], ('--namespace', 'elsewhere'): [str(name)], ('--type', 'fixed'): [fixed],
                     ('--type', 'command'): every[:3], ('--all',): every, (f'{labelled}-{fixed}',): every, (f'{labelled},{other}',): [labelled, other],
                     ('--state', 'running', '--label', 'mark'): [labelled]}
        for selector, chosen in selectors.items():
            with self.subTest(selector):
                listed = self.ctl('list', '--columns', 'Id', *selector).split()[1:] if not selector[0][0].isdigit() and selector != ('--all',) else chosen
                self.assertEqual(sorted(chosen, key=int), sorted(listed, key=int))
                expected = [task for task in chosen if task != fixed]
                for verb, word in (('pause', 'paused'), ('resume', 'resumed')):
                    if selector[0] == '--state' and verb == 'resume':
                        selector = ('--state', 'paused', *selector[2:])
                    output = self.ctl(verb, *selector, status=4 if fixed in chosen else 0)
                    self.assertEqual(sorted(f'{task} {word}' for task in expected), sorted(output.splitlines()))
                    self.assertEqual([] if fixed not in chosen else [fixed], [line.split(':')[1].strip() for line in self.error.splitlines()])
                self.ctl('signal', *selector, 'CONT') if selector[0] != '--state' else None
                self.ctl('wait', '--for', 'running', *selector) if selector[0] != '--state' else None
        for verb in ('pause', 'resume', 'cancel', 'wait'):
            self.ctl(verb, '--label', 'nosuch', status=125 if verb == 'wait' else 3)
            self.ctl(verb, status=125 if verb == 'wait' else 2)
        self.ctl('cancel', '--all', '--force')
        self.ctl('wait', *every, status=130)
        self.assertEqual('', self.ctl('list'))

    def test_a_long_list_into_a_pipe_that_closes_is_quiet(self):
        """T-30"""
        serials = [self.bus.send_call('StartCommand', 'asa{sv}', ['/bin/true'], {}) for _ in range(50)]
        tasks = []
        while len(tasks) < ENDED:
            tasks.append(self.bus.reply(serials.pop(0))[0])
            if len(tasks) + len(serials) < ENDED:
                serials.append(self.bus.send_call('StartCommand', 'asa{sv}', ['/bin/true'], {}))
        wait_for(self.bus, *tasks, timeout=60)
        for options in ('', '--json ', '--columns Id '):
            script = f'{BGTCTL} --socket {self.bgtd.bus} list --every {options}| head -c 5; echo " ${{PIPESTATUS[0]}}"'
            done = self.bgtd.run_client('/bin/bash', '-c', script)
            self.assertEqual('', done.stderr)
            self.assertIn(done.stdout.split()[-1], ('0', '141'))
        self.assertEqual(ENDED, len(json.loads(self.ctl('list', '--every', '--json'))))
        self.assertEqual(7, len(json.loads(self.ctl('list', '--every', '--json', '--limit', '7'))))
        self.assertEqual(ENDED + 1, len(self.ctl('list', '--every').splitlines()))

    def test_what_cannot_be_written_is_told(self):
        """T-30"""
        task, gate = self.gated()
        with open('/dev/full', 'w', encoding='utf-8') as full:
            for arguments in ((), ('list',), ('status',), ('show', task), ('types',), ('types', 'gated'), ('pause', task), ('resume', task),
                              ('list', '--json'), ('show', '--json', task), ('logs', task), ('watch', '--once', task), ('start', 'fixed')):
                with self.subTest(arguments):
                    self.ctl(*arguments, status=125 if arguments[:1] == ('watch',) else 1, stdout=full)
                    self.assertIn('No space left on device', self.error)
                    # the id of what was started all the same is not lost
                    self.assertEqual(2 if arguments[0:1] == ('start',) else 1, len(self.error.splitlines()), self.error)
        self.open_gate(gate)
        self.ctl('wait', task, status=9)

    def test_wrong_usage_is_one_sentence(self):
        """T-30"""
        task = self.running()
        for arguments in (('nosuchverb',), ('list', 'extra'), ('show',), ('show', '-p'), ('start',), ('run',), ('run', '--'), ('signal', task), ('signal', task, 'NOSUCH'),
                          ('pause', 'abc'), ('pause', '5-1'), ('pause', '-1'), ('pause', '0x10'), ('pause', '99999999999999999999'), ('cancel', ''),
                          ('list', '--limit', 'x'), ('list', '--columns', 'Nonsense'), ('list', '--sort', 'Nonsense'), ('list', '--state', 'nonsense'),
                          ('logs',), ('logs', task, '-n', 'x'), ('start', 'fixed', '=x'), ('--timeout', 'x', 'list'), ('--color', 'blue', 'list'),
                          ('show', task, '-p', 'Nonsense')):
            with self.subTest(arguments):
                self.assertEqual('', self.ctl(*arguments, status=2))
                self.assertEqual(1, len(self.error.splitlines()), self.error)
                self.assertTrue(self.error.startswith('bgtctl: '), self.error)
        self.assertEqual('running\n', self.ctl('show', '-p', 'Phase', task))

    def test_exit_statuses_speak_for_the_task(self):
        """T-2 T-4 T-30"""
        for script, status in (('exit 0', 0), ('exit 5', 5), ('kill -15 $$', 143), ('kill -9 $$', 137)):
            task = self.ctl('run', '--', 'sh', '-c', script).strip()
            for verb in ('wait', 'watch'):
                self.ctl(verb, task, status=status)
            self.ctl('run', '--wait', '--', 'sh', '-c', script, status=status)
            self.ctl('run', '--watch', '--', 'sh', '-c', script, status=status)
        task = self.running()
        self.ctl('wait', '--timeout', '100ms', task, status=124)
        waiter, watcher = self.popen('wait', task), self.popen('watch', task)
        self.assertTrue(watcher.stdout.readline())
        self.ctl('cancel', task)
        self.assertEqual([130, 130], [process.wait(60 * PATIENCE) for process in (waiter, watcher)])
        self.ctl('cancel', task, status=4)
        self.ctl('run', '--wait', '--', '/nonexistent', status=1)
        self.ctl('wait', '9999', status=125)

    def await_asked(self, process):
        """Until the client has no more to say: it waits for an answer, and goes on doing so when bgtd has answered others."""
        until = deadline(20)
        for _ in range(6):              # a greeting and a call are a few exchanges
            while True:
                with open(f'/proc/{process.pid}/syscall', encoding='utf-8') as file:
                    if file.read().split()[0] in ('7', '232', '271', '281'):        # poll, epoll_wait, ppoll, epoll_pwait
                        break
                self.assertLess(time.monotonic(), until)
            self.ctl('list')

    def test_a_restart_in_the_middle_is_not_noticed(self):
        """Q-48 T-30"""
        task, gate = self.gated()
        waiter, watcher, follower = self.popen('wait', task), self.popen('watch', task), self.popen('logs', '-f', task)
        pauser = self.popen('wait', '--for', 'paused', task)
        self.assertTrue(watcher.stdout.readline())
        self.assertEqual('begun\n', follower.stdout.readline())
        for process in (waiter, pauser):
            self.await_asked(process)
        for end in (self.bgtd.kill, self.bgtd.stop, self.bgtd.kill):
            end()
            self.bgtd.start()
        for process in (waiter, watcher, follower, pauser):
            self.assertIsNone(process.poll())
        self.ctl('pause', task)
        self.assertEqual(0, pauser.wait(60 * PATIENCE))
        self.bgtd.kill()
        self.bgtd.start()
        self.ctl('resume', task)
        self.open_gate(gate)
        self.assertEqual([9, 9, 0], [process.wait(60 * PATIENCE) for process in (waiter, watcher, follower)])
        self.assertEqual('over\n', follower.stdout.read())
        for process in (waiter, watcher, follower, pauser):
            self.assertEqual('', process.stderr.read())

    def test_what_has_no_answer_says_whom_it_asked(self):
        """T-30"""
        self.bgtd.process.send_signal(signal.SIGSTOP)
        try:
            self.ctl('--timeout', '300ms', 'list', status=6)
            self.assertEqual(1, len(self.error.splitlines()))
        finally:
            self.bgtd.process.send_signal(signal.SIGCONT)
        self.bgtd.kill()
        self.ctl('list', status=10)
        self.assertIn(self.bgtd.bus, self.error)


if __name__ == '__main__':
    bgtkit.main()
