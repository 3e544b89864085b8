#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may see and do what, by the kernel's word on who asks."""

import grp
import os
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, set_no_new_privs, variants, wait_for
from dbuswire import BusError, Connection

DENIED = 'org.bgt1.Error.AccessDenied'
# Users without an account will do to ask; who has tasks run needs one.
NOBODY = 65534
STRANGER, ANOTHER = 4242, 4243
ADMINS, DEVELOPERS, COMMANDERS = 'daemon', 'bin', 'sys'

TYPES = {
    'open': '[Task]\nExecStart=/bin/sleep 1000\nDescription=For anybody\n[Control]\nPause=direct\nCancel=direct\n'
            '[Parameter what]\n[Display]\nWhat=${what}\n',
    'rooted': '[Task]\nExecStart=/bin/sleep 1000\nUser=root\n',
    'inside': '[Task]\nExecStart=/usr/bin/python3 -c ${code} ${kit} ${bus}\n[Parameter code]\n[Parameter kit]\n[Parameter bus]\n',
    'members': f'[Task]\nExecStart=/bin/sleep 1000\nUser=root\nAllowGroups={DEVELOPERS}\nEnvironment=WORD=hush\n',
}

# What P-41 leaves: that it exists, what it is, its state, the numbers and units of its progress.
PUBLIC = {'SnapshotTime', 'Id', 'Type', 'Accessible', 'RunningState', 'Status', 'Phase', 'List', 'TaskmanStatus', 'HasEnded', 'Paused',
          'Pending', 'InProcess', 'Finished', 'Succeeded', 'Failed', 'Ready', 'NamespacePaused', 'Request', 'ProgressCurrent',
          'ProgressTotal', 'ProgressUnits', 'Progress', 'ProgressLine', 'ProgressTime'}

# Runs as another process, so that what is asked is the process and not the test.
CLIENT = '''
import sys
sys.path.insert(0, sys.argv[1])
from dbuswire import BusError, Connection
try:
    print(Connection(sys.argv[2]).call("StartCommand", "asa{sv}", ["true"], {})[0])
except BusError as e:
    print(e.name)
'''


