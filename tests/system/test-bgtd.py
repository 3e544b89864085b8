#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bgtd's command line, its exit statuses, its signals, and what it leaves."""

import os
import signal
import socket
import stat
import subprocess
import sys
import unittest
import unittest.mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, wait_for
from dbuswire import PATIENCE, Connection

SLEEP = '[Task]\nExecStart=/bin/sleep 1000\n[Control]\nPause=direct\nCancel=direct\n'


# A process of the user's: bgtd of a user sees no others.
USER_CLIENT = '''
import sys
sys.path.insert(0, sys.argv[1])
from bgtkit import run_command, wait_for
from dbuswire import Connection
with Connection(sys.argv[2]) as bus:
    row = wait_for(bus, run_command(bus, "true"))[0]
    print(row["Phase"], row["User"])
'''


class CommandLine(unittest.TestCase):
    def run_bgtd(self, *arguments, **options):
        return subprocess.run([bgtkit.PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=30 * PATIENCE, check=False, **options)

    def refused(self, done, status, *words):
        """One sentence on standard error, nothing else."""
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, '')
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_help_fits_a_terminal_and_is_not_an_error(self):
        for option in ('-h', '--help'):
            done = self.run_bgtd(option)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertLessEqual(max(len(line) for line in done.stdout.splitlines()), 80)
        self.assertRegex(self.run_bgtd('--version').stdout, r'^bgtd \d+\.\d+\.\d+\n$')

    def test_help_and_manual_know_the_same_options(self):
        with open(os.path.join(bgtkit.SOURCE_DIR, 'doc/bgtd.8.scd'), encoding='utf-8') as file:
            manual = file.read()
        options = [word.strip(',') for line in self.run_bgtd('--help').stdout.splitlines() for word in line.split()[:2] if word.startswith('--')]
        self.assertGreater(len(options), 8)
        for option in options:
            self.assertIn(f'*{option}*', manual)

    def test_wrong_usage_is_status_2(self):
        for arguments in (['--colour'], ['argument'], ['--state-dir'], ['--bus', 'yellow', '--state-dir', '/x', '--runtime-dir', '/y']):
            with self.subTest(arguments):
                self.refused(self.run_bgtd(*arguments), 2)

    def test_it_prints_what_is_shipped(self):
        for option, path in (('--print-settings', 'conf/bgtd.conf'), ('--print-type', 'conf/types.d/type.ini.example')):
            with open(os.path.join(bgtkit.SOURCE_DIR, path), encoding='utf-8') as file:
                self.assertEqual(self.run_bgtd(option).stdout, file.read())

    def test_a_bad_configuration_is_status_2_and_named_with_its_line(self):
        bgtd = Bgtd(settings='[Manager]\nJobLimit=many\n')
        self.addCleanup(bgtd.clean_up)
        self.refused(self.run_bgtd(*bgtd.arguments()[1:]), 2, 'bgtd.conf:2', 'JobLimit')
        bgtd.write_settings('')
        bgtd.write_type('bad', '[Task]\nExecStart=/bin/true\nColour=red\n')
        self.refused(self.run_bgtd(*bgtd.arguments()[1:]), 2, 'bad.ini:3', 'Colour')

    def test_directories_that_cannot_be_had_are_status_2(self):
        bgtd = Bgtd()
        self.addCleanup(bgtd.clean_up)
        with self.subTest('missing parents'):
            bgtd.state = os.path.join(bgtd.directory, 'a/b/c')
            self.refused(self.run_bgtd(*bgtd.arguments()[1:]), 2, bgtd.state)
        with self.subTest('a file'):
            bgtd.state = bgtd.log_path
            with open(bgtd.state, 'w', encoding='utf-8'):
                pass
            self.refused(self.run_bgtd(*bgtd.arguments()[1:]), 2, bgtd.state)
        with self.subTest("somebody else's"):
            bgtd.state, bgtd.runtime = os.path.join(bgtd.directory, 'state'), os.path.join(bgtd.directory, 'foreign')
            os.mkdir(bgtd.runtime)
            os.chown(bgtd.runtime, 4242, 4242)
            self.refused(self.run_bgtd(*bgtd.arguments()[1:]), 2, bgtd.runtime)
        with self.subTest('open to others'):
            bgtd.runtime = os.path.join(bgtd.directory, 'open')
            os.mkdir(bgtd.runtime)
            os.chmod(bgtd.runtime, 0o777)
            self.refused(self.run_bgtd(*bgtd.arguments()[1:]), 2, bgtd.runtime)

    def test_a_cgroup_that_is_none_is_status_4(self):
        bgtd = Bgtd()
        self.addCleanup(bgtd.clean_up)
        arguments = bgtd.arguments()[1:]
        for path in ('/nonexistent', bgtd.directory):
            with self.subTest(path):
                arguments[arguments.index('--cgroup-root') + 1] = path
                self.refused(self.run_bgtd(*arguments), 4)

    def test_a_user_without_a_session_is_told_what_is_missing(self):
        environment = {key: value for key, value in os.environ.items() if not key.startswith('XDG_')}
        self.refused(self.run_bgtd('--user', env=dict(environment, HOME='/dev/null/home')), 2)
        home = Bgtd()
        self.addCleanup(home.clean_up)
        self.refused(self.run_bgtd('--user', env=dict(environment, HOME=home.directory)), 2, 'XDG_RUNTIME_DIR')


