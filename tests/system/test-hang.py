#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A start that hangs, on a file system that does not answer or in a frozen group, hangs alone."""

import ctypes
import os
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import BusError, deadline

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 0x4000, 0x40000, 2, 4
MNT_DETACH = 2
OTHERS = 20
LOOKS = 4                   # at the progress of tasks, at the same time
READ = os.path.realpath(bgtkit.PROGRAM)         # some file that is large enough to be worth a look
PATIENT = '[Manager]\nHookTimeoutSec=300\n'
TIMEOUT_SEC = 2
HASTY = f'[Manager]\nHookTimeoutSec={TIMEOUT_SEC}\n'

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Hang:
    """FUSE with nobody who answers, in a mount namespace of the test's own, which bgtd inherits."""

    def __init__(self):
        self.fd = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
        self.path = tempfile.mkdtemp(prefix='bgt-hang-')
        options = f'fd={self.fd},rootmode=40755,user_id=0,group_id=0,allow_other'
        checked(libc.mount(b'bgt-hang', self.path.encode(), b'fuse.bgt-hang', MS_NOSUID | MS_NODEV, options.encode()))

    def catch(self):
        """Takes a request and never answers it: whoever has made it cannot even be killed."""
        init, out = 26, struct.Struct('<IiQ')
        while True:
            _, opcode, unique = struct.unpack_from('<IIQ', os.read(self.fd, 1 << 17))
            if opcode != init:
                return
            answer = struct.pack('<IIIIHHIIHHI28x', 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0)
            os.write(self.fd, out.pack(out.size + len(answer), 0, unique) + answer)

    def end(self):
        """Whoever waits there wakes up with an error."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def remove(self):
        self.end()
        checked(libc.umount2(self.path.encode(), MNT_DETACH))
        os.rmdir(self.path)


class Hanging(unittest.TestCase):
    def setUp(self):
        self.hang = Hang()
        self.addCleanup(self.hang.remove)

    def launch(self, settings):
        types = {'away': f'[Task]\nExecStart=/bin/true\nWorkingDirectory={self.hang.path}/deep\n',
                 'watched': '[Task]\nExecStart=/usr/bin/python3 -c "import os, signal; '
                            f'os.open(\'{self.hang.path}\', os.O_PATH); signal.pause()"\n[Progress]\nSource=files\n',
                 'reading': f'[Task]\nExecStart=/bin/sh -c "exec sleep 1000 < {READ}"\n[Progress]\nSource=files\n',
                 'hooked': '[Task]\nExecStart=/bin/true\n[Hooks]\nOnStarting=/bin/sleep 1000\n'}
        self.bgtd = self.enterContext(Bgtd(types, settings=settings))
        self.bus = self.enterContext(self.bgtd.connect())
        self.addCleanup(self.hang.end)

    def start(self, name):
        return self.bus.call('Start', 'sa{ss}a{sv}', name, {}, {})[0]

    def hanging(self):
        """Tasks that hang at each step that may: the directory of a type, of a command, the program."""
        return [self.start('away'),
                run_command(self.bus, '/bin/true', directory=self.hang.path),
                run_command(self.bus, os.path.join(self.hang.path, 'program'))]

    def phases(self, tasks):
        return {properties(self.bus, task)['Phase'] for task in tasks}

    def group(self, task):
        return os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1')

    def others_are_undisturbed(self):
        began = time.monotonic()
        others = [run_command(self.bus, '/bin/sh', '-c', f'exit {i}') for i in range(OTHERS)]
        self.assertEqual(list(range(OTHERS)), [row['ExitCode'] for row in wait_for(self.bus, *others, timeout=20)])
        paused = run_command(self.bus, '/bin/sleep', '1000')
        wait_for(self.bus, paused, state='Running')
        for verb in ('Pause', 'Resume', 'Cancel'):
            self.assertEqual('', self.bus.call(verb, 'ata{sv}', [paused], {})[0][1])
        return time.monotonic() - began

    def cancel(self, tasks):
        for task, error, sentence in self.bus.call('Cancel', 'ata{sv}', tasks, {}):
            self.assertEqual('', error, (task, sentence))
        self.assertEqual({'cancelled'}, {row['Phase'] for row in wait_for(self.bus, *tasks, timeout=20)})
        until = deadline(20)
        while any(os.path.exists(self.group(task)) for task in tasks):
            self.assertLess(time.monotonic(), until)

    def test_a_start_that_hangs_holds_nobody_and_can_be_cancelled(self):
        """T-23 T-41"""
        self.launch(PATIENT)
        tasks = self.hanging()
        self.others_are_undisturbed()
        self.assertEqual({'starting'}, self.phases(tasks))
        self.cancel(tasks)

    def test_a_start_that_hangs_ends_when_its_time_is_up(self):
        """T-2 T-41"""
        self.launch(HASTY)
        began = time.monotonic()
        tasks = self.hanging()
        rows = wait_for(self.bus, *tasks, timeout=TIMEOUT_SEC + 10)
        self.assertGreater(time.monotonic() - began, TIMEOUT_SEC - 0.1)
        for row in rows:
            self.assertEqual(('error', 'ExecFailed'), (row['Phase'], row['Error']['code']))
            self.assertNotIn('ExitCode', row)
            self.assertIn('does not answer', row['FinalStatus'])
        self.assertIn(os.path.join(self.hang.path, 'program'), rows[2]['FinalStatus'])

    def test_a_file_system_that_answers_at_last_lets_the_start_end(self):
        """T-2"""
        self.launch(PATIENT)
        tasks = self.hanging()
        self.others_are_undisturbed()
        self.hang.end()
        for row in wait_for(self.bus, *tasks):
            self.assertEqual(('error', 'ExecFailed'), (row['Phase'], row['Error']['code']))
            self.assertRegex(row['FinalStatus'], 'Transport endpoint is not connected|Software caused connection abort')

    def test_a_hook_that_hangs_holds_nobody_and_its_start_is_refused(self):
        """T-40"""
        self.launch(HASTY)
        began = time.monotonic()
        serial = self.bus.send_call('Start', 'sa{ss}a{sv}', 'hooked', {}, {})
        other = self.enterContext(self.bgtd.connect())
        self.assertEqual('done', wait_for(other, run_command(other, '/bin/true'))[0]['Phase'])
        self.assertLess(time.monotonic() - began, TIMEOUT_SEC, 'the other start waited for the hook')
        with self.assertRaises(BusError) as caught:
            self.bus.reply(serial)
        self.assertIn('OnStarting', str(caught.exception))
        self.assertEqual(1, len(self.bus.call('List', 'a{sv}as', variants(every=True), [])))

    def test_a_freeze_between_clone_and_exec_holds_nobody(self):
        """T-24 T-23"""
        self.launch(PATIENT)
        tasks = self.hanging()
        until = deadline(20)
        for task in tasks:
            while 'populated 1' not in self.events(task):
                self.assertLess(time.monotonic(), until)
            self.freeze(task, '1')
        self.others_are_undisturbed()
        self.hang.end()
        for task in tasks:          # back from the kernel they are caught, before exec
            while 'frozen 1' not in self.events(task):
                self.assertLess(time.monotonic(), until)
        self.others_are_undisturbed()
        self.assertEqual({'starting'}, self.phases(tasks))
        self.freeze(tasks[0], '0')
        row = wait_for(self.bus, tasks[0])[0]
        self.assertEqual(('error', 'ExecFailed'), (row['Phase'], row['Error']['code']))
        self.cancel(tasks[1:])

    def events(self, task):
        try:
            with open(os.path.join(self.group(task), 'cgroup.events'), encoding='utf-8') as file:
                return file.read()
        except OSError:
            return ''

    def freeze(self, task, value):
        with open(os.path.join(self.group(task), 'cgroup.freeze'), 'w', encoding='utf-8') as file:
            file.write(value)

    def test_killed_while_a_start_hangs_bgtd_knows_it_again(self):
        """T-43 Q-48"""
        self.launch(PATIENT)
        tasks = self.hanging()
        self.others_are_undisturbed()
        self.bgtd.kill()
        self.bgtd.start()
        self.bus = self.enterContext(self.bgtd.connect())
        self.assertEqual({'starting'}, self.phases(tasks))
        self.others_are_undisturbed()
        self.cancel(tasks)

    def caught(self):
        """A task that sleeps in the kernel, where no signal reaches it."""
        task = run_command(self.bus, '/bin/cat', os.path.join(self.hang.path, 'file'))
        wait_for(self.bus, task, state='Running')
        self.hang.catch()
        return task

    def test_a_pause_that_does_not_come_true_is_withdrawn_in_time(self):
        """T-24"""
        self.launch('[Manager]\nFreezeTimeoutSec=500ms\n')
        task = self.caught()
        error, sentence = self.bus.call('Pause', 'ata{sv}', [task], {})[0][1:]
        self.assertEqual('org.bgt1.Error.NotAvailable', error)
        self.assertIn('(cat) would not freeze in time', sentence)
        row = properties(self.bus, task)
        self.assertEqual(('running', 0), (row['Phase'], row['Request']))
        self.hang.end()
        self.assertEqual('error', wait_for(self.bus, task)[0]['Phase'])

    def test_what_cannot_be_killed_in_time_does_not_hold_up_the_end(self):
        """T-6"""
        self.launch('[Manager]\nKillTimeoutSec=500ms\n')
        task = self.caught()
        self.assertEqual('', self.bus.call('Cancel', 'ata{sv}', [task], {})[0][1])
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('cancelled', 1), (row['Phase'], row['LeftProcesses']))
        self.assertTrue(os.path.exists(self.group(task)))
        self.hang.end()
        until = deadline(20)
        while os.path.exists(self.group(task)):
            self.assertLess(time.monotonic(), until)

    def await_open(self, task, path):
        """Until its main process has this file open."""
        wait_for(self.bus, task, state='Running')
        fds, until = f'/proc/{properties(self.bus, task)["PID"]}/fd', deadline(20)
        while path not in {self.link(os.path.join(fds, fd)) for fd in os.listdir(fds)}:
            self.assertLess(time.monotonic(), until)

    @staticmethod
    def link(path):
        """Where it leads; None if it is gone meanwhile."""
        try:
            return os.readlink(path)
        except FileNotFoundError:
            return None

    def test_looks_at_progress_that_hang_keep_nobody_from_being_looked_at(self):
        """T-55"""
        self.launch(PATIENT)
        stuck = [self.start('watched') for _ in range(LOOKS + 1)]
        for task in stuck:
            self.await_open(task, self.hang.path)
        serials = [self.bus.send_call('List', 'a{sv}as', variants(ids=str(task), fresh=True), []) for task in stuck]
        for _ in range(LOOKS):
            self.hang.catch()
        for serial in serials:
            self.assertEqual(1, len(self.bus.reply(serial)[0]))
        reading = self.start('reading')
        self.await_open(reading, READ)
        row = self.bus.call('List', 'a{sv}as', variants(ids=str(reading), fresh=True), [])[0]
        self.assertEqual(os.path.getsize(READ), row['ProgressTotal'])


def enter_namespace():
    """False: this machine has no FUSE, or no rights to it."""
    if not os.access('/dev/fuse', os.R_OK | os.W_OK):
        return False
    if libc.unshare(CLONE_NEWNS) < 0 or libc.mount(b'none', b'/', b'none', MS_REC | MS_PRIVATE, None) < 0:
        return False
    try:
        Hang().remove()
    except OSError:
        return False
    return True


if __name__ == '__main__':
    if os.geteuid() == 0 and not enter_namespace():
        print('skipped: this needs FUSE')
        sys.exit(bgtkit.SKIPPED)
    bgtkit.main()