def gid(group):
    return grp.getgrnam(group).gr_gid


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bgtd = cls.enterClassContext(Bgtd(types=TYPES, settings=(
            f'[Access]\nAdmins={ADMINS}\nDevelopers={DEVELOPERS}\nAdHoc=nobody @{COMMANDERS}\n')))

    def setUp(self):
        self.root = self.connect()
        self.stranger = self.connect(uid=STRANGER)
        self.nobody = self.connect(uid=NOBODY)

    def connect(self, **options):
        connection = self.bgtd.connect(**options)
        self.addCleanup(connection.close)
        return connection

    def start(self, bus, kind='open', **options):
        task = bus.call('Start', 'sa{ss}a{sv}', kind, {'what': 'something'} if kind == 'open' else {}, variants(**options))[0]
        wait_for(bus, task, state='Running')
        return task

    def refused(self, bus, *call, **options):
        with self.assertRaises(BusError) as caught:
            bus.call(*call, **options)
        self.assertEqual(caught.exception.name, DENIED)

    def verbs(self, bus, task):
        """What became of each."""
        return [bus.call(*call)[0][1] for call in (
            ('Pause', 'ata{sv}', [task], {}), ('Resume', 'ata{sv}', [task], {}), ('Signal', 'atia{sv}', [task], 10, {}),
            ('Cancel', 'ata{sv}', [task], {}))]

    def test_others_see_that_a_task_exists_and_no_more(self):
        """P-41"""
        task = self.start(self.nobody, name='A name', label='A label')
        ended = self.start(self.nobody, name='A name', label='A label')
        self.nobody.call('Cancel', 'ata{sv}', [ended], {})
        wait_for(self.nobody, ended)
        self.stranger.call('Subscribe')
        self.nobody.call('Pause', 'ata{sv}', [task], {})
        changed = self.stranger.signal(lambda m: m.args[0]['Id'] == task and m.args[0]['Paused'])
        objects = self.stranger.call('GetManagedObjects', interface='org.freedesktop.DBus.ObjectManager')
        everything = [
            properties(self.stranger, task), properties(self.stranger, ended), changed.args[0],
            objects[f'/org/bgt1/task/_{task}']['org.bgt1.Task'],
            *self.stranger.call('List', 'a{sv}as', variants(ids=f'{task},{ended}'), []),
            *self.stranger.call('Wait', 'atta{sv}', [task], 0, {})[1],
        ]
        self.assertEqual(len(everything), 7)
        for shown in everything:
            self.assertEqual(set(shown) - PUBLIC, set())
            self.assertFalse(shown['Accessible'])
        for shown in everything:
            self.assertNotIn('A name', repr(shown))
            self.assertNotIn('something', repr(shown))
        self.assertEqual(properties(self.nobody, task)['Label'], 'A label')

    def test_what_others_may_not_see_they_cannot_ask_for_by_name(self):
        task = self.start(self.nobody, label='A label')
        for name in ('Name', 'Label', 'Command', 'Parameters', 'ProgressDetails', 'StatusMessage', 'Display', 'Owner', 'ExternalState'):
            with self.subTest(name), self.assertRaises(BusError):
                self.stranger.call('Get', 'ss', 'org.bgt1.Task', name, path=f'/org/bgt1/task/_{task}',
                                   interface='org.freedesktop.DBus.Properties')
        self.assertEqual(self.stranger.call('List', 'a{sv}as', variants(ids=str(task)), ['Id', 'Label', 'Command', 'CPUTime']), [{'Id': task}])

    def test_others_cannot_find_out_a_label_by_asking_for_it(self):
        task = self.start(self.nobody, label='guessed', namespace='hidden')
        self.assertEqual(self.stranger.call('List', 'a{sv}as', variants(label='guessed'), ['Id']), [])
        self.assertEqual(self.stranger.call('List', 'a{sv}as', variants(namespace='hidden'), ['Id']), [])
        self.assertEqual(self.nobody.call('List', 'a{sv}as', variants(label='guessed'), ['Id']), [{'Id': task}])

    def test_others_control_nothing(self):
        task = self.start(self.nobody)
        self.assertEqual(self.verbs(self.stranger, task), [DENIED] * 4)
        for verb in ('Pause', 'Resume', 'Cancel'):
            self.refused(self.stranger, verb, 'a{sv}', {}, path=f'/org/bgt1/task/_{task}', interface='org.bgt1.Task')
        self.refused(self.stranger, 'Logs', 'ta{sv}', task, {})
        self.assertEqual(properties(self.nobody, task)['Phase'], 'running')

    def test_the_owner_root_admins_and_developers_do(self):
        for who in ({'uid': NOBODY}, {}, {'uid': STRANGER, 'groups': [gid(ADMINS)]}, {'uid': STRANGER, 'gid': gid(DEVELOPERS)}):
            with self.subTest(who):
                # a handler for it, or SIGUSR1 is the end of it
                task = run_command(self.nobody, 'sh', '-c', 'trap : USR1; while :; do sleep 1; done')
                wait_for(self.nobody, task, state='Running')
                bus = self.connect(**who)
                self.assertTrue(properties(bus, task)['Accessible'])
                self.assertEqual(self.verbs(bus, task), [''] * 4)
                wait_for(bus, task)
                os.close(bus.call('Logs', 'ta{sv}', task, {}))

    def test_only_admins_force_reload_and_run_as_others(self):
        """P-42"""
        admin = self.connect(uid=STRANGER, groups=[gid(ADMINS)])
        developer = self.connect(uid=STRANGER, groups=[gid(DEVELOPERS)])
        task = self.start(self.nobody)
        for bus in (self.nobody, developer):
            self.assertEqual(bus.call('Cancel', 'ata{sv}', [task], variants(force=True))[0][1], DENIED)
            self.refused(bus, 'Reload')
            self.refused(bus, 'Start', 'sa{ss}a{sv}', 'open', {}, variants(**{'as': 'root'}))
        self.assertEqual(admin.call('Cancel', 'ata{sv}', [task], variants(force=True))[0][1], '')
        admin.call('Reload')
        task = self.start(admin, **{'as': 'nobody'})
        self.assertEqual(properties(admin, task)['User'], 'nobody')

    def test_a_type_says_who_may_start_it(self):
        """P-43"""
        self.refused(self.nobody, 'Start', 'sa{ss}a{sv}', 'rooted', {}, {})
        self.refused(self.nobody, 'Start', 'sa{ss}a{sv}', 'members', {}, {})
        member = self.connect(uid=NOBODY, groups=[gid(DEVELOPERS)])
        task = self.start(member, 'members')
        self.assertEqual(properties(member, task)['User'], 'root')
        startable = {row['Name']: row['Startable'] for row in self.nobody.call('Types', 's', '')}
        self.assertEqual(startable, {'open': True, 'inside': True, 'rooted': False, 'members': False})

    def test_the_text_of_a_type_is_for_admins(self):
        self.assertIn('hush', self.root.call('Types', 's', 'members')[0]['Text'])
        self.assertNotIn('hush', repr(self.nobody.call('Types', 's', '')))

    def test_commands_are_for_whom_the_settings_name(self):
        self.refused(self.stranger, 'StartCommand', 'asa{sv}', ['true'], {})
        task = run_command(self.nobody, 'sh', '-c', 'id -u')
        wait_for(self.nobody, task)
        with os.fdopen(self.nobody.call('Logs', 'ta{sv}', task, {})) as file:
            self.assertEqual(file.read(), f'{NOBODY}\n')
        run_command(self.connect(uid=NOBODY, groups=[gid(COMMANDERS)]), 'true')

    def client(self, *prefix, **options):
        """A process of its own that wants a command run."""
        done = self.bgtd.run_client(*prefix, '/usr/bin/python3', '-c', CLIENT, os.path.join(bgtkit.SOURCE_DIR, 'tests/kit'), self.bgtd.bus, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_commands_are_refused_from_inside_a_sandbox(self):
        self.assertRegex(self.client(), r'^\d+$')
        self.assertEqual(self.client(preexec_fn=set_no_new_privs), DENIED)
        self.assertEqual(self.client('unshare', '--mount'), DENIED)
        try:
            subprocess.run(['unshare', '--user', 'true'], check=True, stderr=subprocess.DEVNULL)
        except subprocess.CalledProcessError:
            self.skipTest('no user namespaces here')
        self.assertEqual(self.client('unshare', '--user', '--map-root-user'), DENIED)

    def from_inside(self, bgtd):
        """What becomes of a command that a task wants run."""
        parameters = {'code': CLIENT, 'kit': os.path.join(bgtkit.SOURCE_DIR, 'tests/kit'), 'bus': bgtd.bus}
        with bgtd.connect() as bus:
            task = bus.call('Start', 'sa{ss}a{sv}', 'inside', parameters, {})[0]
            wait_for(bus, task)
            with os.fdopen(bus.call('Logs', 'ta{sv}', task, {})) as file:
                return file.read()

    def test_a_task_is_no_sandbox(self):
        self.assertRegex(self.from_inside(self.bgtd), r'^\d+\n$')

    def test_a_task_with_a_view_of_its_own_of_the_mounts_is_no_sandbox(self):
        # as under systemd, where mounts are shared
        with Bgtd(types=TYPES, prefix=('unshare', '--mount', '--propagation', 'shared')) as bgtd:
            self.assertRegex(self.from_inside(bgtd), r'^\d+\n$')

    def test_what_a_client_claims_counts_nothing(self):
        """P-40: neither in the handshake nor as sender of a message."""
        task = self.start(self.root)
        liar = self.bgtd.connect(uid=STRANGER, raw=True)
        self.addCleanup(liar.close)
        liar.handshake(0)
        self.assertFalse(properties(liar, task)['Accessible'])
        self.assertEqual(self.verbs(liar, task), [DENIED] * 4)
        uid = liar.call('GetConnectionUnixUser', 's', ':1.1', path='/org/freedesktop/DBus', interface='org.freedesktop.DBus')
        self.assertEqual(uid, STRANGER)

    def test_it_counts_who_connected_and_not_who_has_the_socket_now(self):
        task = self.start(self.root)
        bus = self.connect(uid=STRANGER)
        # this process is root again
        self.assertEqual(self.verbs(bus, task), [DENIED] * 4)

    def test_files_are_not_readable_by_others(self):
        """P-44"""
        task = run_command(self.nobody, 'echo', 'hush')
        wait_for(self.nobody, task)
        for path in ([self.bgtd.state, 'tasks.db'], [self.bgtd.state, 'output'], [self.bgtd.runtime, 'keeper']):
            done = subprocess.run(['setpriv', f'--reuid={STRANGER}', f'--regid={STRANGER}', '--clear-groups', 'ls', '-R', os.path.join(*path)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
            if path[1] != 'keeper':
                self.assertNotEqual(done.returncode, 0, path)
        self.assertEqual(stat.S_IMODE(os.stat(self.bgtd.state).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(self.bgtd.runtime).st_mode), 0o755)
        self.assertEqual(stat.S_IMODE(os.stat(self.bgtd.bus).st_mode), 0o666)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.bgtd.runtime, 'keeper')).st_mode), 0o600)
        with self.assertRaises(PermissionError):
            Connection(os.path.join(self.bgtd.runtime, 'keeper'), uid=STRANGER, raw=True)


if __name__ == '__main__':
    bgtkit.main()
