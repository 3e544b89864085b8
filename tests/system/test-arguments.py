#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is asked for arrives byte for byte or is refused with the reason; secrets arrive nowhere else."""

import json
import os
import stat
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../kit'))
import bgtkit
from bgtkit import Bgtd, properties, run_command, variants, wait_for
from dbuswire import BusError, Variant

SECRET = 'geheim-4711-%s-${text}'

# Copies its own arguments to where the environment says, which no argument can.
PRINTER = '#!/bin/sh\ncat "/proc/$$/cmdline" > "$PRINT_TO"\n'

AWKWARD = (
    'plain', '', ' ', 'two words', "it's", 'a "quoted" word', '`id`', '$HOME', '${text}', '$$', '%s%n%%', '%i', 'a;b', '#no comment', ';',
    '-', '--', '--help', 'new\nline', '\r\n', 'tab\there', 'back\\slash', '\\', '\\n', 'a&b|c>d<e', '*?[a]', '~', '!', 'ß日本語🎈', '\x01\x7f',
    'x=y', '{a,b}', "'", '"', '\u202e', 'x' * 100_000, 'ß' * 50_000)

TYPES = {
    'print': '[Task]\nExecStart={printer} before ${{text}} "in ${{text}} the middle" x${{text}} $$text after\nEnvironment="PRINT_TO={to}"\n'
             '[Parameter text]\nAllowDash=yes\n',
    'careful': '[Task]\nExecStart={printer} ${{text}} --option=${{text}}\nEnvironment="PRINT_TO={to}"\n[Parameter text]\n',
    'checked': '[Task]\nExecStart=/bin/true\nOutput=file\n'
               '[Parameter name]\nRequired=yes\nPattern=[a-z]+\n[Parameter count]\nType=integer\n[Parameter share]\nType=number\n'
               '[Parameter sure]\nType=boolean\n[Parameter where]\nType=path\n[Parameter color]\nType=choice\nChoices=red green\n'
               '[Parameter level]\nDefault=7\n',
    'open': '[Task]\nExecStart=/bin/true\nAllowOthers=yes\n',
    'secret': '[Task]\nExecStart=/bin/sh -c "env > {to}; cat /proc/self/cmdline >> {to}; cp -p \\"$$BGT_PARAMETERS\\" {to}.json; '
              'echo out; read go < {gate}; exit 3"\n'
              'Output=file\n[Parameter password]\nSecret=yes\nPattern=[a-z]+-4711.*\n[Parameter public]\nDefault=seen\n',
}


