# SPDX-License-Identifier: MIT
"""
A D-Bus client of a few lines.

It speaks the protocol itself, so that tests can send what no library would,
and needs nothing but the standard library.
"""

import array
import contextlib
import os
import socket
import struct
import time

PATIENCE = float(os.environ.get('BGT_TEST_PATIENCE', '1'))

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY = 1

_FIXED = {'y': ('B', 1), 'b': ('I', 4), 'n': ('h', 2), 'q': ('H', 2), 'i': ('i', 4), 'u': ('I', 4),
          'x': ('q', 8), 't': ('Q', 8), 'd': ('d', 8), 'h': ('I', 4)}


class BusError(Exception):
    """An error reply."""

    def __init__(self, name, sentence):
        super().__init__(f'{name}: {sentence}')
        self.name = name
        self.sentence = sentence


class Gone(Exception):
    """The other side has closed the connection."""


class Late(Exception):
    """Nothing came in time."""


def deadline(seconds):
    return time.monotonic() + seconds * PATIENCE


def split_signature(signature):
    """'sa{sv}as' to ['s', 'a{sv}', 'as']"""
    parts, i = [], 0
    while i < len(signature):
        start = i
        while signature[i] == 'a':
            i += 1
        if signature[i] in '({':
            depth = 0
            while True:
                depth += {'(': 1, '{': 1, ')': -1, '}': -1}.get(signature[i], 0)
                i += 1
                if depth == 0:
                    break
        else:
            i += 1
        parts.append(signature[start:i])
    return parts


def alignment(t):
    if t[0] in _FIXED:
        return _FIXED[t[0]][1]
    return {'s': 4, 'o': 4, 'g': 1, 'a': 4, 'v': 1, '(': 8, '{': 8}[t[0]]


class Variant:
    def __init__(self, signature, value):
        self.signature, self.value = signature, value

    def __repr__(self):
        return f'Variant({self.signature!r}, {self.value!r})'


class Writer:
    def __init__(self):
        self.data = bytearray()

    def pad(self, n):
        self.data += bytes(-len(self.data) % n)

    def put(self, t, value):
        c = t[0]
        self.pad(alignment(t))
        if c in _FIXED:
            self.data += struct.pack('<' + _FIXED[c][0], value)
        elif c in 'so':
            raw = value if isinstance(value, bytes) else value.encode()
            self.data += struct.pack('<I', len(raw)) + raw + b'\0'
        elif c == 'g':
            self.data += bytes([len(value)]) + value.encode() + b'\0'
        elif c == 'v':
            self.put('g', value.signature)
            self.put(value.signature, value.value)
        elif c == 'a':
            self.put_array(t[1:], value)
        else:
            for part, element in zip(split_signature(t[1:-1]), value):
                self.put(part, element)

    def put_array(self, element, values):
        at = len(self.data)
        self.data += bytes(4)
        self.pad(alignment(element))
        start = len(self.data)
        for value in values.items() if isinstance(values, dict) else values:
            self.put(element, value)
        self.data[at:at + 4] = struct.pack('<I', len(self.data) - start)


class Reader:
    def __init__(self, data, fds=()):
        self.data, self.at, self.fds = data, 0, fds

    def take(self, n):
        if self.at + n > len(self.data):
            raise ValueError('message is too short')
        self.at += n
        return self.data[self.at - n:self.at]

    def get(self, t):
        c = t[0]
        self.at += -self.at % alignment(t)
        if c in _FIXED:
            letter, size = _FIXED[c]
            value = struct.unpack('<' + letter, self.take(size))[0]
            return bool(value) if c == 'b' else self.fds[value] if c == 'h' else value
        if c in 'so':
            value = bytes(self.take(struct.unpack('<I', self.take(4))[0]))
            self.take(1)
            return value.decode()
        if c == 'g':
            value = bytes(self.take(self.take(1)[0])).decode()
            self.take(1)
            return value
        if c == 'v':
            return self.get(self.get('g'))
        if c == 'a':
            return self.get_array(t[1:])
        return tuple(self.get(part) for part in split_signature(t[1:-1]))

    def get_array(self, element):
        size = struct.unpack('<I', self.take(4))[0]
        self.at += -self.at % alignment(element)
        end, values = self.at + size, []
        while self.at < end:
            values.append(self.get(element))
        return dict(values) if element[0] == '{' else values


def make_message(kind, serial, fields, signature='', args=(), flags=0, n_fds=0):
    """`fields`: number to (signature, value)."""
    body, fields = Writer(), dict(fields)
    for part, value in zip(split_signature(signature), args):
        body.put(part, value)
    if signature:
        fields[8] = ('g', signature)
    if n_fds:
        fields[9] = ('u', n_fds)
    head = Writer()
    for part, value in zip('yyyyuu', (ord('l'), kind, flags, 1, len(body.data), serial)):
        head.put(part, value)
    head.put('a(yv)', [(number, Variant(*field)) for number, field in fields.items()])
    head.pad(8)
    return bytes(head.data + body.data)


