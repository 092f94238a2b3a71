"""Rows that are not as usual: what the fields of good ones are, and why the others are bad.

The rules are those of the embedded engine, which has them from Python 2. All values are
Latin-1, see sqltext, and patterns name the blanks one by one.
"""

import reasons
import tables
import times
from sqltext import bytes_of, case, extract, extract_all, latin1, let, literal, matches

_BLANKS = {
    "flow": r"[ \t\n\x0b\f\r\x1c-\x1f]*+",
    "dns": r"[ \t\n\x0b\f\r\x1c-\x1f]*+",
    "proxy": r"[ \t\n\x0b\f\r]*+",
}
_WHOLE = r"([+-]?[0-9]++)"
_DECIMAL = r"([+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)"
_NAN, _INFINITY, _MINUS_INFINITY = r"[+-]?(?i:nan)", r"\+?(?i:inf|infinity)", r"-(?i:inf|infinity)"

_TIME = r"\A([0-9]{4})-([0-9]{1,2})-( [0-9]|[0-9]{1,2})[ \t\n\x0b\f\r]++([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})\z"
_LIKE_TIME = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}"

# A field of a proxy's row. The second is a quote that nothing closes.
_TOKEN = r'"[^"]*+"|"[^"]*+\z|[^" \t\r\n][^ \t\r\n]*+'


def fields(table, row, zone):
    """The fields of a row of bytes as an array of strings: numbers without blanks, and behind
    the fields that the table needs the row's time, of the form "2018-03-20 09:25:11", or in
    table dns its epoch. A bad row gives the parts of its reason, see reasons."""
    split = {"flow": _flow, "dns": _dns, "proxy": _proxy}[table]
    return let("row", latin1(row), split(zone))


def _flow(_):
    judged = _judged("flow", _time("f[0]"), [
        ("time = ''", reasons.bad_time("treceived", "f[0]")),
        ("time < '1900'", reasons.bad_value("'treceived'", "f[0]", "'is before the year 1900'")),
    ])
    stock = "size(g) = 48 AND %s AND %s" % (matches("g[0]", _LIKE_TIME), matches("g[1]", _LIKE_TIME))
    received = case((matches("g[47]", r"\A(?:1970-01-01|0000-00-00) 00:00:00"), "g[0]"), "g[47]")
    mapped = let("t", received, case(
        ("NOT " + matches("t", _LIKE_TIME), reasons.bad_time("treceived", "t")),
        let("f", _stock(), let("row", "array_join(f, ',')", judged))))
    return let("g", "split(row, ',', -1)", case((stock, mapped), let("f", "g", judged)))


def _stock():
    """The 27 fields that are made of the 48 of other nfdumps."""
    parts = ["substring(t, 1, 4)"] + ["substring(t, %d, 2)" % at for at in (6, 9, 12, 15, 18)]
    unpadded = ["regexp_replace(%s, '^0+(?=.)', '')" % part for part in parts]
    bits = " + ".join("IF(substring(g[8], %d, 1) = '.', 0, %d)" % (i + 1, 128 >> i) for i in range(8))
    flags = case(
        ("length(g[8]) <> 8", "g[8]"),
        ("g[8] LIKE '..%'", "substring(g[8], 3)"),
        "concat('  0x', lower(hex(%s)))" % bits)
    rest = [flags if i == 8 else "g[%d]" % i for i in [*range(2, 19), 21, 22, 44]]
    return "array(%s)" % ", ".join(["substring(t, 1, 19)"] + unpadded + rest)


def _dns(zone):
    blanks = _BLANKS["dns"]
    words = r"\A%s(?:%s|%s|%s)%s\z" % (blanks, _NAN, _INFINITY, _MINUS_INFINITY, blanks)
    epoch = "CAST(time AS DOUBLE)"
    outside = "NOT abs(%s) < 1e12D OR NOT year(%s) BETWEEN 1 AND 9999" % (epoch, times.local_of(epoch, zone))
    not_instant = reasons.bad_value("'unix_tstamp'", "f[2]", "'seconds are not within the years 1 to 9999'")
    judged = _judged("dns", extract("f[2]", r"\A%s%s%s\z" % (blanks, _DECIMAL, blanks), 1), [
        ("time = '' AND NOT " + matches("f[2]", words), reasons.bad_value("'unix_tstamp'", "f[2]", "'is not a number'")),
        ("time = ''", not_instant),
        (outside, not_instant),
    ])
    return let("f", "split(row, ',', -1)", judged)


