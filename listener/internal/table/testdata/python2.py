"""Answers, one line each, what Python 2.7 makes of the values on stdin.

A line is a kind, a blank and the value's bytes in hex; "zone" takes a zone's name instead.
The answer to what Python raises an exception for is "error".
"""
import datetime
import os
import shlex
import struct
import sys
import time

FORM = '%Y-%m-%d %H:%M:%S'


def double(f):
    return 'nan' if f != f else struct.pack('>d', f).encode('hex')


def tokens(text):
    lex = shlex.shlex(text)
    lex.quotes, lex.commenters, lex.whitespace_split = '"', '', True
    return ' '.join(token.encode('hex') for token in lex)


def local(text):
    """Unix time of a local time that is asked for after one of the day before it."""
    t = datetime.datetime.strptime(text, FORM)
    (t - datetime.timedelta(days=1)).strftime('%s')
    return t.strftime('%s')


def hour(text):
    seconds = float(text)
    t = datetime.datetime.fromtimestamp(seconds)
    return '%d %02d %02d' % (seconds, t.day, t.hour)


KINDS = {
    'bytes.int': lambda b: str(int(b)),
    'unicode.int': lambda b: str(int(b.decode('ascii'))),
    'bytes.float': lambda b: double(float(b)),
    'unicode.float': lambda b: double(float(b.decode('ascii'))),
    'time': lambda b: datetime.datetime.strptime(b.decode('ascii'), FORM).isoformat(),
    'tokens': tokens,
    'local': local,
    'hour': hour,
}

for line in sys.stdin:
    kind, _, value = line.rstrip('\n').partition(' ')
    if kind == 'zone':
        os.environ['TZ'] = value
        time.tzset()
        continue
    try:
        print(KINDS[kind](value.decode('hex')))
    except (ValueError, TypeError, OverflowError):
        print('error')
