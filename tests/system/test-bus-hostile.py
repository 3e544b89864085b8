#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""P-45: a client that floods, stalls or sends garbage hurts itself only."""

import fcntl
import os
import random
import resource
import select
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, run_command, variants, wait_for
from dbuswire import CALL, PATIENCE, BusError, Connection, Gone, Late, Variant, deadline, make_message

NOBODY = 65534
FIELDS = {1: ('o', '/org/bgt1'), 2: ('s', 'org.bgt1.Manager'), 3: ('s', 'Status')}
LIMITS = 'org.freedesktop.DBus.Error.LimitsExceeded'


def header(body=0, fields=0, order=b'l'):
    """The first 16 bytes of a message that says it is so long."""
    return order + struct.pack(('<' if order == b'l' else '>') + 'BBBIII', CALL, 0, 1, body, 1, fields)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        cls.bgtd = cls.enterClassContext(Bgtd(settings='[Access]\nMaxMessageBytes=1M\n', types={
            'sleep': '[Task]\nExecStart=/bin/sleep 1000\n[Control]\nPause=direct\nCancel=direct\n'}))

    def setUp(self):
        self.bus = self.bgtd.connect()
        self.addCleanup(self.bus.close)

    def tearDown(self):
        """Whatever it was: it has hurt nobody."""
        self.assertIsNone(self.bgtd.process.poll(), self.bgtd.log())
        with self.bgtd.connect() as other:
            wait_for(other, run_command(other, 'true'))

    def connect(self, **options):
        connection = self.bgtd.connect(**options)
        self.addCleanup(connection.close)
        return connection

    def send_until_gone(self, connection, data):
        """Sends it again and again; the bytes it got rid of."""
        sent = 0
        connection.socket.settimeout(30 * PATIENCE)
        try:
            while sent < 1 << 31:
                sent += connection.socket.send(data)
        except (BrokenPipeError, ConnectionResetError):
            return sent
        self.fail('it takes whatever comes')

    def fork_flooder(self, data):
        pid = os.fork()
        if pid == 0:
            try:
                connection = Connection(self.bgtd.bus)
                while True:
                    connection.send(data)
            finally:
                os._exit(0)
        return pid

    def memory(self):
        with open(f'/proc/{self.bgtd.process.pid}/status', encoding='utf-8') as file:
            for line in file:
                if line.startswith('VmRSS'):
                    return int(line.split()[1]) * 1024

    def assert_grown_less(self, before, n_bytes):
        if not bgtkit.is_sanitized():
            self.assertLess(self.memory() - before, n_bytes)

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.bgtd.process.pid}/fd'))

    def wait_descriptors(self, at_most):
        """Clients are let go of when the loop sees that they have gone; each call is a turn of it."""
        until = deadline(30)
        while self.descriptors() > at_most:
            self.assertLess(time.monotonic(), until, 'descriptors are left over')
            self.bus.call('Status')

    def test_random_bytes_are_refused(self):
        rng = random.Random(1)
        for n in range(200):
            with self.subTest(n):
                connection = self.connect(raw=n % 2 == 0)
                try:
                    connection.send(rng.randbytes(rng.randrange(1, 5000)))
                    if n % 2 == 0:
                        connection.socket.shutdown(socket.SHUT_WR)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                connection.close()

    def test_a_handshake_of_garbage_is_refused(self):
        for garbage in (b'A' * 100_000, b'\0' * 100_000, b'\0AUTH EXTERNAL ' + b'3' * 100_000, b'\0' + b'DATA\r\n' * 20_000,
                        b'\0BEGIN\r\n' + b'x' * 100, b'\0AUTH\r\nBEGIN\r\n' + header(), b'\0AUTH EXTERNAL zz\r\nBEGIN\r\n'):
            with self.subTest(garbage[:20]):
                connection = self.connect(raw=True)
                try:
                    connection.send(garbage)
                    connection.wait_gone()
                except (BrokenPipeError, ConnectionResetError):
                    pass

    def test_half_a_handshake_holds_nobody_up(self):
        for part in (b'', b'\0', b'\0AU', b'\0AUTH EXTERNAL 30\r', b'\0AUTH EXTERNAL 30\r\nBEGIN\r'):
            connection = self.connect(raw=True)
            if part:
                connection.send(part)
        self.bus.call('Status')

    def test_a_handshake_and_a_call_may_come_in_any_pieces(self):
        uid = str(os.getuid()).encode().hex().encode()
        stream = b'\0AUTH EXTERNAL ' + uid + b'\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n' + make_message(CALL, 1, FIELDS)
        for cut in list(range(1, len(stream))) + [len(stream)]:
            connection = self.connect(raw=True)
            connection.send(stream[:cut])
            if cut < len(stream):
                # one turn of the loop in between
                self.bus.call('Status')
                connection.send(stream[cut:])
            # the answers of the handshake come before the message
            data, until = b'', deadline(10)
            while b'Main Loop' not in data:
                self.assertLess(time.monotonic(), until, f'no answer after a cut at {cut}')
                connection.socket.settimeout(10 * PATIENCE)
                part = connection.socket.recv(65536)
                self.assertTrue(part, f'dropped after a cut at {cut}')
                data += part
            connection.close()

    def test_byte_by_byte_is_fine(self):
        connection = self.connect()
        for byte in make_message(CALL, 1, FIELDS):
            connection.send(bytes([byte]))
        connection.serial = 1
        self.assertEqual(connection.reply(1)[0]['Status'], 'Main Loop')

    def test_a_message_of_a_huge_length_is_refused_before_it_comes(self):
        for n, head in enumerate((header(body=(1 << 20) + 1), header(body=0xffffffff), header(fields=0xffffffff), header(0xffffffff, 0xffffffff),
                                  header(body=1 << 21, order=b'B'), header(order=b'x'), b'\0' * 16, b'\xff' * 16)):
            with self.subTest(n):
                connection = self.connect()
                connection.send(head)
                connection.wait_gone()

    def test_the_bound_is_a_setting(self):
        connection = self.connect()
        task = run_command(connection, 'true', 'x' * 900_000)
        wait_for(connection, task)
        with self.assertRaises((Gone, BrokenPipeError, ConnectionResetError)):
            run_command(connection, 'true', 'x' * (1 << 20))

    def test_messages_that_are_wrong_inside_hurt_nobody(self):
        good = bytearray(make_message(CALL, 1, {**FIELDS, 3: ('s', 'List')}, 'a{sv}as', ({'limit': Variant('t', 1)}, ['Id'])))
        rng = random.Random(2)
        for n in range(500):
            bad = bytearray(good)
            for _ in range(rng.randrange(1, 4)):
                bad[rng.randrange(16, len(bad))] = rng.randrange(256)
            connection = self.connect()
            connection.send(bytes(bad))
            # dropped, answered, or thrown away: then the next one is answered
            try:
                connection.serial = 1
                connection.call('Status')
            except (Gone, BrokenPipeError, ConnectionResetError):
                pass
            connection.close()

    def test_a_value_nested_deep_is_refused(self):
        value = Variant('u', 1)
        for _ in range(60):
            value = Variant('v', value)
        connection = self.connect()
        connection.send_call('List', 'a{sv}as', {'limit': value}, [])
        connection.send_call('List', 'a{sv}as', {'limit': Variant('a' * 30 + 'u', [])}, [])
        connection.close()

    def test_sockets_closed_in_mid_request_are_let_go_of(self):
        task = run_command(self.bus, 'sleep', '1000')
        wait_for(self.bus, task, state='Running')
        before = self.descriptors()
        message = make_message(CALL, 1, {**FIELDS, 3: ('s', 'Wait')}, 'atta{sv}', ([task], 2**64 - 1, {}))
        for cut in range(1, len(message) + 1, 3):
            connection = self.connect()
            connection.send(message[:cut])
            connection.close()
        self.wait_descriptors(before)
        self.bus.call('Cancel', 'ata{sv}', [task], {})

    def test_a_start_whose_client_has_gone_goes_on(self):
        last = self.bus.call('Status')['LastId']
        for _ in range(20):
            connection = self.connect()
            connection.send_call('StartCommand', 'asa{sv}', ['true'], {})
            connection.close()
        until = deadline(30)
        while self.bus.call('Status')['LastId'] < last + 20:
            self.assertLess(time.monotonic(), until)
        for task in range(last + 1, last + 21):
            wait_for(self.bus, task)

    def test_a_thousand_idle_connections_are_nothing(self):
        before = self.descriptors()
        idle = [self.connect() for _ in range(1000)]
        start = time.monotonic()
        for _ in range(100):
            self.bus.call('Status')
        self.assertLess(time.monotonic() - start, 5 * PATIENCE)
        for connection in idle[::100]:
            self.assertEqual(connection.call('Status')['Status'], 'Main Loop')
        for connection in idle:
            connection.close()
        self.wait_descriptors(before)

    def test_a_user_has_a_bound_on_connections_and_the_next_user_has_his(self):
        held = []
        try:
            while len(held) < 6000:
                connection = self.connect(uid=NOBODY)
                held.append(connection)
                connection.call('Status')
        except (Gone, ConnectionResetError, BrokenPipeError):
            pass
        self.assertGreater(len(held), 200)
        self.assertLess(len(held), 2000)
        self.connect(uid=NOBODY - 1).call('Status')
        self.connect().call('Status')
        for connection in held:
            connection.close()

    def test_who_never_reads_is_dropped_and_costs_little(self):
        for _ in range(20):
            run_command(self.bus, 'sleep', '1000')
        before = self.memory()
        connection = self.connect()
        call = make_message(CALL, 1, {**FIELDS, 3: ('s', 'List')}, 'a{sv}as', ({}, []))
        self.send_until_gone(connection, call * 100)
        self.assert_grown_less(before, 100 << 20)
        for row in self.bus.call('List', 'a{sv}as', {}, ['Id']):
            self.bus.call('Cancel', 'ata{sv}', [row['Id']], {})

    def test_a_subscriber_that_never_reads_is_dropped(self):
        connection = self.connect()
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.call('Subscribe')
        connection.call('Status')
        task = run_command(self.bus, 'sleep', '1000')
        wait_for(self.bus, task, state='Running')
        poll = select.poll()
        poll.register(connection.socket, select.POLLRDHUP | select.POLLHUP)
        until = deadline(60)
        while not poll.poll(0):
            self.assertLess(time.monotonic(), until, 'it is not dropped')
            for verb in ('Pause', 'Resume'):
                self.bus.call(verb, 'ata{sv}', [task], {})
        self.bus.call('Cancel', 'ata{sv}', [task], {})

    def test_a_user_has_a_bound_on_subscriptions(self):
        """Each makes every change dearer for everybody."""
        watchers = [self.connect(uid=NOBODY) for _ in range(65)]
        for watcher in watchers[:-1]:
            watcher.call('Subscribe')
            watcher.call('Subscribe')
        with self.assertRaises(BusError) as caught:
            watchers[-1].call('Subscribe')
        self.assertEqual(caught.exception.name, LIMITS)
        watchers[0].call('Unsubscribe')
        watchers[-1].call('Subscribe')
        watchers[1].close()
        # it is let go of when the loop sees that it has gone
        until = deadline(30)
        while True:
            self.assertLess(time.monotonic(), until)
            try:
                watchers[0].call('Subscribe')
                break
            except BusError:
                pass

    def test_a_flood_does_not_keep_others_from_being_served(self):
        """Nor timers: the wait below ends by one."""
        call = make_message(CALL, 1, FIELDS, flags=1) * 500
        flooders = [self.fork_flooder(call) for _ in range(4)]
        try:
            # a type that has no progress to be asked for
            task = self.bus.call('Start', 'sa{ss}a{sv}', 'sleep', {}, {})[0]
            for _ in range(20):
                start = time.monotonic()
                done, _ = self.bus.call('Wait', 'atta{sv}', [task], 20, {})
                self.assertFalse(done)
                self.assertLess(time.monotonic() - start, 5 * PATIENCE)
            self.bus.call('Pause', 'ata{sv}', [task], {})
            self.bus.call('Cancel', 'ata{sv}', [task], {})
            # news come last in a turn
            self.bus.call('Subscribe')
            task = run_command(self.bus, 'true')
            self.bus.signal(lambda m: m.args[0].get('Id') == task and m.args[0]['HasEnded'])
        finally:
            for pid in flooders:
                os.kill(pid, 9)
                os.waitpid(pid, 0)

    def test_too_many_pending_calls_are_refused(self):
        task = run_command(self.bus, 'sleep', '1000')
        connection = self.connect()
        serials = [connection.send_call('Wait', 'atta{sv}', [task], 2**64 - 1, {}) for _ in range(1001)]
        with self.assertRaises(BusError) as caught:
            connection.reply(serials[-1])
        self.assertEqual(caught.exception.name, LIMITS)
        self.bus.call('Cancel', 'ata{sv}', [task], {})
        for serial in serials[:-1]:
            self.assertTrue(connection.reply(serial)[0])

    def test_pending_requests_of_a_user_have_a_bound_in_bytes(self):
        task = run_command(self.bus, 'sleep', '1000')
        connection = self.connect()
        refused = 0
        ids = [task] * 10_000
        serials = [connection.send_call('Wait', 'atta{sv}', ids, 2**64 - 1, {}) for _ in range(900)]
        self.bus.call('Cancel', 'ata{sv}', [task], {})
        for serial in serials:
            try:
                connection.reply(serial)
            except BusError as e:
                self.assertEqual(e.name, LIMITS)
                refused += 1
        self.assertGreater(refused, 0)
        self.assertLess(refused, 500)

    def test_descriptors_that_nobody_asked_for_are_closed(self):
        before = self.descriptors()
        out, into = os.pipe()
        for n in range(50):
            connection = self.connect()
            connection.send_call('Status', fds=[into] * 10)
            connection.call('Status')
            connection.send(header(body=100)[:8], fds=[into])
            connection.close()
        os.close(into)
        self.wait_descriptors(before)
        # ours was the last one, if bgtd has none
        poll = select.poll()
        poll.register(out, select.POLLIN)
        self.assertTrue(poll.poll(10_000 * PATIENCE))
        self.assertEqual(os.read(out, 1), b'')
        os.close(out)

    def test_descriptors_of_who_may_not_run_commands_are_refused(self):
        out, into = os.pipe()
        connection = self.connect(uid=NOBODY)
        connection.call('Status')
        try:
            connection.send_call('Status', fds=[into])
            connection.wait_gone()
        except (BrokenPipeError, ConnectionResetError):
            pass
        os.close(into)
        self.assertEqual(os.read(out, 1), b'')
        os.close(out)

    def test_too_many_descriptors_are_refused(self):
        out, into = os.pipe()
        connection = self.connect()
        try:
            connection.send_call('Status', fds=[into] * 100)
            connection.wait_gone()
        except (BrokenPipeError, ConnectionResetError):
            pass
        os.close(out)
        os.close(into)

    def test_a_descriptor_that_is_promised_and_does_not_come_is_an_error(self):
        connection = self.connect()
        for options in (variants(input=Variant('h', 7)), variants(stdout=Variant('h', 0xffffffff))):
            serial = connection.send_call('StartCommand', 'asa{sv}', ['true'], options)
            try:
                with self.assertRaises(BusError):
                    connection.reply(serial, timeout=2)
            except Late:
                # thrown away as a message that is wrong in itself
                pass

    def test_a_stopped_client_holds_up_nobody(self):
        """It is stopped in the middle of a message, with all its buffers full."""
        connection = self.connect()
        connection.send(make_message(CALL, 1, FIELDS)[:-5])
        fcntl.fcntl(connection.socket, fcntl.F_SETFL, os.O_NONBLOCK)
        for _ in range(100):
            self.bus.call('Status')
        task = run_command(self.bus, 'sleep', '1000')
        wait_for(self.bus, task, state='Running')
        self.bus.call('Cancel', 'ata{sv}', [task], {})
        wait_for(self.bus, task)

    def test_large_messages_that_never_end_have_a_bound_for_all_of_a_user(self):
        before, held = self.memory(), []
        try:
            for _ in range(200):
                held.append(self.connect(uid=NOBODY))
                held[-1].send(header(body=1 << 19, fields=0) + b'x' * 500_000)
                held[-1].socket.settimeout(0.001)
        except (Gone, ConnectionResetError, BrokenPipeError):
            pass
        self.bus.call('Status')
        self.assert_grown_less(before, 128 << 20)
        for connection in held:
            connection.close()


if __name__ == '__main__':
    bgtkit.main()
