#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The same objects on a system bus: a broker of our own, with the policy that is shipped."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, run_command, variants, wait_for
from dbuswire import PATIENCE, BusError, Connection, Variant

DENIED = 'org.bgt1.Error.AccessDenied'
# Users that the broker knows; it turns away others.
STRANGER, NOBODY = pwd.getpwnam('games').pw_uid, 65534
DRIVER = {'path': '/org/freedesktop/DBus', 'interface': 'org.freedesktop.DBus', 'destination': 'org.freedesktop.DBus'}

CONFIGURATION = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  {include}
</busconfig>
'''


class Broker:
    """A dbus-daemon with bgtd's policy."""

    def __init__(self, include):
        self.directory = tempfile.mkdtemp(prefix='bgt-test-broker-')
        os.chmod(self.directory, 0o755)
        self.socket = os.path.join(self.directory, 'socket')
        self.address = 'unix:path=' + self.socket
        configuration = os.path.join(self.directory, 'configuration')
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(CONFIGURATION.format(socket=self.socket, include=include))
        self.process = subprocess.Popen(['dbus-daemon', '--nofork', '--print-address=1', '--config-file=' + configuration],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        # it prints its address when it listens
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def connect(self, **options):
        """When bgtd has its name: that is nothing that its readiness waits for."""
        connection = Connection(self.socket, hello=True, **options)
        rule = "type='signal',member='NameOwnerChanged',arg0='org.bgt1'"
        connection.call('AddMatch', 's', rule, **DRIVER)
        if not connection.call('NameHasOwner', 's', 'org.bgt1', **DRIVER):
            connection.signal(lambda m: m.member == 'NameOwnerChanged' and m.args[2])
        return connection

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30 * PATIENCE)
        self.process.stdout.close()
        shutil.rmtree(self.directory)


def policy():
    return f'<include>{os.path.join(bgtkit.SOURCE_DIR, "packaging/dbus/org.bgt1.conf")}</include>'


@unittest.skipUnless(shutil.which('dbus-daemon'), 'dbus-daemon is not installed')
class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(Broker(policy()))
        cls.bgtd = cls.enterClassContext(Bgtd(settings='[Access]\nAdHoc=nobody\n', options=['--bus', 'system'],
                                              environment={'DBUS_SYSTEM_BUS_ADDRESS': cls.broker.address}))

    def connect(self, **options):
        connection = self.broker.connect(**options)
        self.addCleanup(connection.close)
        return connection

    def test_calls_are_answered(self):
        bus = self.connect()
        self.assertEqual(bus.call('Status')['PID'], self.bgtd.process.pid)
        self.assertIn('StartCommand', bus.call('Introspect', interface='org.freedesktop.DBus.Introspectable'))

    def test_who_asks_is_who_the_broker_says(self):
        nobody, stranger, root = self.connect(uid=NOBODY), self.connect(uid=STRANGER), self.connect()
        task = run_command(nobody, 'sleep', '1000', label='mine')
        wait_for(nobody, task, state='Running')
        with self.assertRaises(BusError) as caught:
            run_command(stranger, 'true')
        self.assertEqual(caught.exception.name, DENIED)
        self.assertEqual(stranger.call('Cancel', 'ata{sv}', [task], {})[0][1], DENIED)
        self.assertEqual(stranger.call('List', 'a{sv}as', variants(ids=str(task)), ['Id', 'Label']), [{'Id': task}])
        self.assertEqual(nobody.call('List', 'a{sv}as', variants(ids=str(task)), ['Id', 'Label']), [{'Id': task, 'Label': 'mine'}])
        self.assertEqual(root.call('Cancel', 'ata{sv}', [task], {})[0][1], '')

    def test_groups_count(self):
        developer = self.connect(uid=STRANGER, groups=[0])
        self.bgtd.write_settings('[Access]\nAdHoc=nobody\nDevelopers=root\n')
        self.connect().call('Reload')
        task = run_command(self.connect(), 'sleep', '1000')
        self.assertTrue(developer.call('List', 'a{sv}as', variants(ids=str(task)), ['Accessible'])[0]['Accessible'])

    def test_calls_that_come_before_the_broker_has_said_who_asks_are_answered_in_order(self):
        bus = self.connect()
        serials = [bus.send_call('Status') for _ in range(50)]
        order = []
        while len(order) < len(serials):
            message = bus.receive(bgtkit.deadline(30))
            if message.reply_to in serials:
                order.append(message.reply_to)
        self.assertEqual(order, serials)

    def test_more_than_are_held_are_refused(self):
        bus = self.connect()
        serials = [bus.send_call('Status') for _ in range(500)]
        answered = refused = 0
        for serial in serials:
            try:
                bus.reply(serial)
                answered += 1
            except BusError:
                refused += 1
        self.assertGreaterEqual(answered, 64)
        self.assertEqual(answered + refused, 500)
        bus.call('Status')

    def test_signals_go_to_who_asked_alone(self):
        watcher, quiet = self.connect(), self.connect()
        for bus in (watcher, quiet):
            bus.call('AddMatch', 's', "type='signal',sender='org.bgt1'", **DRIVER)
        watcher.call('Subscribe')
        task = run_command(self.connect(), 'true')
        watcher.signal(lambda m: m.member == 'Changed' and m.args[0]['Id'] == task and m.args[0]['HasEnded'])
        quiet.call('Status')
        self.assertEqual([m for m in quiet.signals if m.member == 'Changed'], [])

    def test_who_leaves_the_bus_is_forgotten(self):
        for _ in range(100):
            bus = self.connect()
            bus.call('Subscribe')
            bus.send_call('Wait', 'atta{sv}', [run_command(bus, 'sleep', '1000')], 2**64 - 1, {})
            bus.close()
        self.connect().call('Status')
        with self.bgtd.connect() as private:
            ids = [row['Id'] for row in private.call('List', 'a{sv}as', {}, ['Id'])]
            private.call('Cancel', 'ata{sv}', ids, {})

    def test_descriptors_are_for_the_private_socket(self):
        """The broker would pass on everybody's, and closing one may take for ever."""
        bus = self.connect()
        out, into = os.pipe()
        with self.assertRaises(BusError):
            run_command(bus, 'true', fds=[into], stdout=Variant('h', 0))
        task = run_command(bus, 'true')
        with self.assertRaises(BusError) as caught:
            bus.call('Logs', 'ta{sv}', task, {})
        self.assertEqual(caught.exception.name, 'org.freedesktop.DBus.Error.NotSupported')
        os.close(out)
        os.close(into)


@unittest.skipUnless(shutil.which('dbus-daemon'), 'dbus-daemon is not installed')
class Alone(unittest.TestCase):
    """Nothing depends on the shared bus."""

    def test_a_bus_that_is_not_there_is_no_trouble(self):
        with Bgtd(options=['--bus', 'system'], environment={'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent'}) as bgtd:
            with bgtd.connect() as bus:
                bus.call('Status')

    def test_a_bus_that_does_not_let_it_have_the_name_is_no_trouble(self):
        with Broker('') as broker, Bgtd(options=['--bus', 'system'], environment={'DBUS_SYSTEM_BUS_ADDRESS': broker.address}) as bgtd:
            with bgtd.connect() as bus:
                bus.call('Status')

    def test_a_bus_that_goes_away_is_no_trouble(self):
        with Broker(policy()) as broker:
            bgtd = self.enterContext(Bgtd(options=['--bus', 'system'], environment={'DBUS_SYSTEM_BUS_ADDRESS': broker.address}))
            with broker.connect() as client:
                client.call('Subscribe')
                client.send_call('Wait', 'atta{sv}', [run_command(client, 'sleep', '1000')], 2**64 - 1, {})
                client.call('Status')
        with bgtd.connect() as bus:
            wait_for(bus, run_command(bus, 'true'))
        self.assertEqual(bgtd.stop(), 0)


if __name__ == '__main__':
    bgtkit.main()
