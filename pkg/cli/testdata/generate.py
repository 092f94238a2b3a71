#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Asks argparse what the command lines of lines.json come to.

    python2.7 generate.py lines.json    prints the table again, with argparse's answers
    python2.7 generate.py help WIDTH    prints the help of both programs for COLUMNS=WIDTH

The parsers below are declared from the documented command line, with the further options as
a group that the usage leaves out. In the table a string's characters are bytes: \\u00e9 is the
byte E9. A line is one object:

    program   collector, unless it says listener
    args      the words after the program's name
    files     the configuration files that can be read; ingest_conf.json unless it says others
    note      why the line is there, or why argparse's answer is not wanted
    want      what the program does
    argparse  what argparse does, where that is not what is wanted

An answer is the exit code, the stream and its last line, or the values that differ from the
defaults. Python 2.7 counts; 3 puts a few messages differently.
"""

from __future__ import print_function

import argparse
import collections
import datetime
import io
import json
import os
import sys
import traceback

PY2 = sys.version_info[0] == 2
TYPES = ['dns', 'flow', 'proxy']
VERSION = 'version 0'


class Version(argparse.Action):
    """To standard output, as Python 3 does it; Python 2.7's own goes to standard error."""

    def __call__(self, parser, namespace, values, option_string=None):
        print(VERSION)
        parser.exit()


class Parser(argparse.ArgumentParser):
    """A parser whose usage leaves out the options of the group called further."""

    further = None

    def format_usage(self):
        formatter = self._get_formatter()
        self.add_usage(formatter)
        return formatter.format_help()

    def format_help(self):
        formatter = self._get_formatter()
        self.add_usage(formatter)
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help()

    def add_usage(self, formatter):
        shown = [a for a in self._actions if a not in self.further._group_actions]
        formatter.add_usage(self.usage, shown, [])


def whole_number(text):
    return int(text)


whole_number.__name__ = 'int'


def count(text):
    if int(text) < 0:
        raise argparse.ArgumentTypeError('must not be negative: %r' % text)
    return int(text)


count.__name__ = 'int'


def instant(text):
    for layout in ('%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%d'):
        try:
            datetime.datetime.strptime(text, layout)
            return text
        except ValueError:
            pass
    raise argparse.ArgumentTypeError(
        'invalid time: %r (want RFC 3339 or YYYY-MM-DD[ hh:mm[:ss]])' % text)


def position(text):
    stripped = text.strip()
    if stripped in ('earliest', 'latest'):
        return text
    reason = ''
    try:
        if instant(stripped) < '1970':
            reason = ': a time before 1970'
        else:
            return text
    except argparse.ArgumentTypeError:
        if ':' in stripped and not stripped.strip('0123456789:, '):
            reason = wrong_offsets(stripped)
            if not reason:
                return text
    raise argparse.ArgumentTypeError(
        'invalid position: %r%s (want earliest, latest, a time as RFC 3339 or '
        'YYYY-MM-DD[ hh:mm[:ss]], or offsets by partition as 0:123,1:456)' % (text, reason))


def wrong_offsets(text):
    seen = set()
    for pair in text.split(','):
        partition, _, offset = pair.strip().partition(':')
        if not partition.isdigit() or int(partition) >= 2 ** 31:
            return ': %r has no partition from 0 to %d' % (pair, 2 ** 31 - 1)
        if not offset.isdigit() or int(offset) >= 2 ** 63:
            return ': %r has no offset from 0 to %d' % (pair, 2 ** 63 - 1)
        if int(partition) in seen:
            return ': partition %d is there twice' % int(partition)
        seen.add(int(partition))
    return ''


def loader(files):
    def load(path):
        if path not in files:
            sys.stderr.write('configuration file "%s" not found\n' % path)
            sys.exit(1)
        return path
    return load


def common(further):
    further.add_argument('--json-logs', action='store_true',
                         help='write the log as JSON, one object a line')
    further.add_argument('--version', action=Version, nargs=0, default=argparse.SUPPRESS,
                         help='show the version of the program and exit')


def collector(files):
    p = Parser('Distributed Collector Daemon of Apache Spot', epilog='END')
    p.add_argument('-c', '--config-file', metavar='', default='ingest_conf.json',
                   type=loader(files), help='path of configuration file')
    p.add_argument('-l', '--log-level', metavar='', default='INFO',
                   help='determine the level of the logger')
    p.add_argument('--skip-conversion', action='store_true', help='no transformation will be '
                   'applied to the data; useful for importing CSV files')
    mandatory = p.add_argument_group('mandatory arguments')
    mandatory.add_argument('--topic', required=True,
                           help='name of topic where the messages will be published')
    mandatory.add_argument('-t', '--type', choices=TYPES, required=True,
                           help='type of data that will be collected')
    p.further = further = p.add_argument_group('further arguments')
    further.add_argument('--once', action='store_true',
                         help='send the files that are there and not sent yet, then exit')
    further.add_argument('--backlog', action='store_true', help='also send the files that were '
                         'there at the first start, which are not sent otherwise')
    further.add_argument('--backlog-since', metavar='TIME', type=instant,
                         help='like --backlog, for files changed at TIME or later: RFC 3339 or '
                         'YYYY-MM-DD[ hh:mm[:ss]] in local time')
    further.add_argument('--resend', metavar='FILE', action='append',
                         help='send FILE again, as new data; can be given several times')
    common(further)
    return p


