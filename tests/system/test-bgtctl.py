#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bgtctl as its users see it: every verb, every exit status, over restarts of bgtd."""

import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd
from dbuswire import ERROR, PATIENCE, Connection, deadline, make_message

BGTCTL = os.path.join(bgtkit.BUILD_DIR, 'ctl/bgtctl')

TYPES = {
    'echo': r'''[Task]
DisplayType=Echo
ExecStart=/bin/sh -c 'printf "%s\\n" "$$1"; exit $$2' sh ${text} ${status}
Output=file
[Control]
Pause=direct
Cancel=direct
[Parameter text]
Default=hello
AllowDash=yes
[Parameter status]
Type=integer
Default=0
[Parameter password]
Secret=yes
[Display]
Text=${text} | The text
''',
    'script': '''[Task]
ExecStart=/bin/sh -c ${script}
Output=file
[Control]
Pause=direct
Cancel=direct
[Parameter script]
''',
    'fixed': '''[Task]
ExecStart=/bin/sleep 1000
''',
}

LINES = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; sleep 0.02; done; exit 9'


class Base(unittest.TestCase):
    def setUp(self):
        self.bgtd = self.enterContext(Bgtd(TYPES))

    def start(self, *arguments, socket=None, **options):
        """bgtctl, running."""
        options = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **options}
        process = subprocess.Popen([BGTCTL, '--socket', socket or self.bgtd.bus, *arguments], text=True, errors='surrogateescape', **options)
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

    def run_it(self, *arguments, status=0, data=None, **options):
        """Its standard output; the exit status has to be the one given. Standard error is kept in self.error."""
        if data is not None:
            options['stdin'] = subprocess.PIPE
        process = self.start(*arguments, **options)
        output, self.error = process.communicate(data, timeout=60 * PATIENCE)
        self.assertEqual(process.returncode, status, (arguments, output, self.error))
        return output

    def id_of(self, *arguments, **options):
        return int(self.run_it(*arguments, **options))

    def running(self, *arguments):
        """The id of a task that runs."""
        task = self.id_of(*arguments)
        self.run_it('wait', '--for', 'running', str(task))
        return task

    def sleeper(self):
        return self.running('run', '--', 'sleep', '1000')

    def cancel(self, *arguments):
        """What it says. A task whose processes are gone is listed as ending until that is durable."""
        output = self.run_it('cancel', *arguments)
        for line in output.splitlines():
            self.run_it('wait', line.split()[0], status=130)
        return output

    def script_output(self, script):
        """The id of a script that has ended."""
        task = str(self.id_of('start', 'script', f'script={script}'))
        self.run_it('wait', task)
        return task