def _proxy(_):
    judged = _judged("proxy", _time("concat(f[0], ' ', f[1])"), [
        ("time = ''", reasons.bad_day("f[0]", "f[1]")),
    ])
    last = "element_at(f, -1)"
    return let("f", extract_all("row", _TOKEN), case(
        ("size(f) > 0 AND " + matches(last, r'\A"[^"]*+\z'), reasons.unclosed("row", last)),
        judged))


def _judged(table, time, faults):
    """Judges the fields f of row. Faults are conditions and reasons, of the time among others."""
    wanted = tables.fields(table)
    described = ", ".join(
        "named_struct('i', %d, 'name', '%s', 'type', '%s')" % ((i,) + (column or ("", "STRING")))
        for i, column in enumerate(wanted))
    values = "transform(array(%s), c -> %s)" % (described, _value(table))
    good = "concat(transform(v, x -> x.value), array(time))"
    partition = _partition() if table == "flow" else []
    judged = let("v", values, let("reason", "filter(v, x -> x.reason IS NOT NULL)[0].reason", case(
        ("reason IS NOT NULL", "reason"), *partition, good)))
    return case(
        ("size(f) < %d" % len(wanted), reasons.missing(len(wanted), wanted[-1][0], "size(f)")),
        ("NOT " + reasons.is_utf8("row"), reasons.not_text("row")),
        let("time", time, case(*faults, judged)))


def _value(table):
    """The value of a field, or the reason why it has none."""
    blanks = _BLANKS[table]

    def is_word(words):
        return matches("f[c.i]", r"\A%s(?:%s)%s\z" % (blanks, words, blanks))

    def number(pattern, check, problem):
        return let("n", extract("f[c.i]", r"\A%s%s%s\z" % (blanks, pattern, blanks), 1), case(
            ("n = ''", _no_value(literal(problem))), (check, _some_value("n")), _no_value("concat('is beyond ', c.type)")))

    return case(
        ("c.type = 'STRING'", _some_value(bytes_of("f[c.i]"))),
        ("c.type = 'INT'", number(_WHOLE, "CAST(n AS BIGINT) BETWEEN -2147483648 AND 2147483647", "is not a whole number")),
        ("c.type = 'BIGINT'", number(_WHOLE, "CAST(n AS BIGINT) IS NOT NULL", "is not a whole number")),
        (is_word(_NAN), _some_value("'NaN'")),
        (is_word(_INFINITY), _some_value("'Infinity'")),
        (is_word(_MINUS_INFINITY), _some_value("'-Infinity'")),
        number(_DECIMAL, "abs(CAST(CAST(n AS DOUBLE) AS FLOAT)) < CAST('Infinity' AS FLOAT)", "is not a number"))


def _some_value(value):
    return "named_struct('value', %s, 'reason', CAST(NULL AS ARRAY<STRING>))" % value


def _no_value(problem):
    return "named_struct('value', CAST(NULL AS STRING), 'reason', %s)" % reasons.bad_value("c.name", "f[c.i]", problem)


def _partition():
    """What is wrong with numbers that are good, but not for the columns of the partition."""
    out = []
    for i, (name, column, kind, least, most) in enumerate([
        ("tryear", "y", "SMALLINT", -32768, 32767), ("trmonth", "m", "TINYINT", -128, 127),
        ("trday", "d", "TINYINT", -128, 127), ("trhour", "h", "TINYINT", -128, 127),
    ], start=1):
        problem = "is beyond %s, the type of partition column %s" % (kind, column)
        out.append(("NOT CAST(v[%d].value AS BIGINT) BETWEEN %d AND %d" % (i, least, most),
                    reasons.bad_value(literal(name), "f[%d]" % i, literal(problem))))
    return out


def _time(text):
    """A time in the form "2018-03-20 09:25:11", or an empty string if there is none."""
    part = [extract("t", _TIME, i) for i in range(1, 7)]
    padded = ["lpad(trim(%s), 2, '0')" % p for p in part[1:]]
    whole = "concat(%s, '-', %s, '-', %s, ' ', %s, ':', %s, ':', %s)" % (part[0], *padded)
    exists = matches("w", r"\A(?!0000)%s %s\z" % (times.date_pattern("[0-9]"), times.CLOCK))
    return let("t", text, let("w", whole, case((exists, "w"), "''")))
