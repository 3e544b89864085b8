# SPDX-License-Identifier: MIT
"""
A private bgtd for a test: directories, a cgroup and a keeper of its own, all
gone afterwards. Whatever is waited for has a deadline; nothing sleeps.
"""

import ctypes
import errno
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from dbuswire import PATIENCE, Connection, Variant, deadline

SKIPPED = 77
BUILD_DIR = os.environ.get('BGT_BUILD_DIR') or os.path.join(os.path.dirname(__file__), '../../build')
SOURCE_DIR = os.environ.get('BGT_SOURCE_DIR') or os.path.join(os.path.dirname(__file__), '../..')
PROGRAM = os.path.join(BUILD_DIR, 'supervisor/bgtd')


def find_cgroup2():
    """The mount of cgroup v2, wherever it is."""
    with open('/proc/self/mounts', encoding='utf-8') as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == 'cgroup2':
                return fields[1]
    return None


def is_sanitized():
    """Whether bgtd was built with an address sanitizer, whose memory is no measure."""
    if not os.path.exists(PROGRAM):
        return False
    with open(PROGRAM, 'rb') as file:
        return b'__asan_init' in file.read()


def need():
    """Why this machine cannot run such a test; None if it can."""
    if os.geteuid() != 0:
        return 'this needs root'
    mount = find_cgroup2()
    if not mount or not os.access(mount, os.W_OK):
        return 'this needs a writable cgroup v2'
    if not os.access(PROGRAM, os.X_OK):
        return f'{PROGRAM} is not built'
    return None


def main():
    """Runs the tests of the calling file."""
    reason = need()
    if reason:
        print(f'skipped: {reason}')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)


class Cgroup:
    """A cgroup of our own, and whatever is made below it."""

    _count = 0

    def __init__(self):
        Cgroup._count += 1
        self.path = os.path.join(find_cgroup2(), f'bgt-test-{os.getpid()}-{Cgroup._count}')
        os.mkdir(self.path)

    def read(self, name):
        with open(os.path.join(self.path, name), encoding='utf-8') as file:
            return file.read()

    def populated(self):
        return 'populated 1' in self.read('cgroup.events')

    def wait_empty(self, timeout=30):
        """Until no process is left in it."""
        until = deadline(timeout)
        fd = os.open(os.path.join(self.path, 'cgroup.events'), os.O_RDONLY | os.O_CLOEXEC)
        try:
            poll = select.poll()
            poll.register(fd, select.POLLPRI)
            while 'populated 1' in os.pread(fd, 4096, 0).decode():
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f'processes are left in {self.path}')
                poll.poll(min(left, 1) * 1000)
        except OSError as e:
            # the last one out has removed it
            if e.errno != errno.ENODEV:
                raise
        finally:
            os.close(fd)

    def remove(self):
        try:
            with open(os.path.join(self.path, 'cgroup.kill'), 'w', encoding='utf-8') as file:
                file.write('1')
            self.wait_empty()
        except OSError as e:
            if e.errno not in (errno.ENOENT, errno.ENODEV):
                raise
            return
        for directory, _, _ in os.walk(self.path, topdown=False):
            # a zombie whose parent has not looked yet still holds its group
            until = deadline(10)
            while True:
                try:
                    os.rmdir(directory)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    if time.monotonic() > until:
                        raise


