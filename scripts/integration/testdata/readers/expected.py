"""What the tables must hold, made from the rows that were sent: of each table the request
names the "source", a file with one row a line. It is the rule of the tables written down once
more, in the time zone UTC. A row that has no number where one must be, or one that its type
can't hold, is bad and goes to FOLDER/<database>.<kind>.bad as it is.

Of a table that is "recorded" the source holds objects {"row", "values"} instead: only the
ranges of the types are applied to the values."""

import calendar
import ctypes
import json
import shlex
import time

import canonical

INT, BIGINT, FLOAT, STRING = "int", "bigint", "float", "string"

FLOW = [("treceived", STRING), ("unix_tstamp", BIGINT)] + [
    (name, INT) for name in "tryear trmonth trday trhour trminute trsec".split()
] + [("tdur", FLOAT), ("sip", STRING), ("dip", STRING), ("sport", INT), ("dport", INT), ("proto", STRING), ("flag", STRING)] + [
    ("fwd", INT), ("stos", INT)] + [(name, BIGINT) for name in "ipkt ibyt opkt obyt".split()] + [
    (name, INT) for name in "input output sas das dtos dir".split()
] + [("rip", STRING)]

DNS = [("frame_time", STRING), ("unix_tstamp", BIGINT), ("frame_len", INT), ("ip_dst", STRING), ("ip_src", STRING),
       ("dns_qry_name", STRING), ("dns_qry_class", STRING), ("dns_qry_type", INT), ("dns_qry_rcode", INT), ("dns_a", STRING)]

# Each column with the field that it is made of.
PROXY = [("p_date", 0), ("p_time", 1), ("clientip", 3), ("host", 15), ("reqmethod", 12), ("useragent", 20),
         ("resconttype", 13), ("duration", 2), ("username", 4), ("authgroup", 5), ("exceptionid", 6), ("filterresult", 7),
         ("webcat", 8), ("referer", 9), ("respcode", 10), ("action", 11), ("urischeme", 14), ("uriport", 16),
         ("uripath", 17), ("uriquery", 18), ("uriextension", 19), ("serverip", 21), ("scbytes", 22), ("csbytes", 23),
         ("virusid", 24), ("bcappname", 25), ("bcappoper", 26)]
PROXY_INTS = {"duration", "scbytes", "csbytes"}

COLUMNS = {
    "flow": FLOW,
    "dns": DNS,
    "proxy": [(name, INT if name in PROXY_INTS else STRING) for name, _ in PROXY] + [("fulluri", STRING)],
}


def float32(text):
    return ctypes.c_float(float(text)).value


def flow(row):
    f = row.split(",")
    stamp = calendar.timegm(time.strptime(f[0], "%Y-%m-%d %H:%M:%S"))
    convert = {INT: int, BIGINT: int, FLOAT: float32, STRING: str}
    rest = [convert[kind](field) for (_, kind), field in zip(FLOW[2:], f[1:], strict=True)]
    return [f[0], stamp] + rest + rest[:4]


def dns(row):
    f = row.split(",")
    seconds = int(float(f[2]))
    t = time.gmtime(seconds)
    return [f[0] + ", " + f[1], seconds, int(f[3]), f[5], f[4], f[6], f[8], int(f[7]), int(f[9]), f[10],
            t.tm_year, t.tm_mon, t.tm_mday, t.tm_hour]


def proxy(row):
    words = shlex.shlex(row, posix=False)
    words.whitespace_split, words.quotes, words.commenters = True, '"', ""
    f = list(words)
    values = [int(f[i]) if name in PROXY_INTS else f[i] for name, i in PROXY]
    uri = f[15] + "".join(f[i] for i in (17, 18) if len(f[i]) > 1)
    return values + [uri, f[0][:4], f[0][5:7], f[0][8:10], f[1][:2]]


CONVERT = {"flow": flow, "dns": dns, "proxy": proxy}
BITS = {"tinyint": 8, "smallint": 16, INT: 32, BIGINT: 64}


def check(columns, values):
    for (name, kind), value in zip(columns, values, strict=True):
        if kind in BITS and not -1 << BITS[kind] - 1 <= value < 1 << BITS[kind] - 1:
            raise ValueError("%s is out of range: %d" % (name, value))


def main():
    r = canonical.request()
    for table in r["tables"]:
        kind = table["kind"]
        columns = COLUMNS[kind] + canonical.PARTITIONS[kind]
        good = []
        with open(table["source"], newline="\n") as source, open(canonical.path(r["out"], table, "bad"), "w") as bad:
            for line in source:
                row = line.rstrip("\n")
                try:
                    if table["recorded"]:
                        recorded = json.loads(line)
                        row, values = recorded["row"], recorded["values"]
                    else:
                        values = CONVERT[kind](row)
                    check(columns, values)
                    good.append(values)
                except ValueError:
                    print(row, file=bad)
        canonical.write(r["out"], table, "expected", columns, good)


main()