def listener(files):
    p = Parser('Start Spark Job for Streaming Listener Daemon', epilog='END')
    p.add_argument('-c', '--config-file', metavar='', default='ingest_conf.json',
                   type=loader(files), help='path of configuration file')
    p.add_argument('-d', '--deploy-mode', metavar='', default='client',
                   help='Whether to launch the driver program locally ("client") or on one of '
                   'the worker machines inside the cluster ("cluster")')
    p.add_argument('-g', '--group-id', metavar='', help='name of the consumer group to join for '
                   'dynamic partition assignment')
    p.add_argument('-l', '--log-level', metavar='', default='INFO',
                   help='determine the level of the logger')
    p.add_argument('-m', '--master', metavar='',
                   help='spark://host:port, mesos://host:port, yarn, or local')
    p.add_argument('-n', '--app-name', metavar='',
                   help='name of the Spark Job to display on the cluster web UI')
    p.add_argument('-r', '--redirect-spark-logs', metavar='',
                   help='redirect output of spark to specific file')
    mandatory = p.add_argument_group('mandatory arguments')
    mandatory.add_argument('-p', '--partitions', type=whole_number, required=True,
                           help='number of partitions to consume; each partition is consumed in '
                           'its own thread')
    mandatory.add_argument('-t', '--type', choices=TYPES, required=True,
                           help='type of the data that will be ingested')
    mandatory.add_argument('--topic', required=True, help='topic to listen for new messages')
    p.further = further = p.add_argument_group('further arguments')
    further.add_argument('--engine', choices=['embedded', 'spark'],
                         help='what writes the table: this process, or a Spark job')
    further.add_argument('--from', metavar='POSITION', type=position, help='where to start reading: earliest, '
                         'latest, a time, or offsets by partition as 0:123,1:456')
    further.add_argument('--once', action='store_true',
                         help='read the messages that are there, then exit')
    further.add_argument('--bad-row-limit', metavar='N', type=count, help='exit with 1 once '
                         'more than N rows were set aside as bad')
    further.add_argument('--create-table', action='store_true',
                         help='make the table in Hive if it is not there')
    common(further)
    return p


def to_argv(text):
    data = text.encode('latin-1')
    return data if PY2 else data.decode('utf-8', 'surrogateescape')


def from_stream(text):
    return text.decode('latin-1') if PY2 else \
        text.encode('utf-8', 'surrogateescape').decode('latin-1')


def values(parser, namespace):
    given = {}
    for action in parser._actions:
        name = action.option_strings[-1][2:]
        value = getattr(namespace, action.dest, None)
        if value is None or value is False or value == action.default:
            continue
        if isinstance(value, list):
            value = '|'.join(value)
        given[name] = 'true' if value is True else from_stream(str(value))
    return collections.OrderedDict(sorted(given.items()))


def answer(line):
    files = [to_argv(f) for f in line.get('files', ['ingest_conf.json'])]
    parser = {'collector': collector, 'listener': listener}[line.get('program', 'collector')](files)
    make = io.BytesIO if PY2 else io.StringIO
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err = make(), make()
    try:
        namespace = parser.parse_args([to_argv(a) for a in line['args']])
        return collections.OrderedDict([('code', 0), ('values', values(parser, namespace))])
    except SystemExit as e:
        code = e.code or 0
    except Exception:
        code = 1
        traceback.print_exc()
    finally:
        sys.stdout, sys.stderr = streams
    used = [(name, s.getvalue()) for name, s in (('stdout', out), ('stderr', err)) if s.getvalue()]
    (stream, text), = used
    # The value that an error shows may hold newlines.
    at = text.find('\n%s: error: ' % parser.prog)
    last = text[at + 1:-1] if at >= 0 else text[:-1].split('\n')[-1]
    return collections.OrderedDict([('code', code), ('stream', stream), ('last', from_stream(last))])


def table(path):
    with io.open(path, encoding='ascii') as f:
        lines = json.load(f, object_pairs_hook=collections.OrderedDict)
    for line in lines:
        line['argparse' if 'argparse' in line else 'want'] = answer(line)
    print('[\n' + ',\n'.join(json.dumps(line) for line in lines) + '\n]')


def main():
    if sys.argv[1] == 'help':
        os.environ['COLUMNS'] = sys.argv[2]
        print(json.dumps([p([]).format_help() for p in (collector, listener)]))
    else:
        os.environ['COLUMNS'] = '80'
        table(sys.argv[1])


if __name__ == '__main__':
    main()
