#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the bus offers: as the manual says, and nothing it says is missing."""

import os
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import BusError, NO_REPLY, Variant

PREFIX = 'org.bgt1.Error.'
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
TASK = 'org.bgt1.Task'
PROPERTIES = 'org.freedesktop.DBus.Properties'

SLEEP = '[Task]\nExecStart=/bin/sleep ${seconds}\nDescription=Sleeps\n[Control]\nPause=direct\nCancel=direct\n' \
        '[Parameter seconds]\nType=number\nDefault=1000\nLabel=How long\n' \
        '[Parameter password]\nSecret=yes\n[Display]\nFor=${seconds} | Seconds\n'
STUBBORN = '[Task]\nExecStart=/bin/sleep 1000\n'


def manual():
    with open(os.path.join(bgtkit.SOURCE_DIR, 'doc/org.bgt1.5.scd'), encoding='utf-8') as file:
        return file.read()


def manual_methods(section):
    """name: (in signatures, out signatures)"""
    text = re.search(rf'^# OBJECTS? [^\n]*{re.escape(section)}\n(.*?)^# ', manual(), re.S | re.M).group(1)
    methods = {}
    for line in text.splitlines():
        if not line.startswith('*') or line.startswith('*\\') or '(' not in line:
            continue
        head = line.split('→')
        for name, arguments in re.findall(r'\*(\w+)\*\(([^)]*)\)', head[0]):
            methods[name] = (signatures(arguments), signatures(head[1].strip()[1:-1]) if len(head) > 1 else '')
        # "*Pause*, *Resume*, *Cancel*(at ids, …)": all as the last one
        names = re.findall(r'\*(\w+)\*', head[0])
        for name in names:
            methods.setdefault(name, methods[names[-1]])
    return methods


def signatures(arguments):
    return ''.join(argument.split()[0] for argument in arguments.split(',') if argument.strip())


def manual_properties():
    """The table: name to type."""
    found = {}
    for names, kind in re.findall(r'^\|  ([^\n]+)\n:  ([^\n]+)\n', manual(), re.M):
        for name in names.split(','):
            found[name.strip()] = kind.strip()
    return found