class Arguments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bgtd = Bgtd()
        cls.to, cls.gate = (os.path.join(cls.bgtd.directory, name) for name in ('printed', 'gate'))
        os.mkfifo(cls.gate)
        printer = os.path.join(cls.bgtd.directory, 'printer')
        with open(printer, 'w', encoding='utf-8') as file:
            file.write(PRINTER)
        os.chmod(printer, 0o755)
        for name, text in TYPES.items():
            cls.bgtd.write_type(name, text.format(printer=printer, to=cls.to, gate=cls.gate))
        cls.printer = printer
        try:
            cls.bgtd.start()
            cls.bus = cls.bgtd.connect()
        except BaseException:
            cls.bgtd.clean_up()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.bgtd.clean_up()

    def start(self, name, /, **parameters):
        return self.bus.call('Start', 'sa{ss}a{sv}', name, parameters, {})[0]

    def printed(self, task):
        """The arguments behind the program's name, as its process had them."""
        row = wait_for(self.bus, task)[0]
        self.assertEqual('done', row['Phase'], row)
        with open(self.to, 'rb') as file:
            words = file.read().split(b'\0')
        at = words.index(self.printer.encode())
        return [word.decode() for word in words[at + 1:-1]]

    def refused(self, error, words, name, /, **parameters):
        last = self.bus.call('Status', '')['LastId']
        with self.assertRaises(BusError) as caught:
            self.start(name, **parameters)
        self.assertEqual(f'org.bgt1.Error.{error}', caught.exception.name)
        for word in words:
            self.assertIn(word, caught.exception.sentence)
        self.assertEqual(last, self.bus.call('Status', '')['LastId'], 'a refused start has left a task')
        return caught.exception.sentence

    def test_a_commands_arguments_arrive_byte_for_byte(self):
        """P-3 T-74"""
        task = run_command(self.bus, self.printer, *AWKWARD, environment=[f'PRINT_TO={self.to}', 'PATH=/usr/bin:/bin'])
        self.assertEqual(list(AWKWARD), self.printed(task))
        self.assertEqual([self.printer, *AWKWARD], properties(self.bus, task)['Command'])

    def test_a_parameter_becomes_part_of_exactly_one_argument(self):
        """P-3"""
        for text in AWKWARD:
            with self.subTest(text[:20]):
                self.assertEqual(['before', text, f'in {text} the middle', f'x{text}', '$text', 'after'], self.printed(self.start('print', text=text)))

    def test_an_argument_that_is_only_an_absent_parameter_is_left_out(self):
        """P-3"""
        self.assertEqual(['before', 'in  the middle', 'x', '$text', 'after'], self.printed(self.start('print')))

    def test_no_value_becomes_an_option_by_itself(self):
        """P-3"""
        for text in ('-', '-x', '--help', '-\n'):
            self.refused('InvalidParameter', ('text', 'AllowDash'), 'careful', text=text)
        self.assertEqual(['a-b', '--option=a-b'], self.printed(self.start('careful', text='a-b')))

    def test_what_is_unknown_missing_or_ill_formed_is_named(self):
        """P-2"""
        self.refused('NoSuchType', ('nosuch',), 'nosuch')
        self.refused('InvalidParameter', ('name',), 'checked')
        for name, value in (('name', 'Upper'), ('name', ''), ('name', 'a\nb'), ('count', '1.5'), ('count', ''), ('count', '99999999999999999999'),
                            ('count', ' 1'), ('count', '0x10'), ('share', 'many'), ('share', 'nan'), ('sure', 'perhaps'), ('where', 'relative'),
                            ('where', '/a/../b'), ('where', '/..'), ('where', ''), ('color', 'blue'), ('color', 'red green'), ('color', ''),
                            ('nosuch', 'x')):
            with self.subTest(f'{name}={value}'):
                sentence = self.refused('InvalidParameter', (name,), 'checked', **{'name': 'good', name: value})
                self.assertEqual(1, len(sentence.splitlines()), sentence)
        good = {'name': 'good', 'count': '-12', 'share': '1.5', 'sure': 'yes', 'where': '/a/..b', 'color': 'green'}
        row = wait_for(self.bus, self.start('checked', **good))[0]
        self.assertEqual(dict(good, level='7'), dict(row['Parameters'], sure='yes'))

    def test_names_of_parameters_are_bounded_and_plain(self):
        """P-1"""
        for name in ('', '1a', 'a-b', 'a b', 'ä', 'a=b', 'x' * 65):
            with self.subTest(name), self.assertRaises(BusError) as caught:
                self.start('open', **{name: 'x'})
            self.assertEqual('org.bgt1.Error.InvalidParameter', caught.exception.name)
        parameters = {'_': 'x', 'x' * 64: 'ß\n', 'A1_': ''}
        row = wait_for(self.bus, self.start('open', **parameters))[0]
        self.assertEqual(parameters, row['Parameters'])

    def test_what_is_too_large_is_refused_in_one_sentence(self):
        """P-1 P-46"""
        for text in ('x' * 200_000, 'x' * 3_000_000):       # the kernel takes 128 KiB an argument
            try:
                row = wait_for(self.bus, self.start('print', text=text))[0]
            except BusError as error:
                self.assertEqual(1, len(error.sentence.splitlines()))
                self.assertLess(len(error.sentence), 1000)
            else:
                self.assertEqual(('error', 'ExecFailed'), (row['Phase'], row['Error']['code']))
        self.assertEqual('done', wait_for(self.bus, run_command(self.bus, '/bin/true'))[0]['Phase'])

    def test_a_great_many_words_hold_nobody_up(self):
        """P-46"""
        began = time.monotonic()
        row = wait_for(self.bus, run_command(self.bus, '/bin/true', *['x'] * 100_000))[0]
        self.assertEqual('done', row['Phase'])
        self.assertLess(time.monotonic() - began, 10)

    def test_a_secret_is_in_the_parameters_file_and_nowhere_else(self):
        """P-4 T-70"""
        error = self.refused('InvalidParameter', ('password',), 'secret', password='X' + SECRET)
        task = self.start('secret', password=SECRET)
        wait_for(self.bus, task, state='Running')
        shown = [error, repr(properties(self.bus, task)), repr(self.bus.call('List', 'a{sv}as', variants(every=True), []))]
        with open(f'/proc/{properties(self.bus, task)["PID"]}/environ', 'rb') as file:
            shown.append(file.read().decode())
        with open(self.gate, 'w', encoding='utf-8') as file:
            file.write('go\n')
        row = wait_for(self.bus, task)[0]
        self.assertEqual(('error', 3), (row['Phase'], row['ExitCode']))
        shown += [repr(row), repr(properties(self.bus, task)), self.bgtd.log()]
        for path in (self.to, os.path.join(self.bgtd.state, 'output', f'{task}.1')):
            with open(path, encoding='utf-8') as file:
                shown.append(file.read())
        self.assertIn('BGT_PARAM_public=seen', shown[-2])
        for text in shown:
            self.assertNotIn('geheim', text)
            self.assertNotIn('BGT_PARAM_password', text)
        with open(f'{self.to}.json', encoding='utf-8') as file:
            self.assertEqual({'password': SECRET, 'public': 'seen'}, json.load(file))
        self.assertEqual(0o400, stat.S_IMODE(os.stat(f'{self.to}.json').st_mode))
        self.assertEqual({'public': 'seen'}, {name: value for name, value in row['Parameters'].items() if name != 'password'})

    def test_a_parameter_is_in_the_environment_unless_it_is_huge(self):
        """T-70"""
        for size, there in ((65536, True), (65537, False)):
            task = self.start('open', text='x' * size)
            self.assertEqual('done', wait_for(self.bus, task)[0]['Phase'])
        to = os.path.join(self.bgtd.directory, 'environment')
        self.bgtd.write_type('environment', f'[Task]\nExecStart=/bin/cp /proc/self/environ {to}\n[Parameter small]\n[Parameter great]\n')
        self.bus.call('Reload', '')
        row = wait_for(self.bus, self.start('environment', small='x' * 65536, great='y' * 65537))[0]
        self.assertEqual('done', row['Phase'], row)
        with open(to, 'rb') as file:
            environment = dict(entry.split(b'=', 1) for entry in file.read().split(b'\0') if entry)
        self.assertEqual(b'x' * 65536, environment[b'BGT_PARAM_small'])
        self.assertNotIn(b'BGT_PARAM_great', environment)

    def test_options_that_make_no_sense_are_refused(self):
        """P-2 P-42"""
        for options in ({'umask': Variant('u', 0o1000)}, {'directory': 'relative'}, {'environment': ['=x']}, {'environment': ['novalue']},
                        {'as': 'no-such-user-at-all'}, {'nosuch': 'x'}, {'namespace': '../x'}, {'namespace': ''}, {'name': 7.5 and ['x']}):
            with self.subTest(options), self.assertRaises(BusError) as caught:
                run_command(self.bus, '/bin/true', **options)
            self.assertEqual(1, len(caught.exception.sentence.splitlines()))


if __name__ == '__main__':
    bgtkit.main()
