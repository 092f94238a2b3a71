"""Text of rows to the values of a table's columns, the same that the embedded engine makes.

A row that is as usual is recognised as a whole by one pattern. It is a good one, and plain
casts give its values. All others go by unusual.py, which knows every rule.
"""

import reasons
import tables
import times
import unusual
from sqltext import case, extract_all, matches

# What bytes that are not UTF-8 have become when a pattern looks at them.
_REPLACED = r"\x{FFFD}"

_INT, _BIGINT = "[0-9]{1,9}+", "[0-9]{1,18}+"
_FLOAT = r"[0-9]{1,9}+(?:\.[0-9]{1,9}+)?"
_STRING = "[^,%s]*+" % _REPLACED
_EPOCH = r"[0-9]{1,11}+(?:\.[0-9]{1,9}+)?"  # at most in the year 5138
_TOKEN = r'(?:"[^"%s]*+"|[^" \t\r\n%s][^ \t\r\n%s]*+)' % (_REPLACED, _REPLACED, _REPLACED)
_ANY_TOKEN = r'"[^"]*+"|[^ \t\r\n]++'


def _usual_flow():
    time = times.date_pattern("19|[2-9]") + " " + times.CLOCK
    kinds = {"INT": _INT, "BIGINT": _BIGINT, "FLOAT": _FLOAT, "STRING": _STRING}
    rest = [kinds[kind] for _, kind in tables.fields("flow")[5:]]
    return ",".join([time, "[0-9]{1,4}+"] + ["[0-9]{1,2}+"] * 3 + rest)


def _usual_dns():
    kinds = {"INT": _INT, "STRING": _STRING}
    rest = [kinds[kind] for _, kind in tables.fields("dns")[3:]]
    return ",".join([_STRING, _STRING, _EPOCH] + rest)


def _usual_proxy():
    fields = [_TOKEN] * len(tables.fields("proxy"))
    fields[0], fields[1] = times.date_pattern("[1-9]"), times.CLOCK
    fields[2] = fields[22] = fields[23] = _INT
    return " ".join(fields)


_USUAL = {"flow": _usual_flow, "dns": _usual_dns, "proxy": _usual_proxy}


def fields(table, row, zone):
    """The fields of a row, an array of strings; of a bad row the parts of its reason."""
    split = extract_all(row, _ANY_TOKEN) if table == "proxy" else "split(%s, ',', -1)" % row
    return case((matches(row, r"\A" + _USUAL[table]() + r"\z"), split), unusual.fields(table, row, zone))


IS_BAD = "size(f) <= %d" % reasons.MAX_PARTS
REASON = reasons.of("f")


def good(rows, table, zone, gaps, *kept):
    """Of rows with their fields f, the good ones: a DataFrame of the table's columns, behind
    them those of its partitions, and then those of rows that are kept."""
    frame = rows.where("NOT " + IS_BAD)
    if table == "dns":
        frame = frame.selectExpr("*", "CAST(coalesce(f[11], f[2]) AS DOUBLE) AS epoch")
        frame = frame.selectExpr("*", times.local_of("epoch", zone) + " AS local")
    columns = ["%s AS %s" % (_column(table, source, kind, zone, gaps), name) for name, kind, source in tables.COLUMNS[table]]
    return frame.selectExpr(*columns, *["%s AS %s" % pair for pair in zip(_partition(table), tables.PARTITIONS)], *kept)


def _column(table, source, kind, zone, gaps):
    if source == tables.UNIX_TIME:
        return "CAST(epoch AS BIGINT)" if table == "dns" else times.unix_of("coalesce(f[27], f[0])", zone, gaps)
    if source == tables.FRAME_TIME:
        return "concat(f[0], ', ', f[1])"
    if source == tables.FULL_URI:
        return "concat(f[15], IF(octet_length(f[17]) > 1, f[17], ''), IF(octet_length(f[18]) > 1, f[18], ''))"
    if kind == "FLOAT":
        return "CAST(CAST(f[%d] AS DOUBLE) AS FLOAT)" % source  # rounded twice, as Spot did
    return "f[%d]" % source if kind == "STRING" else "CAST(f[%d] AS %s)" % (source, kind)


def _partition(table):
    """What is in y, m, d and h."""
    if table == "flow":
        return ["CAST(f[1] AS SMALLINT)"] + ["CAST(f[%d] AS TINYINT)" % i for i in (2, 3, 4)]
    if table == "dns":
        return ["CAST(%s(local) AS %s)" % part for part in [
            ("year", "SMALLINT"), ("month", "TINYINT"), ("dayofmonth", "TINYINT"), ("hour", "TINYINT")]]
    time = "coalesce(f[27], concat(f[0], ' ', f[1]))"
    return ["CAST(CAST(substring(%s, 1, 4) AS INT) AS STRING)" % time] + [
        "substring(%s, %d, 2)" % (time, at) for at in (6, 9, 12)]


def exploded(messages, table, zone):
    """Of decoded messages the rows, with their fields f: in order, and numbered from 0."""
    frame = messages.selectExpr("topic", "partition", "offset", "posexplode_outer(rows) AS (pos, row)")
    return frame.where("row IS NOT NULL").selectExpr("*", "%s AS f" % fields(table, "row", zone))