class Interface(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bgtd = cls.enterClassContext(Bgtd(types={'sleep': SLEEP, 'stubborn': STUBBORN}))

    def setUp(self):
        self.bus = self.bgtd.connect()
        self.addCleanup(self.bus.close)

    def introspect(self, path, interface):
        xml = self.bus.call('Introspect', path=path, interface='org.freedesktop.DBus.Introspectable')
        return ElementTree.fromstring(xml).find(f"interface[@name='{interface}']")

    def methods(self, path, interface):
        found = {}
        for method in self.introspect(path, interface).findall('method'):
            by_direction = {'in': '', 'out': ''}
            for argument in method.findall('arg'):
                by_direction[argument.get('direction')] += argument.get('type')
                self.assertTrue(argument.get('name'), f'an argument of {method.get("name")} has no name')
            found[method.get('name')] = (by_direction['in'], by_direction['out'])
        return found

    def refused(self, name, *call, **options):
        with self.assertRaises(BusError) as caught:
            self.bus.call(*call, **options)
        self.assertEqual(caught.exception.name, name)
        self.assertRegex(caught.exception.sentence, r'^[^\n]+[.]$')
        return caught.exception.sentence

    def test_the_manager_has_the_methods_of_the_manual_and_no_others(self):
        self.assertEqual(self.methods('/org/bgt1', 'org.bgt1.Manager'), manual_methods('org.bgt1.Manager'))

    def test_a_task_has_the_methods_of_the_manual_and_no_others(self):
        task = run_command(self.bus, 'sleep', '1000')
        self.assertEqual(self.methods(f'/org/bgt1/task/_{task}', TASK), manual_methods(TASK))

    def test_a_task_has_the_properties_of_the_manual_and_no_others(self):
        task = run_command(self.bus, 'sleep', '1000')
        found = {p.get('name'): p.get('type') for p in self.introspect(f'/org/bgt1/task/_{task}', TASK).findall('property')}
        self.assertEqual(found, manual_properties())

    def test_a_property_that_is_given_is_of_the_type_that_is_declared(self):
        task = run_command(self.bus, 'true')
        wait_for(self.bus, task)
        xml = self.introspect(f'/org/bgt1/task/_{task}', TASK)
        declared = {p.get('name'): p.get('type') for p in xml.findall('property')}
        given = properties(self.bus, task)
        for name in given:
            answer = self.bus.call('Get', 'ss', TASK, name, path=f'/org/bgt1/task/_{task}', interface=PROPERTIES)
            self.assertEqual(type(answer), type(given[name]), name)
            self.assertIn(name, declared)

    def test_a_start_gives_an_id_and_an_object(self):
        task, path = self.bus.call('Start', 'sa{ss}a{sv}', 'sleep', {'seconds': '1000'}, {})
        self.assertEqual(path, f'/org/bgt1/task/_{task}')
        self.assertEqual(self.bus.call('GetTask', 't', task), path)
        wait_for(self.bus, task, state='Running')
        shown = properties(self.bus, task)
        self.assertEqual(shown['Command'], ['/bin/sleep', '1000'])
        self.assertEqual(shown['Parameters'], {'seconds': '1000'})
        self.assertEqual(shown['Display'], [('For', 'Seconds', '1000', False)])
        self.assertEqual((shown['Type'], shown['Owner'], shown['OwnerUID']), ('sleep', 'root', 0))

    def test_a_secret_is_shown_as_such(self):
        task = self.bus.call('Start', 'sa{ss}a{sv}', 'sleep', {'password': 'hush'}, {})[0]
        self.assertEqual(properties(self.bus, task)['Parameters'], {'seconds': '1000', 'password': '***'})
        self.assertNotIn('hush', repr(self.bus.call('List', 'a{sv}as', {}, [])))

    def test_options_of_a_start_are_seen_again(self):
        task = run_command(self.bus, 'sleep', '1000', name='A name', label='black', priority=Variant('i', -7),
                           timeout=Variant('t', 90_000_000), namespace='other')
        shown = properties(self.bus, task)
        self.assertEqual((shown['Name'], shown['Label'], shown['Priority'], shown['TimeoutSec'], shown['Namespace']),
                         ('A name', 'black', -7, 90.0, 'other'))

    def test_a_command_gets_environment_directory_and_umask(self):
        out, into = os.pipe()
        task = run_command(self.bus, 'sh', '-c', 'echo "$COLOUR"; pwd; umask', fds=[into], environment=['COLOUR=a "b" $c\n%d'],
                           directory='/usr', umask=Variant('u', 0o27), stdout=Variant('h', 0))
        os.close(into)
        wait_for(self.bus, task)
        with os.fdopen(out) as file:
            self.assertEqual(file.read(), 'a "b" $c\n%d\n/usr\n0027\n')

    def test_arguments_arrive_as_they_are(self):
        words = ['', ' ', 'a b', '"', "'", '\\', '$HOME', '%n', '-x', '*', 'ä\u20ac\U0001F600', 'line\nline', 'x' * 100_000]
        out, into = os.pipe()
        task = run_command(self.bus, 'python3', '-c', 'import sys; sys.stdout.write(repr(sys.argv[1:]))', *words, fds=[into],
                           environment=['LC_ALL=C.UTF-8'], stdout=Variant('h', 0))
        os.close(into)
        with os.fdopen(out, encoding='utf-8') as file:
            self.assertEqual(file.read(), repr(words))
        self.assertEqual(properties(self.bus, task)['Command'][3:], words)

    def test_an_unknown_option_is_named(self):
        for method, signature, args in [
                ('Start', 'sa{ss}a{sv}', ('sleep', {})), ('StartCommand', 'asa{sv}', (['true'],)), ('Pause', 'ata{sv}', ([],)),
                ('Resume', 'ata{sv}', ([],)), ('Cancel', 'ata{sv}', ([],)), ('Signal', 'atia{sv}', ([], 15)),
                ('Wait', 'atta{sv}', ([1], 0)), ('Logs', 'ta{sv}', (1,))]:
            with self.subTest(method):
                sentence = self.refused(PREFIX + 'InvalidOption', method, signature, *args, variants(colour='red'))
                self.assertIn('"colour"', sentence)
        self.assertIn('"colour"', self.refused(PREFIX + 'InvalidOption', 'List', 'a{sv}as', variants(colour='red'), []))

    def test_an_option_of_the_wrong_type_is_named(self):
        sentence = self.refused(INVALID_ARGS, 'Start', 'sa{ss}a{sv}', 'sleep', {}, {'priority': Variant('s', 'high')})
        self.assertIn('"priority"', sentence)
        self.refused(INVALID_ARGS, 'List', 'a{sv}as', {'limit': Variant('a{sv}', {})}, [])

    def test_an_option_that_is_given_twice_is_refused(self):
        twice = [('name', Variant('s', 'a')), ('name', Variant('s', 'b'))]
        self.refused(PREFIX + 'InvalidOption', 'Start', 'sa{ss}a{sv}', 'sleep', {}, twice)

    def test_a_string_that_is_too_long_is_refused(self):
        self.refused(PREFIX + 'InvalidOption', 'Start', 'sa{ss}a{sv}', 'sleep', {}, variants(label='x' * 100_000))

    def test_a_refused_start_leaves_nothing(self):
        before = self.bus.call('Status')
        for error, args in {
                'NoSuchType': ('nope', {}, {}),
                'InvalidParameter': ('sleep', {'colour': 'red'}, {}),
                'InvalidOption': ('sleep', {}, variants(namespace='../etc')),
        }.items():
            with self.subTest(error):
                self.refused(PREFIX + error, 'Start', 'sa{ss}a{sv}', *args)
        self.refused(PREFIX + 'InvalidParameter', 'Start', 'sa{ss}a{sv}', 'sleep', {'a=b': 'c'}, {})
        self.refused(PREFIX + 'InvalidParameter', 'Start', 'sa{ss}a{sv}', 'sleep', [('seconds', '1'), ('seconds', '2')], {})
        self.refused(PREFIX + 'InvalidParameter', 'StartCommand', 'asa{sv}', [], {})
        self.refused(PREFIX + 'InvalidOption', 'StartCommand', 'asa{sv}', ['true'], variants(directory='here'))
        self.refused(PREFIX + 'InvalidOption', 'StartCommand', 'asa{sv}', ['true'], variants(umask=Variant('u', 0o1000)))
        self.refused(PREFIX + 'InvalidOption', 'StartCommand', 'asa{sv}', ['true'], variants(environment=['NAME']))
        self.assertEqual(self.bus.call('Status')['LastId'], before['LastId'])

    def test_a_list_has_the_columns_that_are_asked_for_in_their_order(self):
        task = run_command(self.bus, 'sleep', '1000')
        rows = self.bus.call('List', 'a{sv}as', variants(ids=str(task)), ['Phase', 'Id', 'ETA'])
        self.assertEqual(list(rows[0]), ['Phase', 'Id'])
        self.refused(PREFIX + 'InvalidOption', 'List', 'a{sv}as', {}, ['Colour'])
        self.refused(PREFIX + 'InvalidOption', 'List', 'a{sv}as', {}, ['Id'] * 1000)

    def test_a_list_knows_ids_ranges_states_and_limits(self):
        ids = [run_command(self.bus, 'sleep', '1000', label='listed') for _ in range(4)]
        ended = run_command(self.bus, 'false', label='listed')
        wait_for(self.bus, ended)

        def listed(**options):
            return [row['Id'] for row in self.bus.call('List', 'a{sv}as', variants(**options), ['Id'])]

        self.assertEqual(listed(label='listed'), ids)
        self.assertEqual(listed(label='listed', every=True), ids + [ended])
        self.assertEqual(listed(label='listed', ended=True), [ended])
        self.assertEqual(listed(label='listed', unsuccessful=True), [ended])
        self.assertEqual(listed(label='listed', state='Error'), [ended])
        self.assertEqual(listed(label='listed', every=True, limit=Variant('t', 2)), [ids[3], ended])
        done = run_command(self.bus, 'true', label='listed')
        wait_for(self.bus, done)
        self.assertEqual(listed(label='listed', state='Error', limit=Variant('t', 1)), [ended])
        self.assertEqual(listed(label='listed', unsuccessful=True, limit=Variant('t', 1)), [ended])
        self.assertEqual(listed(label='listed', ended=True, limit=Variant('t', 1)), [done])
        self.assertEqual(listed(label='listed', state='Running', every=True), ids)
        self.assertEqual(listed(ids=f'{ids[2]}-{ended},{ids[0]}'), [ids[0], ids[2], ids[3], ended])
        self.assertEqual(listed(ids='900000-900001'), [])
        self.refused(PREFIX + 'NoSuchTask', 'List', 'a{sv}as', variants(ids='900000'), [])
        for wrong in ('', ',', '1,', 'x', '-1', '1-', '5-1', '0', '1' * 30, '1,' * 10_001 + '1'):
            with self.subTest(wrong[:20]):
                self.refused(PREFIX + 'InvalidOption', 'List', 'a{sv}as', variants(ids=wrong), [])

    def test_each_task_has_an_outcome_of_its_own_in_the_order_given(self):
        """T-30"""
        mine = run_command(self.bus, 'sleep', '1000')
        other = self.bus.call('Start', 'sa{ss}a{sv}', 'stubborn', {}, {})[0]
        wait_for(self.bus, mine, other, state='Running')
        outcomes = self.bus.call('Pause', 'ata{sv}', [900000, mine, other, mine], {})
        self.assertEqual([outcome[:2] for outcome in outcomes],
                         [(900000, PREFIX + 'NoSuchTask'), (mine, ''), (other, PREFIX + 'NotAvailable'), (mine, '')])
        self.assertEqual(properties(self.bus, mine)['Phase'], 'paused')
        self.assertEqual(self.bus.call('Pause', 'ata{sv}', [], {}), [])

    def test_ten_thousand_ids_are_answered_and_more_refused(self):
        outcomes = self.bus.call('Cancel', 'ata{sv}', list(range(10_000_000, 10_010_000)), {})
        self.assertEqual({outcome[1] for outcome in outcomes}, {PREFIX + 'NoSuchTask'})
        self.assertEqual(len(outcomes), 10_000)
        self.refused('org.freedesktop.DBus.Error.LimitsExceeded', 'Cancel', 'ata{sv}', [1] * 10_001, {})

    def test_a_task_takes_requests_itself(self):
        task = run_command(self.bus, 'sleep', '1000')
        wait_for(self.bus, task, state='Running')
        where = {'path': f'/org/bgt1/task/_{task}', 'interface': TASK}
        self.refused(PREFIX + 'NotAvailable', 'Resume', 'a{sv}', {}, **where)
        self.bus.call('Pause', 'a{sv}', {}, **where)
        self.assertTrue(properties(self.bus, task)['Paused'])
        self.bus.call('Resume', 'a{sv}', {}, **where)
        self.bus.call('Signal', 'ia{sv}', 15, {}, **where)
        row = wait_for(self.bus, task)[0]
        self.assertEqual((row['Phase'], row['Signal']), ('exited', 15))
        self.refused(PREFIX + 'NotAvailable', 'Cancel', 'a{sv}', {}, **where)

    def test_a_wait_answers_when_its_time_is_up(self):
        task = run_command(self.bus, 'sleep', '1000')
        done, rows = self.bus.call('Wait', 'atta{sv}', [task], 50, {})
        self.assertEqual((done, [row['Id'] for row in rows]), (False, [task]))

    def test_a_wait_for_ever_answers_at_the_end(self):
        task = run_command(self.bus, 'sleep', '1000')
        serial = self.bus.send_call('Wait', 'atta{sv}', [task], 2**64 - 1, {})
        self.bus.call('Cancel', 'ata{sv}', [task], {})
        done, rows = self.bus.reply(serial)
        self.assertEqual((done, rows[0]['Phase']), (True, 'cancelled'))

    def test_a_wait_for_nothing_that_exists_is_refused_at_once(self):
        task = run_command(self.bus, 'sleep', '1000')
        self.refused(PREFIX + 'NoSuchTask', 'Wait', 'atta{sv}', [task, 900000], 2**64 - 1, {})
        self.refused(INVALID_ARGS, 'Wait', 'atta{sv}', [], 0, {})
        self.refused(PREFIX + 'InvalidOption', 'Wait', 'atta{sv}', [task], 0, variants(**{'for': 'Godot'}))

    def test_every_id_that_was_never_given_out_is_no_task(self):
        for path in ('_0', '_01', '_900000', '_1x', '_' + '9' * 30, '1', '_1/x'):
            with self.subTest(path):
                with self.assertRaises(BusError):
                    self.bus.call('Pause', 'a{sv}', {}, path=f'/org/bgt1/task/{path}', interface=TASK)
        self.refused(PREFIX + 'NoSuchTask', 'GetTask', 't', 900000)
        self.refused(PREFIX + 'NoSuchTask', 'GetAll', 's', TASK, path='/org/bgt1/task/_900000', interface=PROPERTIES)

    def test_an_ended_task_is_still_an_object(self):
        task = run_command(self.bus, 'sh', '-c', 'exit 7')
        wait_for(self.bus, task)
        shown = properties(self.bus, task)
        self.assertEqual((shown['Phase'], shown['ExitCode']), ('error', 7))

    def test_what_is_null_is_absent_and_says_so(self):
        task = run_command(self.bus, 'sleep', '1000')
        where = {'path': f'/org/bgt1/task/_{task}', 'interface': PROPERTIES}
        self.assertNotIn('ExitCode', properties(self.bus, task))
        self.refused('org.freedesktop.DBus.Error.UnknownProperty', 'Get', 'ss', TASK, 'ExitCode', **where)
        with self.assertRaises(BusError):
            self.bus.call('Get', 'ss', TASK, 'Colour', **where)
        with self.assertRaises(BusError):
            self.bus.call('Set', 'ssv', TASK, 'Label', Variant('s', 'x'), **where)
        self.assertEqual(self.bus.call('GetAll', 's', 'org.freedesktop.DBus.Peer', **where), {})

    def test_the_objects_are_the_tasks_that_have_not_ended(self):
        task = run_command(self.bus, 'sleep', '1000')
        ended = run_command(self.bus, 'true')
        wait_for(self.bus, ended)
        objects = self.bus.call('GetManagedObjects', interface='org.freedesktop.DBus.ObjectManager')
        self.assertEqual(objects[f'/org/bgt1/task/_{task}'][TASK]['Id'], task)
        self.assertNotIn(f'/org/bgt1/task/_{ended}', objects)

    def test_types_tell_what_they_take(self):
        row = self.bus.call('Types', 's', 'sleep')[0]
        self.assertEqual((row['Name'], row['Pause'], row['Cancel'], row['Startable']), ('sleep', 'direct', 'direct', True))
        parameters = {parameter['Name']: parameter for parameter in row['Parameters']}
        self.assertEqual((parameters['seconds']['Default'], parameters['seconds']['Label']), ('1000', 'How long'))
        self.assertTrue(parameters['password']['Secret'])
        self.assertEqual({row['Name'] for row in self.bus.call('Types', 's', '')}, {'sleep', 'stubborn'})
        self.refused(PREFIX + 'NoSuchType', 'Types', 's', 'nope')

    def test_logs_are_a_stream(self):
        task = run_command(self.bus, 'sh', '-c', 'echo one; echo two')
        wait_for(self.bus, task)
        fd = self.bus.call('Logs', 'ta{sv}', task, variants(lines=Variant('t', 1)))
        with os.fdopen(fd) as file:
            self.assertEqual(file.read(), 'two\n')
        self.refused(PREFIX + 'NoSuchTask', 'Logs', 'ta{sv}', 900000, {})
        self.refused(PREFIX + 'InvalidOption', 'Logs', 'ta{sv}', task, variants(attempt=Variant('u', 9)))

    def test_a_bad_file_changes_nothing_and_is_named_with_its_line(self):
        self.bgtd.write_type('bad', '[Task]\nExecStart=/bin/true\nColour=red\n')
        sentence = self.refused(PREFIX + 'Failed', 'Reload')
        self.assertIn('bad.ini:3', sentence)
        self.assertEqual(len(self.bus.call('Types', 's', '')), 2)
        os.unlink(os.path.join(self.bgtd.config, 'types.d/bad.ini'))
        self.bus.call('Reload')

    def test_who_wants_no_answer_gets_none(self):
        task = run_command(self.bus, 'sleep', '1000')
        first = self.bus.send_call('Cancel', 'ata{sv}', [task], {}, flags=NO_REPLY)
        wait_for(self.bus, task)
        self.bus.call('Status')
        self.assertNotIn(first, self.bus.replies)


if __name__ == '__main__':
    bgtkit.main()