class Life(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd(types={'sleep': SLEEP}))

    def task(self):
        with self.bgtd.connect() as bus:
            task = bus.call('Start', 'sa{ss}a{sv}', 'sleep', {}, {})[0]
            wait_for(bus, task, state='Running')
            return task, properties(bus, task)['PID']

    def test_a_stop_leaves_the_tasks_running(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                task, pid = self.task()
                self.bgtd.process.send_signal(number)
                self.assertEqual(self.bgtd.wait(), 0)
                os.kill(pid, 0)
                self.bgtd.start()
                with self.bgtd.connect() as bus:
                    shown = properties(bus, task)
                    self.assertEqual((shown['Phase'], shown['PID']), ('running', pid))

    def test_a_stop_waits_for_no_client(self):
        task, _ = self.task()
        bus = self.bgtd.connect()
        self.addCleanup(bus.close)
        bus.call('Subscribe')
        bus.send_call('Wait', 'atta{sv}', [task], 2**64 - 1, {})
        for _ in range(2000):
            bus.send_call('Types', 's', '')
        self.assertEqual(self.bgtd.stop(), 0)

    def test_it_tells_the_manager_when_it_stops(self):
        path = os.path.join(self.bgtd.directory, 'notify')
        os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(30 * PATIENCE)
            self.bgtd.process.send_signal(signal.SIGHUP)
            said = [notify.recv(4096) for _ in range(2)]
            self.assertEqual([word.split(b'\n')[0] for word in said], [b'RELOADING=1', b'READY=1'])
            self.bgtd.stop()
            self.assertEqual(notify.recv(4096), b'STOPPING=1')

    def test_a_hangup_has_the_configuration_read_again(self):
        self.bgtd.write_type('other', SLEEP)
        with self.bgtd.connect() as bus:
            self.bgtd.process.send_signal(signal.SIGHUP)
            # signals come before requests, once they are there
            until = bgtkit.deadline(30)
            while len(bus.call('Types', 's', '')) < 2:
                self.assertLess(bgtkit.time.monotonic(), until)
            self.bgtd.write_type('bad', '[Colour]\n')
            self.bgtd.process.send_signal(signal.SIGHUP)
            while 'bad.ini' not in self.bgtd.log():
                self.assertLess(bgtkit.time.monotonic(), until)
                bus.call('Status')
            self.assertEqual(len(bus.call('Types', 's', '')), 2)

    def test_a_second_one_on_the_same_directories_is_status_3(self):
        with self.bgtd.connect() as bus:
            done = subprocess.run(self.bgtd.arguments(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=30 * PATIENCE, check=False)
            self.assertEqual(done.returncode, 3, done.stderr)
            other = self.bgtd.arguments()
            other[other.index('--state-dir') + 1] = os.path.join(self.bgtd.directory, 'another')
            done = subprocess.run(other, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=30 * PATIENCE, check=False)
            self.assertEqual(done.returncode, 3, done.stderr)
            # the first one still has its socket, and its tasks
            wait_for(bus, run_command(bus, 'true'))
        with self.bgtd.connect() as bus:
            bus.call('Status')

    def test_a_killed_one_leaves_a_socket_that_the_next_one_replaces(self):
        self.bgtd.kill()
        self.assertTrue(os.path.exists(self.bgtd.bus))
        with self.assertRaises(ConnectionRefusedError):
            Connection(self.bgtd.bus)
        self.bgtd.start()
        with self.bgtd.connect() as bus:
            bus.call('Status')

    def test_a_stopped_one_takes_its_socket_with_it(self):
        self.bgtd.stop()
        self.assertFalse(os.path.exists(self.bgtd.bus))
        self.bgtd.start()

    def test_nothing_else_ends_it(self):
        for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH):
            self.bgtd.process.send_signal(number)
        with self.bgtd.connect() as bus:
            bus.call('Status')


class Socket(unittest.TestCase):
    def test_a_socket_that_is_handed_over_keeps_clients_waiting_during_a_restart(self):
        bgtd = Bgtd(types={'sleep': SLEEP})
        self.addCleanup(bgtd.clean_up)
        path = os.path.join(bgtd.directory, 'handed')
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listening.close)
        listening.bind(path)
        listening.listen(16)

        # what systemd does: descriptor 3, and whose it is
        os.set_inheritable(listening.fileno(), True)
        bgtd.prefix = ['sh', '-c', f'exec 3<&{listening.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh']
        original = subprocess.Popen
        with unittest.mock.patch.object(subprocess, 'Popen', lambda *a, **o: original(*a, **dict(o, pass_fds=[listening.fileno()]))):
            bgtd.start()
            with Connection(path) as bus:
                bus.call('Status')
            self.assertFalse(os.path.exists(bgtd.bus))
            bgtd.stop()
            # nobody is there: it connects, and waits
            early = Connection(path, raw=True)
            self.addCleanup(early.close)
            bgtd.start()
        early.handshake(0)
        early.call('Status')
        bgtd.stop()
        self.assertTrue(os.path.exists(path))

    def test_directories_with_long_names_are_fine(self):
        bgtd = Bgtd()
        self.addCleanup(bgtd.clean_up)
        bgtd.runtime = os.path.join(bgtd.directory, 'r' * 60)
        bgtd.bus = os.path.join(bgtd.runtime, 'bus')
        bgtd.start()
        with bgtd.connect() as bus:
            bus.call('Status')


class User(unittest.TestCase):
    """A user's own bgtd, with a cgroup that is the user's."""

    def test_it_serves_its_user_and_needs_no_root(self):
        bgtd = Bgtd(options=['--user'])
        self.addCleanup(bgtd.clean_up)
        # without privilege one moves only within what is one's own
        bgtd.prefix = ['sh', '-c', 'echo $$ >"$0/session/cgroup.procs" && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"',
                       bgtd.cgroup.path]
        os.mkdir(os.path.join(bgtd.cgroup.path, 'session'))
        for directory, _, files in os.walk(bgtd.cgroup.path):
            os.chown(directory, 65534, 65534)
            for name in {'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'}.intersection(files):
                os.chown(os.path.join(directory, name), 65534, 65534)
        os.chown(bgtd.directory, 65534, 65534)
        bgtd.start()
        self.assertEqual(stat.S_IMODE(os.stat(bgtd.bus).st_mode), 0o600)
        done = bgtd.run_client('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '/usr/bin/python3', '-c', USER_CLIENT,
                               os.path.join(bgtkit.SOURCE_DIR, 'tests/kit'), bgtd.bus)
        self.assertEqual(done.stdout, 'done nobody\n', done.stderr)


if __name__ == '__main__':
    bgtkit.main()