class Bgtd:
    """
    One bgtd. `types`: name to text of a type file; `settings`: text of
    bgtd.conf; `options`: more arguments; `prefix`: a command in front of it.
    """

    def __init__(self, types=None, settings='', options=(), environment=None, prefix=()):
        self.directory = tempfile.mkdtemp(prefix='bgt-test-')
        os.chmod(self.directory, 0o755)
        self.config = os.path.join(self.directory, 'config')
        self.state = os.path.join(self.directory, 'state')
        self.runtime = os.path.join(self.directory, 'run')
        self.bus = os.path.join(self.runtime, 'bus')
        self.log_path = os.path.join(self.directory, 'log')
        os.makedirs(os.path.join(self.config, 'types.d'))
        self.write_settings(settings)
        for name, text in (types or {}).items():
            self.write_type(name, text)
        self.options, self.prefix = list(options), list(prefix)
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.cgroup = Cgroup()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.clean_up()
            raise

    def __exit__(self, *_):
        self.clean_up()

    def write_settings(self, text):
        with open(os.path.join(self.config, 'bgtd.conf'), 'w', encoding='utf-8') as file:
            file.write(text)

    def write_type(self, name, text):
        with open(os.path.join(self.config, 'types.d', name + '.ini'), 'w', encoding='utf-8') as file:
            file.write(text)

    def log(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as file:
            return file.read()

    def arguments(self):
        return self.prefix + [PROGRAM, '--config-dir', self.config, '--state-dir', self.state, '--runtime-dir', self.runtime,
                              '--cgroup-root', self.cgroup.path] + self.options

    def start(self):
        """Returns when it has said that it is ready."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        path = os.path.join(self.directory, 'notify')
        if os.path.exists(path):
            os.unlink(path)
        notify.bind(path)
        os.chmod(path, 0o777)
        with open(self.log_path, 'ab') as log, notify:
            self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=dict(self.environment, NOTIFY_SOCKET=path), close_fds=True)
            self._wait_ready(notify)
        return self

    def _wait_ready(self, notify):
        pidfd, until = os.pidfd_open(self.process.pid), deadline(30)
        try:
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.register(notify, select.POLLIN)
            while True:
                ready = dict(poll.poll(max(until - time.monotonic(), 0) * 1000))
                if notify.fileno() in ready and b'READY=1' in notify.recv(4096):
                    return
                if pidfd in ready:
                    raise RuntimeError(f'bgtd has ended ({self.process.wait()}): {self.log()}')
                if not ready:
                    raise TimeoutError(f'bgtd is not ready: {self.log()}')
        finally:
            os.close(pidfd)

    def wait(self, timeout=30):
        """Its exit status."""
        return self.process.wait(timeout * PATIENCE)

    def stop(self):
        """As a stop of the service: the tasks stay. Its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.process.kill()
        return self.wait()

    def complaints(self):
        """What sanitizers had to say."""
        if not os.path.exists(self.log_path):
            return []
        return [line for line in self.log().splitlines() if re.search('runtime error:|ERROR: [A-Za-z]+Sanitizer', line)]

    def clean_up(self):
        if self.process and self.process.poll() is None:
            # gently, so that it can say what it has lost
            self.process.terminate()
            try:
                self.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        complaints, log = self.complaints(), ''
        if complaints:
            log = self.log()
        self.cgroup.remove()
        shutil.rmtree(self.directory)
        assert not complaints, log

    def connect(self, **options):
        return Connection(self.bus, **options)

    def run_client(self, *arguments, timeout=30, **options):
        """A program that talks to it; everything it says, as text."""
        return subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=timeout * PATIENCE, check=False, **options)


def variants(**values):
    """Options: key='text' and the like; a dash is written as two underscores, other types as Variant."""
    signatures = {bool: 'b', str: 's', list: 'as'}
    return {key.replace('__', '-'): value if isinstance(value, Variant) else Variant(signatures[type(value)], value)
            for key, value in values.items()}


def run_command(bus, *argv, fds=(), **options):
    """StartCommand; the id."""
    return bus.call('StartCommand', 'asa{sv}', list(argv), variants(**options), fds=fds)[0]


def properties(bus, task):
    return bus.call('GetAll', 's', 'org.bgt1.Task', path=f'/org/bgt1/task/_{task}', interface='org.freedesktop.DBus.Properties')


def wait_for(bus, *tasks, state=None, timeout=30):
    """The tasks' properties when they have ended, or have been in that state."""
    options = variants(**{'for': state}) if state else {}
    done, rows = bus.call('Wait', 'atta{sv}', list(tasks), int(timeout * PATIENCE * 1000), options, timeout=timeout + 10)
    assert done, f'{tasks} are not there in time: {rows}'
    return rows


def set_no_new_privs():
    """For preexec_fn: from here on nobody gains rights."""
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