class Statuses(Base):
    def test_the_exit_status_of_run_wait_is_the_commands(self):
        for status in (0, 1, 2, 3, 77, 124, 125, 130, 200, 255):
            self.run_it('run', '--wait', '--', 'sh', '-c', f'exit {status}', status=status)
            self.assertEqual(self.error, '')
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL, signal.SIGABRT):
            self.run_it('run', '--wait', '--', 'sh', '-c', f'ulimit -c 0; kill -{int(number)} $$', status=128 + number)

    def test_a_command_that_cannot_be_run_is_told(self):
        self.run_it('run', '--wait', '--', '/nonexistent/program', status=1)
        self.assertIn('/nonexistent/program', self.error)

    def test_wait_speaks_for_its_tasks_in_their_order(self):
        good, five, six = (str(self.id_of('start', 'echo', f'status={n}')) for n in (0, 5, 6))
        self.run_it('wait', good, status=0)
        self.run_it('wait', f'{good},{six},{five}', status=6)
        self.run_it('wait', five, good, six, status=5)
        self.run_it('wait', f'{good}-{six}', status=5)
        killed = self.sleeper()
        self.cancel(str(killed))
        self.run_it('watch', five, status=5)

    def test_time_that_is_up_is_124(self):
        task = str(self.sleeper())
        for verb in ('wait', 'watch'):
            self.run_it(verb, '--timeout', '200ms', task, status=124)
            self.run_it(verb, '--timeout', '0', task, status=124)
        self.run_it('run', '--wait', '--timeout', '300ms', '--', 'sleep', '1000', status=124)
        self.run_it('wait', '--for', 'running', task)
        self.run_it('wait', '--for', 'paused', '--timeout', '200ms', task, status=124)
        self.run_it('pause', task)
        self.run_it('wait', '--for', 'paused', task)

    def test_bgtctls_own_trouble_is_told_from_the_tasks(self):
        self.run_it('wait', '999', status=125)
        self.run_it('wait', status=125)
        self.run_it('watch', '--nonsense', '1', status=125)
        self.run_it('start', '--wait', 'nosuch', status=125)
        self.run_it('run', '--wait', '--socket', '/nonexistent', '--', 'true', socket='/tmp', status=125)

    def test_errors_have_their_statuses(self):
        fixed = str(self.running('start', 'fixed'))
        for arguments, status in (
                (('nonsense',), 2), (('list', '--at', '5'), 2), (('pause',), 2), (('pause', '1', '--all'), 2),
                (('run', 'ls'), 2), (('run', '--'), 2), (('start', 'echo', 'x'), 2), (('signal', fixed, 'FOO'), 2),
                (('show', '999'), 3), (('start', 'nosuch'), 3), (('logs', '999'), 3), (('types', 'nosuch'), 3),
                (('pause', '999'), 3), (('cancel', '--all', '--type', 'echo'), 2), (('cancel', '--type', 'echo'), 3),
                (('pause', fixed), 4), (('resume', fixed), 4), (('cancel', fixed), 4),
                (('start', 'echo', 'status=x'), 8), (('start', 'echo', 'nosuch=1'), 8), (('logs', fixed, '--attempt', '7'), 8)):
            output = self.run_it(*arguments, status=status)
            self.assertEqual(output, '')
            self.assertEqual(len(self.error.splitlines()), 1, self.error)
            self.assertTrue(self.error.startswith('bgtctl: '), self.error)

    def test_options_of_later_features_are_not_there(self):
        for option in ('--at', '--in', '--after', '--after-ok', '--queue', '--device', '--hold', '--now', '--unique', '--retry',
                       '--max-results', '--simulate', '--session', '--from', '--error-level'):
            self.run_it('start', 'echo', option, status=2)

    def test_access_is_5(self):
        task = str(self.sleeper())

        def become():
            os.setgroups([])
            os.setgid(1)
            os.setuid(1)

        for arguments in (('cancel', task), ('logs', task), ('manager', 'reload'), ('start', 'echo', '--as', 'root')):
            self.run_it(*arguments, status=5, preexec_fn=become)
        self.assertIn('sleep', self.run_it('list', '--columns', 'Id,Command'))
        self.assertNotIn('sleep', self.run_it('list', '--columns', 'Id,Command', preexec_fn=become))

    def test_every_error_of_the_bus_has_its_status(self):
        with FakeServer() as server:
            for name, status in (('NotRunnable', 9), ('QueueFull', 7), ('TimedOut', 6), ('AccessDenied', 5), ('Store', 1),
                                 ('Failed', 1), ('NoController', 1), ('Other', 1)):
                server.error = (f'org.bgt1.Error.{name}', 'A sentence with \x1b[31m in it.')
                self.run_it('status', status=status, socket=server.path)
                self.assertEqual(self.error, 'bgtctl: A sentence with \\x1b[31m in it.\n')
                document = json.loads(self.run_it('--json', 'status', status=status, socket=server.path))
                self.assertEqual(document['error'], {'name': server.error[0], 'message': server.error[1]})

    def test_a_server_that_is_silent_or_hangs_up_holds_nobody(self):
        with FakeServer() as server:
            began = time.monotonic()
            self.run_it('status', '--timeout', '300ms', status=6, socket=server.path)
            self.assertLess(time.monotonic() - began, 10 * PATIENCE)
            server.hang_up = True
            self.run_it('status', status=10, socket=server.path)

    def test_nobody_there_is_10_and_says_what_helps(self):
        self.run_it('status', status=10, socket='/nonexistent/bus')
        self.assertIn('start it', self.error)
        self.bgtd.kill()
        self.run_it('list', status=10)

    def test_nothing_is_sent_to_a_socket_of_somebody_else(self):  # P-45
        with FakeServer() as server:
            os.chown(server.path, 1, 1)
            self.run_it('status', status=10, socket=server.path)
        with FakeServer(uid=1) as server:
            self.run_it('status', status=10, socket=server.path)
            self.assertEqual(server.received, b'')


