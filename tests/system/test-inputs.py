#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What bgtd itself cannot start with: one sentence, the right exit status, nothing changed and nothing left."""

import ctypes
import os
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, wait_for
from dbuswire import PATIENCE, deadline

FAILED, USAGE, LOCKED, NO_CGROUP = 1, 2, 3, 4
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
MNT_DETACH = 2

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def enter_namespace():
    checked(libc.unshare(CLONE_NEWNS))
    checked(libc.mount(b'none', b'/', b'none', MS_REC | MS_PRIVATE, None))


def mount_tmpfs(path, options='mode=0755'):
    checked(libc.mount(b'tmpfs', path.encode(), b'tmpfs', 0, options.encode()))


class Inputs(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Prepared())

    def tree(self):
        """Everything below the directories, and below the cgroup."""
        found = []
        for top in (self.bgtd.state, self.bgtd.runtime, self.bgtd.config, self.bgtd.cgroup.path):
            found += [os.path.join(directory, name) for directory, names, files in os.walk(top)
                      for name in (names if top == self.bgtd.cgroup.path else names + files)]
        return sorted(found)

    def refused(self, status, *words, arguments=None, before=None, same=True):
        """bgtd does not start, says why in one sentence, and has changed nothing."""
        trees = self.tree()
        done = subprocess.run(arguments or self.bgtd.arguments(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60 * PATIENCE, check=False, preexec_fn=before)
        self.assertEqual(status, done.returncode, done.stderr)
        self.assertEqual('', done.stdout)
        self.assertEqual(1, len(done.stderr.splitlines()), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        if same:
            self.assertEqual(trees, self.tree())
        return done.stderr

    def test_errors_in_files_are_told_with_file_and_line(self):
        """P-2"""
        conf = os.path.join(self.bgtd.config, 'bgtd.conf')
        for text, line, word in (
                ('[Manager]\nJobLimitt=3\n', 2, 'JobLimitt'), ('[Nonsense]\nA=b\n', None, 'Nonsense'),
                ('[Manager]\n\nHookTimeoutSec=soon\n', 3, 'soon'), ('[Manager\nJobLimit=1\n', 1, ''), ('JobLimit=1\n', 1, ''),
                ('[Store]\nOutputMaxBytes=-1\n', 2, 'OutputMaxBytes'), ('[Manager]\njust words\n', 2, ''),
                ('[Manager]\nJobLimit=1\n' + 'x' * 70000 + '=1\n', 3, '')):
            self.bgtd.write_settings(text)
            with self.subTest(text[:40]):
                self.refused(USAGE, f'{conf}:{line}' if line else conf, word, same=False)
        self.bgtd.write_settings('')
        for text, line, word in (
                ('[Task]\nExecStart=/bin/true\nNonsense=1\n', 3, 'Nonsense'), ('[Control]\nPause=direct\n', None, 'ExecStart'),
                ('[Task]\nExecStart=/bin/true\n[Control]\nPause=maybe\n', 4, 'maybe'),
                ('[Task]\nExecStart=/bin/echo ${x}\n[Parameter x]\nSecret=yes\n', None, 'x'),
                ('[Task]\nExecStart=/bin/echo ${nosuch}\n', None, 'nosuch'), ('[Task]\nExecStart=/bin/echo "open\n', None, ''),
                ('[Task]\nExecStart=\n', None, 'ExecStart'), ('[Task]\nExecStart=relative/path\n', None, '')):
            self.bgtd.write_type('bad', text)
            path = os.path.join(self.bgtd.config, 'types.d/bad.ini')
            with self.subTest(text[:60]):
                self.refused(USAGE, f'{path}:{line}' if line else path, word, same=False)
        os.unlink(os.path.join(self.bgtd.config, 'types.d/bad.ini'))
        self.bgtd.start()

    def test_wrong_usage_is_told(self):
        """T-5"""
        program = bgtkit.PROGRAM
        for arguments in ((program, '--nonsense'), (program, 'argument'), (program, '--bus', 'other'), (program, '--state-dir')):
            self.refused(USAGE, arguments=arguments)
        for option, word in (('--help', '--state-dir'), ('--version', 'bgtd ')):
            done = self.bgtd.run_client(program, option)
            self.assertEqual((0, ''), (done.returncode, done.stderr))
            self.assertIn(word, done.stdout)

    def test_directories_of_others_are_refused(self):
        """P-44"""
        for path in (self.bgtd.runtime, self.bgtd.state):
            os.makedirs(path, exist_ok=True)
            os.chown(path, 1, 1)
            self.refused(USAGE, path, 'belongs to user 1', same=False)
            os.chown(path, 0, 0)
            os.chmod(path, 0o777)
            self.refused(USAGE, path, 'chmod go-w', same=False)
            os.chmod(path, 0o700)
        with open(f'{self.bgtd.directory}/file', 'w', encoding='utf-8'):
            pass
        self.bgtd.state = f'{self.bgtd.directory}/file'
        self.refused(USAGE, self.bgtd.state, 'not a directory', same=False)
        self.bgtd.state = f'{self.bgtd.directory}/no/such'
        self.refused(USAGE, self.bgtd.state, 'No such file or directory', same=False)
        self.bgtd.state, self.bgtd.config = f'{self.bgtd.directory}/state', '/no/such/place'
        self.refused(USAGE, '/no/such/place', same=False)

    def test_a_second_one_on_the_same_state_is_refused_and_names_the_first(self):
        """Q-43"""
        self.bgtd.start()
        bus = self.enterContext(self.bgtd.connect())
        task = run_command(bus, '/bin/sleep', '1000')
        wait_for(bus, task, state='Running')
        pid = self.bgtd.process.pid
        self.refused(LOCKED, str(pid))
        # also with a runtime directory of its own
        own = self.bgtd.arguments()
        own[own.index('--runtime-dir') + 1] = f'{self.bgtd.directory}/other'
        self.refused(LOCKED, str(pid), arguments=own)
        # and on the same runtime directory with a state of its own
        own = self.bgtd.arguments()
        own[own.index('--state-dir') + 1] = f'{self.bgtd.directory}/elsewhere'
        self.refused(LOCKED, str(pid), arguments=own)
        self.assertEqual('running', properties(bus, task)['Phase'])
        self.assertEqual('done', wait_for(bus, run_command(bus, '/bin/true'))[0]['Phase'])
        self.bgtd.kill()
        self.bgtd.start()
        self.assertEqual('running', properties(self.enterContext(self.bgtd.connect()), task)['Phase'])

    def test_a_cgroup_that_is_none_or_cannot_be_written_is_refused(self):
        """T-24"""
        for path in ('/tmp', self.bgtd.directory, os.path.join(self.bgtd.cgroup.path, 'no/such'), '/proc/self', 'relative'):
            self.bgtd.cgroup_root = path
            with self.subTest(path):
                self.refused(NO_CGROUP, same=False)
        self.bgtd.cgroup_root = None

        def read_only():
            enter_namespace()
            mount = bgtkit.find_cgroup2().encode()
            checked(libc.mount(b'none', mount, b'none', MS_REMOUNT | MS_BIND | MS_RDONLY, None))
        self.refused(NO_CGROUP, self.bgtd.cgroup.path, before=read_only, same=False)
        self.assertFalse(self.bgtd.cgroup.populated())

    def test_a_machine_without_cgroup_v2_is_told_what_to_mount(self):
        """T-24"""
        def hide():
            mount = bgtkit.find_cgroup2()
            enter_namespace()
            while libc.umount2(mount.encode(), MNT_DETACH) == 0:
                pass
        self.assertIn('mount', self.refused(NO_CGROUP, 'cgroup v2', before=hide, same=False))

    def test_a_mount_that_is_covered_is_not_taken_for_one(self):
        """T-24"""
        def cover():
            mount = bgtkit.find_cgroup2()
            enter_namespace()
            mount_tmpfs(mount)
        self.refused(NO_CGROUP, 'cgroup v2', before=cover, same=False)

    def test_v2_is_found_where_it_is_mounted_and_not_where_it_usually_is(self):
        """T-24"""
        place = tempfile.mkdtemp(prefix='bgt-cgroup-')
        self.addCleanup(os.rmdir, place)
        relative = os.path.relpath(self.bgtd.cgroup.path, bgtkit.find_cgroup2())
        self.bgtd.prefix = ['unshare', '--mount', 'sh', '-ec', f'mount -t cgroup2 none {place}; mount -t tmpfs none /sys/fs/cgroup; exec "$@"', 'sh']
        self.bgtd.cgroup_root = os.path.join(place, relative)
        self.bgtd.write_type('sleeper', '[Task]\nExecStart=/bin/sleep 1000\n[Control]\nPause=direct\nCancel=direct\n')
        self.bgtd.start()
        bus = self.enterContext(self.bgtd.connect())
        task = bus.call('Start', 'sa{ss}a{sv}', 'sleeper', {}, {})[0]
        wait_for(bus, task, state='Running')
        self.assertEqual('', bus.call('Pause', 'ata{sv}', [task], {})[0][1])
        with open(os.path.join(self.bgtd.cgroup.path, 'jobs/default', f'{task}.1/cgroup.events'), encoding='utf-8') as file:
            self.assertIn('frozen 1', file.read())
        self.assertEqual('', bus.call('Cancel', 'ata{sv}', [task], {})[0][1])

    def test_without_a_cgroup_named_one_is_made_below_its_own_and_goes_again(self):
        """T-24"""
        own = self.bgtd.cgroup.path
        self.bgtd.without_root = True
        self.bgtd.prefix = ['sh', '-ec', f'echo 0 > {own}/cgroup.procs; exec "$@"', 'sh']
        self.bgtd.start()
        bus = self.enterContext(self.bgtd.connect())
        task = run_command(bus, '/bin/sleep', '1000')
        wait_for(bus, task, state='Running')
        made = [entry.path for entry in os.scandir(own) if entry.is_dir()]
        self.assertEqual(1, len(made), made)
        self.assertRegex(made[0], '/bgt-[0-9a-f]{16}$')
        self.assertTrue(os.path.isdir(os.path.join(made[0], 'jobs/default', f'{task}.1')))
        self.assertEqual('', bus.call('Cancel', 'ata{sv}', [task], {})[0][1])
        wait_for(bus, task)
        self.assertEqual(0, self.bgtd.stop())
        until = deadline(20)
        while os.path.isdir(made[0]):
            self.assertLess(time.monotonic(), until, 'the group stays')

    def test_a_full_disk_at_the_start_is_told_and_a_later_start_works(self):
        """Q-48"""
        os.mkdir(self.bgtd.state, 0o700)

        def full():
            enter_namespace()
            mount_tmpfs(self.bgtd.state, 'mode=0700,size=64k')
            with open(os.path.join(self.bgtd.state, 'filler'), 'wb', buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
        sentence = self.refused(FAILED, before=full, same=False)
        self.assertRegex(sentence, 'no room left')
        self.assertIn(self.bgtd.state, sentence)
        self.assertFalse(self.bgtd.cgroup.populated())
        self.bgtd.start()
        bus = self.enterContext(self.bgtd.connect())
        self.assertEqual('done', wait_for(bus, run_command(bus, '/bin/true'))[0]['Phase'])

    def test_what_failed_to_start_leaves_no_process(self):
        """Q-43"""
        self.bgtd.write_settings('[Manager]\nJobLimitt=3\n')
        self.refused(USAGE, same=False)
        self.assertFalse(self.bgtd.cgroup.populated())
        self.bgtd.write_settings('')
        self.bgtd.start()
        self.assertEqual(0, self.bgtd.stop())
        until = deadline(20)
        while os.path.isdir(self.bgtd.cgroup.path):
            self.assertLess(time.monotonic(), until, 'the guard stays though there is nothing to guard')


class Prepared(Bgtd):
    """One that is not started yet."""

    def __init__(self):
        super().__init__()
        self.cgroup_root, self.without_root = None, False

    def __enter__(self):
        return self

    def arguments(self):
        arguments = super().arguments()
        if self.without_root:
            at = arguments.index('--cgroup-root')
            del arguments[at:at + 2]
        if self.cgroup_root:
            arguments[arguments.index('--cgroup-root') + 1] = self.cgroup_root
        return arguments


if __name__ == '__main__':
    bgtkit.main()
