# Prints stamps.txt, with Python 2.7: a time stamp's type, its text, and what the
# standard library makes of it in Unix milliseconds, or "-" where it raises an error.
#
#   python2.7 stamps.py > stamps.txt
import calendar
import datetime
import random
import time

random.seed(1)


def date(text):
    return calendar.timegm(time.strptime(text, '%Y-%m-%d %H:%M:%S')) * 1000


def epoch(text):
    t = datetime.datetime.utcfromtimestamp(float(text))
    return calendar.timegm(t.timetuple()) * 1000 + t.microsecond // 1000


def show(kind, read, text):
    try:
        answer = read(text)
    except ValueError:
        answer = '-'
    print '%s\t%s\t%s' % (kind, text, answer)


dates = '''2018-03-20 09:25:11|1970-01-01 00:00:00|1969-12-31 23:59:59|0001-01-01 00:00:00|0000-12-31 23:59:59
9999-12-31 23:59:59|9999-12-31 23:59:60|9999-12-31 23:59:61|2016-12-31 23:59:60|2016-12-31 23:59:61
2016-12-31 23:59:62|2016-12-31 23:60:00|2016-12-31 24:00:00|2024-02-29 12:00:00|2023-02-29 12:00:00
1900-02-29 12:00:00|2000-02-29 12:00:00|2018-00-10 00:00:00|2018-13-10 00:00:00|2018-04-31 00:00:00
2018-02-31 00:00:00|2018-02-00 00:00:00|2018-01-32 00:00:00|2018-01-31 25:00:00|2018-01-31 99:99:99
2018-01-31 00:61:00|1899-12-31 23:59:59|0099-03-01 00:00:00|2018-12-31 23:59:99'''
for line in dates.splitlines():
    for text in line.split('|'):
        show('date', date, text)
for _ in range(150):
    show('date', date, '%04d-%02d-%02d %02d:%02d:%02d' % (
        random.choice([random.randint(0, 9999), random.randint(1960, 2040)]), random.randint(0, 13),
        random.randint(0, 32), random.randint(0, 25), random.randint(0, 61), random.randint(0, 63)))

epochs = '''1521537911.123456789 0000000000.000000000 9999999999.999999999 1709892000.999999999 1709892000.000499999
1709892000.000500000 1709892000.999999499 1709892000.999999500 1709892000X123456789 1709892000_123456789
1709892000-123456789 1709892000+123456789 1709892000,123456789 1709892000x123456789 1709892000p123456789
1709892000L123456789 1709892000j123456789 17098920000123456789 00000000001234567890 00000000253402300799
00000000253402300800 00000009999999999999 0000000000e123456789 0000000000E000000000 1709892000e000000001
1709892000e000000002 1709892000e999999999 0000000001e000000002 0253402300e000000003 2534023007e000000002
2534023008e000000002'''
for text in epochs.split():
    show('epoch', epoch, text)
for _ in range(150):
    show('epoch', epoch, '%010d.%09d' % (random.choice([0, 1, 1521537911, random.randint(0, 9999999999)]),
                                        random.choice([random.randint(0, 999999999), random.randint(0, 999999) * 1000 + random.randint(497, 503),
                                                       999999000 + random.randint(0, 999)])))