class FakeServer:
    """Lets everybody in and answers every call with one error, or not at all."""

    def __init__(self, uid=0):
        self.directory = tempfile.TemporaryDirectory()
        os.chmod(self.directory.name, 0o755)
        self.path = os.path.join(self.directory.name, 'bus')
        self.error, self.hang_up, self.received = None, False, b''
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.socket.bind(self.path)
        # who listens is who is seen at the other end
        os.seteuid(uid)
        self.socket.listen(8)
        os.seteuid(0)
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.socket.close()
        self.directory.cleanup()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                self.serve_client(client)

    def serve_client(self, client):
        data = b''
        while b'BEGIN\r\n' not in data:
            part = client.recv(4096)
            if not part:
                return
            data += part
            self.received += part
        client.sendall((b'DATA\r\n' if b'DATA' in data else b'') + b'OK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n')
        connection = Connection.__new__(Connection)
        connection.socket, connection.buffer, connection.fds = client, bytearray(data[data.index(b'BEGIN\r\n') + 7:]), []
        call = connection.receive(deadline(10))
        if self.hang_up:
            return
        if self.error:
            client.sendall(make_message(ERROR, 1, {4: ('s', self.error[0]), 5: ('u', call.serial)}, 's', [self.error[1]]))
        while client.recv(4096):
            pass


