#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The private socket with the tools and libraries people have, without a broker."""

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, wait_for
from dbuswire import PATIENCE, deadline

MANAGER = 'org.bgt1.Manager'

# Everything a library does by itself: a greeting, matches, an owner, introspection.
PYTHON = '''
import sys
import dbus

bus = dbus.connection.Connection(sys.argv[1])
bus.call_blocking("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "", ())
manager = dbus.Interface(bus.get_object("org.bgt1", "/org/bgt1", introspect=True), "org.bgt1.Manager")
task, path = manager.Start("sleep", {"seconds": "1000"}, {"label": "from python", "priority": dbus.Int32(5)})
manager.Wait([task], dbus.UInt64(30000), {"for": "Running"})
for outcome in manager.Pause([task], {}):
    print(int(outcome[0]), str(outcome[1]))
shown = dbus.Interface(bus.get_object("org.bgt1", path), "org.freedesktop.DBus.Properties").GetAll("org.bgt1.Task")
print(str(shown["Phase"]), str(shown["Label"]), int(shown["Priority"]))
try:
    manager.Resume([task], {"colour": True})
except dbus.DBusException as e:
    print(e.get_dbus_name())
fd = manager.Logs(task, {})
print(type(fd).__name__)
'''


def needs(program):
    return unittest.skipUnless(shutil.which(program), f'{program} is not installed')


def lines_until(process, word, timeout=30):
    """What the program says, up to a line with the word."""
    said, until = '', deadline(timeout)
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    while word not in said:
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError(f'no "{word}" in: {said}')
        part = os.read(process.stdout.fileno(), 65536).decode()
        if not part:
            raise EOFError(f'no "{word}" in: {said}')
        said += part
    return said


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bgtd = cls.enterClassContext(Bgtd(types={'sleep':
            '[Task]\nExecStart=/bin/sleep ${seconds}\n[Control]\nPause=direct\nCancel=direct\n'
            '[Parameter seconds]\nType=integer\nRequired=yes\n'}))
        cls.address = 'unix:path=' + cls.bgtd.bus

    def setUp(self):
        self.bus = self.bgtd.connect()
        self.addCleanup(self.bus.close)

    def says(self, *arguments, status=0):
        done = self.bgtd.run_client(*arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def monitor(self, *arguments):
        """A program that goes on; ended with the test."""
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 30 * PATIENCE)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        return process

    def busctl(self, *arguments, status=0):
        return self.says('busctl', '--address=' + self.address, '--timeout=20', *arguments, status=status)

    @needs('busctl')
    def test_busctl_calls(self):
        said = self.busctl('call', 'org.bgt1', '/org/bgt1', MANAGER, 'Start', 'sa{ss}a{sv}', 'sleep', '1', 'seconds', '1000', '0')
        task = int(said.split()[1])
        self.assertEqual(said, f'to {task} "/org/bgt1/task/_{task}"\n')
        wait_for(self.bus, task, state='Running')
        self.assertEqual(self.busctl('call', 'org.bgt1', '/org/bgt1', MANAGER, 'Cancel', 'ata{sv}', '1', str(task), '0'),
                         f'a(tss) 1 {task} "" ""\n')
        wait_for(self.bus, task)
        self.assertEqual(self.busctl('get-property', 'org.bgt1', f'/org/bgt1/task/_{task}', 'org.bgt1.Task', 'Phase'), 's "cancelled"\n')
        self.assertIn('There is no task 900000', self.busctl('call', 'org.bgt1', '/org/bgt1', MANAGER, 'GetTask', 't', '900000', status=1))

    @needs('busctl')
    def test_busctl_introspects(self):
        task = run_command(self.bus, 'sleep', '1000')
        self.assertIn('StartCommand', self.busctl('introspect', 'org.bgt1', '/org/bgt1'))
        said = self.busctl('introspect', 'org.bgt1', f'/org/bgt1/task/_{task}')
        self.assertRegex(said, rf'\.Id +property +t +{task} ')
        self.assertRegex(said, r'\.ExitCode +property +i +- ')

    @needs('busctl')
    def test_busctl_shows_the_tree(self):
        task = run_command(self.bus, 'sleep', '1000')
        self.assertIn(f'/org/bgt1/task/_{task}\n', self.busctl('tree', 'org.bgt1'))

    @needs('busctl')
    def test_busctl_monitors(self):
        monitor = self.monitor('busctl', '--address=' + self.address, 'monitor')
        lines_until(monitor, 'Monitoring')
        task = run_command(self.bus, 'true')
        said = lines_until(monitor, '"done"')
        self.assertIn(f'/org/bgt1/task/_{task}', said)
        self.assertIn('Member=Changed', said)

    @needs('gdbus')
    def test_gdbus_calls(self):
        said = self.says('gdbus', 'call', '--address', self.address, '--dest', 'org.bgt1', '--object-path', '/org/bgt1',
                         '--method', MANAGER + '.StartCommand', "['sleep', '1000']", "{'label': <'from gdbus'>}")
        task = int(said.split()[1].rstrip(','))
        self.assertEqual(properties(self.bus, task)['Label'], 'from gdbus')
        self.assertIn('org.bgt1.Error.NoSuchTask', self.says('gdbus', 'call', '--address', self.address, '--dest', 'org.bgt1', '--object-path', '/org/bgt1',
                                                             '--method', MANAGER + '.GetTask', '900000', status=1))

    @needs('gdbus')
    def test_gdbus_introspects(self):
        said = self.says('gdbus', 'introspect', '--address', self.address, '--dest', 'org.bgt1', '--object-path', '/org/bgt1', '--recurse')
        self.assertIn('interface org.bgt1.Manager', said)

    @needs('dbus-send')
    def test_dbus_send_calls(self):
        said = self.says('dbus-send', '--peer=' + self.address, '--print-reply=literal', '/org/bgt1', MANAGER + '.Status')
        self.assertIn('Main Loop', said)
        said = self.says('dbus-send', '--bus=' + self.address, '--print-reply', '--dest=org.bgt1', '/org/bgt1',
                         'org.freedesktop.DBus.Introspectable.Introspect')
        self.assertIn('org.bgt1.Manager', said)

    @needs('dbus-send')
    def test_many_one_after_another_all_get_their_answer(self):
        """A handshake and a call in one go: the call must not be left lying."""
        for _ in range(50):
            self.says('dbus-send', '--bus=' + self.address, '--print-reply', '--reply-timeout=10000', '--dest=org.bgt1', '/org/bgt1',
                      'org.freedesktop.DBus.Peer.Ping')

    @needs('dbus-monitor')
    def test_dbus_monitor_sees_changes(self):
        monitor = self.monitor('dbus-monitor', '--address', self.address)
        # its becoming a monitor is answered before it says anything
        lines_until(monitor, 'NameLost')
        task = run_command(self.bus, 'true')
        self.assertIn(f'/org/bgt1/task/_{task}', lines_until(monitor, '"done"'))

    def test_python3_dbus_calls(self):
        if subprocess.run(['/usr/bin/python3', '-c', 'import dbus'], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest('python3-dbus is not installed')
        said = self.says('/usr/bin/python3', '-c', PYTHON, self.address).splitlines()
        self.assertRegex(said[0], r'^\d+ $')
        self.assertEqual(said[1:], ['paused from python 5', 'org.bgt1.Error.InvalidOption', 'UnixFd'])


if __name__ == '__main__':
    bgtkit.main()