class Message:
    def __init__(self, kind, flags, serial, fields, args):
        self.kind, self.flags, self.serial, self.args = kind, flags, serial, args
        self.path, self.interface, self.member = fields.get(1), fields.get(2), fields.get(3)
        self.error, self.reply_to, self.sender = fields.get(4), fields.get(5), fields.get(7)


@contextlib.contextmanager
def credentials(uid, gid=None, groups=()):
    """Within it this process is, for whom it connects to, that user."""
    if uid is None:
        yield
        return
    old = os.getgroups()
    os.setgroups(list(groups))
    os.setegid(uid if gid is None else gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(old)


class Connection:
    """One connection; the handshake is made on the way unless `raw`."""

    def __init__(self, path, uid=None, gid=None, groups=(), raw=False, hello=False):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.serial = 0
        self.buffer = bytearray()
        self.fds = []
        self.replies = {}
        self.signals = []
        try:
            with credentials(uid, gid, groups):
                self.socket.connect(path)
            if not raw:
                self.handshake(os.getuid() if uid is None else uid)
            if hello:
                self.call('Hello', path='/org/freedesktop/DBus', interface='org.freedesktop.DBus', destination='org.freedesktop.DBus')
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []

    def handshake(self, uid):
        name = str(uid).encode().hex().encode()
        self.send(b'\0AUTH EXTERNAL ' + name + b'\r\nNEGOTIATE_UNIX_FD\r\n')
        answer, until = b'', deadline(10)
        while answer.count(b'\r\n') < 2:
            self.socket.settimeout(max(until - time.monotonic(), 0.001))
            part = self.socket.recv(256)
            if not part:
                raise Gone
            answer += part
        if not answer.startswith(b'OK ') or b'AGREE_UNIX_FD' not in answer:
            raise ConnectionRefusedError(answer.decode(errors='replace'))
        self.send(b'BEGIN\r\n')

    def send(self, data, fds=()):
        self.socket.settimeout(10 * PATIENCE)
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
        sent = self.socket.sendmsg([data], control)
        while sent < len(data):
            sent += self.socket.send(data[sent:])

    def send_call(self, member, signature='', *args, path='/org/bgt1', interface='org.bgt1.Manager',
                  flags=0, fds=(), destination='org.bgt1'):
        """Returns the serial to wait for."""
        self.serial += 1
        fields = {1: ('o', path), 2: ('s', interface), 3: ('s', member), 6: ('s', destination)}
        self.send(make_message(CALL, self.serial, fields, signature, args, flags, len(fds)), fds)
        return self.serial

    def receive(self, until):
        """The next message, whatever it is; Late, Gone."""
        while True:
            message = self.parse()
            if message:
                return message
            left = until - time.monotonic()
            if left <= 0:
                raise Late
            self.socket.settimeout(left)
            try:
                data, control, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(16 * 4))
            except (socket.timeout, TimeoutError):
                raise Late from None
            except ConnectionResetError:
                raise Gone from None
            for level, kind, raw in control:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds = array.array('i')
                    fds.frombytes(raw[:len(raw) - len(raw) % fds.itemsize])
                    self.fds += fds
            if not data:
                raise Gone
            self.buffer += data

    def parse(self):
        if len(self.buffer) < 16:
            return None
        body, serial, fields = struct.unpack('<III', self.buffer[4:16])
        start = 16 + fields + -fields % 8
        if len(self.buffer) < start + body:
            return None
        head = Reader(bytes(self.buffer[:start]))
        head.at = 12
        entries = dict(head.get('a(yv)'))
        n_fds = entries.get(9, 0)
        reader = Reader(bytes(self.buffer[start:start + body]), self.fds[:n_fds])
        args = [reader.get(t) for t in split_signature(entries.get(8, ''))]
        message = Message(self.buffer[1], self.buffer[2], serial, entries, args)
        # handed out: the test closes them
        self.fds = self.fds[n_fds:]
        del self.buffer[:start + body]
        return message

    def reply(self, serial, timeout=30):
        """The arguments of the answer, as a list; BusError."""
        until = deadline(timeout)
        while serial not in self.replies:
            message = self.receive(until)
            if message.kind == SIGNAL:
                self.signals.append(message)
            elif message.reply_to is not None:
                self.replies[message.reply_to] = message
        message = self.replies.pop(serial)
        if message.kind == ERROR:
            raise BusError(message.error, message.args[0] if message.args else '')
        return message.args

    def call(self, member, signature='', *args, timeout=30, **options):
        """The result; a tuple if there are several, None if there is none."""
        args = self.reply(self.send_call(member, signature, *args, **options), timeout)
        return None if not args else args[0] if len(args) == 1 else tuple(args)

    def signal(self, match=lambda message: True, timeout=30):
        """The next signal that matches; the ones before it are dropped."""
        until = deadline(timeout)
        while True:
            while self.signals:
                message = self.signals.pop(0)
                if match(message):
                    return message
            message = self.receive(until)
            if message.kind == SIGNAL:
                self.signals.append(message)
            elif message.reply_to is not None:
                self.replies[message.reply_to] = message

    def wait_gone(self, timeout=30):
        """Until the other side has closed the connection."""
        until = deadline(timeout)
        try:
            while True:
                self.receive(until)
        except Gone:
            return