class Verbs(Base):
    def test_json_is_a_document_with_the_properties_of_the_bus(self):
        task = self.id_of('start', 'echo', '--name', 'one\ntwo', '--label', 'x')
        self.run_it('wait', str(task))
        shown = json.loads(self.run_it('show', '--json', str(task)))
        self.assertEqual((shown['Id'], shown['Name'], shown['RunningState'], shown['ExitCode']), (task, 'one\ntwo', 'Done', 0))
        self.assertRegex(shown['FinishTime'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$')
        self.assertIsNone(shown['Signal'])
        listed = json.loads(self.run_it('list', '--every', '--json'))
        self.assertEqual([row['Id'] for row in listed], [task])
        self.assertEqual(set(listed[0]), set(shown))
        self.assertEqual(json.loads(self.run_it('list', '--json')), [])
        self.assertEqual(json.loads(self.run_it('list', '--json', '--every', '--columns', 'id,label')), [{'Id': task, 'Label': 'x'}])
        self.assertEqual(json.loads(self.run_it('status', '--json'))['LastId'], task)
        self.assertEqual(json.loads(self.run_it('--json'))['tasks'], [])
        self.assertEqual({it['Name'] for it in json.loads(self.run_it('types', '--json'))}, set(TYPES))
        self.assertEqual(json.loads(self.run_it('types', 'echo', '--json'))['Name'], 'echo')
        self.assertEqual(json.loads(self.run_it('logs', '--json', str(task))), {'Line': 'hello'})
        self.assertEqual(json.loads(self.run_it('watch', '--json', str(task)))['Phase'], 'done')
        self.assertEqual(json.loads(self.run_it('start', 'echo', '--json'))['Id'], task + 1)
        self.assertEqual(json.loads(self.run_it('pause', '999', '--json', status=3))[0]['Error'], 'org.bgt1.Error.NoSuchTask')
        self.assertEqual(json.loads(self.run_it('show', '--json', '999', status=3))['error']['name'], 'org.bgt1.Error.NoSuchTask')
        self.assertEqual(self.error, '')

    def test_show_prints_one_bare_value(self):
        task = str(self.id_of('start', 'echo', '--name', 'one\ntwo', 'status=4', 'password=geheim'))
        self.run_it('wait', task, status=4)
        for name, value in (('Id', task), ('Name', 'one\ntwo'), ('exitcode', '4'), ('Signal', ''), ('HasEnded', 'true'),
                            ('Error.code', 'ExitStatus'), ('Parameters.text', 'hello'), ('Text', 'hello'), ('Nonsense.x', None)):
            output = self.run_it('show', '-p', name, task, status=0 if value is not None else 2)
            self.assertEqual(output, f'{value}\n' if value is not None else '')
        self.assertNotIn('geheim', self.run_it('show', task) + self.run_it('show', '--json', task))
        self.assertIn('one\\ntwo', self.run_it('show', task))

    def test_tasks_are_selected_alike_by_every_verb(self):
        first, second = (self.running('run', '--label', label, '--', 'sleep', '1000') for label in ('a', 'b'))
        third = self.running('start', 'fixed')
        self.assertEqual(self.run_it('pause', '--label', 'a'), f'{first} paused\n')
        self.assertEqual(self.run_it('list', '--state', 'paused', '--columns', 'Id').split(), ['ID', str(first)])
        self.assertEqual(self.run_it('resume', f'{first}-{first + 1000}', status=4), f'{first} resumed\n')
        self.assertEqual(len(self.error.splitlines()), 2)
        self.assertEqual(self.run_it('pause', f'{second},{first},{second}'), f'{second} paused\n{first} paused\n')
        self.assertEqual(self.cancel('--type', 'command'), f'{first} cancelled\n{second} cancelled\n')
        self.assertEqual(self.cancel(f'1-{third}', '--force'), f'{third} cancelled\n')
        self.run_it('cancel', f'1-{third}', status=3)
        self.assertEqual(self.run_it('list', '--ended', '--columns', 'Id', '--sort', '-Id').split(), ['ID', *map(str, (third, second, first))])

    def test_self_is_the_task_that_asks(self):
        task = self.id_of('run', '--', BGTCTL, '--socket', self.bgtd.bus, 'show', '-p', 'Id', 'self')
        self.run_it('wait', str(task))
        self.assertEqual(self.run_it('logs', str(task)), f'{task}\n')

    def test_one_failure_does_not_hide_the_others(self):  # T-30
        first, fixed, second = self.sleeper(), self.running('start', 'fixed'), self.sleeper()
        self.assertEqual(self.run_it('freeze', f'{first}-{second}', '999', status=4), f'{first} paused\n{second} paused\n')
        self.assertEqual([line.split(':')[1].strip() for line in self.error.splitlines()], [str(fixed), '999'])
        self.run_it('thaw', str(first), str(second))
        self.run_it('kill', str(first), str(second))

    def test_arguments_arrive_as_they_are(self):
        words = ['a b', "quote ' \" $HOME `x`", '%s %n', '-x', '--wait', 'new\nline', 'ß日本', '', 'x' * 100000]
        output = self.run_it('run', '--wait', '--pipe', '--', sys.executable, '-c', 'import json, sys; print(json.dumps(sys.argv[1:]))', *words)
        self.assertEqual(json.loads(output), words)
        self.assertEqual(self.run_it('run', '--', b'\xff', status=8), '')
        text = ''.join(map(chr, range(1, 0x250)))
        task = self.id_of('start', 'echo', f'text={text}')
        self.run_it('wait', str(task))
        self.assertEqual(json.loads(self.run_it('show', '--json', str(task)))['Parameters']['text'], text)

    def test_run_takes_environment_directory_and_umask(self):
        output = self.run_it('run', '--wait', '--pipe', '--', 'sh', '-c', 'echo "$MARK"; pwd; umask',
                             cwd='/usr/lib', env={**os.environ, 'MARK': 'a\nb'}, preexec_fn=lambda: os.umask(0o027))
        self.assertEqual(output, 'a\nb\n/usr/lib\n0027\n')
        self.assertRegex(self.error, r'^Task \d+\.\n$')
        self.assertEqual(self.run_it('-q', 'run', '--wait', '--pipe', '--input', '-', '--', 'cat', data='through'), 'through')

    def test_parameters_come_from_json(self):
        task = self.id_of('start', 'echo', '--parameters-json', '-', 'status=3', data='{"text": "a=b\\n", "password": "geheim"}')
        self.run_it('wait', str(task), status=3)
        self.assertEqual(self.run_it('logs', str(task)), 'a=b\n\n')
        self.run_it('start', 'echo', '--parameters-json', '-', 'text=x', data='{"text": "y"}', status=2)
        self.run_it('start', 'echo', '--parameters-json', '-', data='{"text": []}', status=8)
        self.run_it('start', 'echo', '--parameters-json', '/nonexistent', status=1)

    def test_signals_reach_the_task(self):
        task = str(self.sleeper())
        self.assertEqual(self.run_it('signal', task, 'SIGTERM'), f'{task} signalled\n')
        self.run_it('wait', task, status=143)
        self.run_it('signal', task, '15', status=4)

    def test_types_are_shown_and_checked_without_a_supervisor(self):
        self.assertIn('echo', self.run_it('types'))
        self.assertIn('password', self.run_it('types', 'echo'))
        good = os.path.join(self.bgtd.config, 'types.d/echo.ini')
        self.assertEqual(self.run_it('types', 'check', good, socket='/nonexistent'), f'{good}: good\n')
        bad = os.path.join(self.bgtd.directory, 'bad.ini')
        with open(bad, 'w', encoding='utf-8') as file:
            file.write('[Task]\nExecStart=/bin/true\nNonsense=1\n')
        self.assertEqual(self.run_it('types', 'check', bad, good, status=8, socket='/nonexistent'), f'{good}: good\n')
        self.assertIn(f'{bad}:3', self.error)
        found = json.loads(self.run_it('types', 'check', '--json', bad, status=8))
        self.assertEqual((found[0]['Good'], found[0]['Path']), (False, bad))

    def test_reload_reads_types_again(self):
        self.bgtd.write_type('another', '[Task]\nExecStart=/bin/true\n')
        self.run_it('manager', 'reload')
        self.run_it('start', '--wait', 'another')
        self.bgtd.write_type('another', '[Task]\nNonsense=1\n')
        self.run_it('manager', 'reload', status=1)
        self.assertIn('another.ini', self.error)

    def test_logs_are_what_was_written(self):
        task = self.script_output('echo 1; echo 2 >&2; printf 3')
        for arguments, output in (((), '1\n2\n3'), (('-n', '2'), '2\n3'), (('-f',), '1\n2\n3'), (('--attempt', '0'), '1\n2\n3')):
            self.assertEqual(self.run_it('logs', task, *arguments), output)
        self.run_it('logs', task, '-n', '0', status=2)
        self.run_it('logs', f'{task},{task}0', status=2)


class Output(Base):
    def test_a_closed_pipe_ends_it_quietly(self):
        for _ in range(3):
            self.run_it('run', '--wait', '--', 'true')
        for ignored in (False, True):
            lister = self.start('list', '--every', preexec_fn=(lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN)) if ignored else None)
            lister.stdout.close()
            self.assertIn(lister.wait(30 * PATIENCE), (0, -signal.SIGPIPE))
            self.assertEqual(lister.stderr.read(), '')

    def test_a_full_disk_is_told(self):
        self.run_it('run', '--wait', '--', 'true')
        task = self.script_output('echo x')
        with open('/dev/full', 'w', encoding='utf-8') as full:
            for arguments in (('list', '--every'), ('status',), ('--help',), ('--version',), ('run', '--', 'true'), ('logs', task)):
                self.run_it(*arguments, status=1, stdout=full)
                self.assertIn('No space left on device', self.error)

    def test_what_tasks_are_called_cannot_reach_the_terminal(self):
        self.run_it('run', '--name', 'a\x1b[2J\n\u202eb', '--', 'sleep', '1000')
        output = self.run_it('list') + self.run_it('show', '1') + self.run_it('watch', '--once', '1')
        self.assertNotIn('\x1b', output)
        self.assertNotIn('\u202e', output)
        self.assertIn('a\\x1b[2J\\n\\u202eb', output)

    def test_quiet_is_quiet(self):
        task = str(self.sleeper())
        for arguments in (('pause', task), ('resume', task), ('cancel', task), ('manager', 'reload'), ('list',), ('wait', task)):
            self.assertEqual(self.run_it('-q', *arguments, status=130 if arguments[0] == 'wait' else 0), '')
            self.assertEqual(self.error, '')


class Terminals(Base):
    def on_terminal(self, *arguments, until=None, then=None, columns=80):
        """What it writes to a terminal; @then is typed when @until has come."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM='xterm', COLUMNS=str(columns), LINES='24', PAGER='head -n 3')
            os.execv(BGTCTL, [BGTCTL, '--socket', self.bgtd.bus, *arguments])
        output, end = b'', deadline(60)
        with os.fdopen(fd, 'rb+', buffering=0) as terminal:
            while True:
                self.assertTrue(select.select([fd], [], [], max(end - time.monotonic(), 0))[0], output)
                try:
                    part = os.read(fd, 65536)
                except OSError:
                    part = b''
                if not part:
                    break
                output += part
                if until and until in output:
                    until = terminal.write(then) and None
        return output.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def test_an_interrupt_leaves_the_task_running_and_says_so(self):
        for option, seen in (('--wait', b'\n'), ('--watch', b'running')):
            output, status = self.on_terminal('run', option, '--', 'sleep', '1000', until=seen, then=b'\x03')
            self.assertEqual(status, -signal.SIGINT)
            task = output.split()[0]
            self.assertIn(f'Task {task} goes on; bgtctl cancel {task} ends it.', output)
            self.run_it('wait', '--for', 'running', task)
            self.cancel(task)

    def test_watch_draws_its_lines_anew(self):
        task = self.id_of('run', '--', 'sh', '-c', 'sleep 1.2; exit 3')
        output, status = self.on_terminal('watch', str(task), columns=40)
        self.assertEqual(status, 3)
        self.assertIn('\x1b[1A', output)
        lines = [line.split('\x1b[1A')[-1].replace('\x1b[K', '') for line in output.split('\r\n')]
        self.assertTrue(all(len(line) < 40 for line in lines), lines)
        self.assertIn(f'{task} error', output)

    def test_tables_fit_and_have_color(self):
        self.run_it('run', '--name', 'x' * 300, '--', 'sleep', '1000')
        output, _ = self.on_terminal('list', columns=60)
        self.assertIn('\x1b[32mrunning\x1b[0m', output)
        for line in output.replace('\x1b[32m', '').replace('\x1b[0m', '').splitlines():
            self.assertLessEqual(len(line), 60)
        output, _ = self.on_terminal('list', '--color', 'never', columns=60)
        self.assertNotIn('\x1b', output)

    def test_what_is_long_goes_through_the_pager(self):
        output, status = self.on_terminal('show', str(self.sleeper()))
        self.assertEqual((status, len(output.splitlines())), (0, 3))
        output, _ = self.on_terminal('show', '1', '--no-pager')
        self.assertGreater(len(output.splitlines()), 24)

    def test_logs_show_what_a_terminal_would_obey(self):
        task = self.script_output('printf "a\\033[31m\\tß\\302\\233x\\n"')
        self.assertEqual(self.on_terminal('logs', task)[0], 'a\\x1b[31m\tß\\x9bx\r\n')
        self.assertIn('\x1b[31m', self.on_terminal('logs', '--color=always', task)[0])


class Restarts(Base):
    def test_who_stays_with_a_task_survives_restarts_of_bgtd(self):
        task = str(self.id_of('start', 'script', f'script={LINES}'))
        waiter = self.start('wait', task)
        watcher = self.start('watch', task)
        follower = self.start('logs', '-f', task)
        tail = self.start('logs', '-f', '-n', '5', task)
        starter = self.start('start', '--wait', 'script', f'script={LINES}')
        until = deadline(60)            # a start that has not been answered is nobody's to go on with
        while self.run_it('list').count('script') < 2:
            self.assertLess(time.monotonic(), until)
        begun = [follower.stdout.readline() for _ in range(20)]
        ended = tail.stdout.readline()
        for _ in range(2):
            self.bgtd.kill()
            self.bgtd.start()
            begun += [follower.stdout.readline() for _ in range(20)]
        self.assertEqual(waiter.wait(60 * PATIENCE), 9)
        self.assertEqual(starter.wait(60 * PATIENCE), 9)
        self.assertEqual(watcher.wait(60 * PATIENCE), 9)
        self.assertEqual(''.join(begun) + follower.stdout.read(), ''.join(f'line {n}\n' for n in range(1, 301)))
        self.assertEqual(follower.wait(60 * PATIENCE), 0)
        ended += tail.stdout.read()
        first = int(ended.split()[1])
        self.assertEqual(ended, ''.join(f'line {n}\n' for n in range(first, 301)))
        for process in (waiter, watcher, follower, tail, starter):
            self.assertEqual(process.stderr.read(), '')

    def test_who_stays_gives_up_when_bgtd_does_not_come_back(self):
        watcher = self.start('watch', '--timeout', '2', str(self.sleeper()))
        self.assertIn('running', watcher.stdout.readline())
        self.bgtd.kill()
        self.assertEqual(watcher.wait(60 * PATIENCE), 124)


if __name__ == '__main__':
    bgtkit.main()
