"""Values of messages to rows: what is good is what the embedded engine takes for good.

Spark's from_avro reads too much and too little: it makes an array as large as five bytes
claim, and does not see what lies behind the rows. So the first block's count is looked at
before, and the length of all that was read after. A value that is longer than its rows need,
which is legal if it has several blocks, is walked through.
"""

from pyspark.sql.avro.functions import from_avro
from pyspark.sql.functions import expr

from sqltext import case, extract, let, matches

SCHEMA = """{"type": "record", "name": "list.avsc", "fields": [
    {"name": "list", "type": [{"type": "array", "items": "string"}, "null"], "default": []}]}"""

# A number takes ten bytes at most, of which the last has the high bit not set.
_VARINT = r"\A(?:[89A-F][0-9A-F]){0,8}[0-7][0-9A-F]|\A(?:[89A-F][0-9A-F]){9}0[01]"


def decoded(messages):
    """Adds to messages their rows, an array of strings, or in bad the reason why there are
    none."""
    framed = messages.selectExpr("*", "%s AS branch" % _branch())
    framed = framed.selectExpr("*", "%s AS block" % _number("value", "branch + 1"))
    guarded = "CASE WHEN %s THEN %s END" % (
        "branch > 0 AND block.n BETWEEN -octet_length(value) AND octet_length(value)",
        case(("branch = 1", "value"), "concat(X'00', substring(value, branch + 1))"))
    framed = framed.withColumn("guarded", expr(guarded))
    listed = framed.withColumn("list", from_avro("guarded", SCHEMA, {"mode": "PERMISSIVE"})["list"])
    listed = listed.withColumn("why", expr(_bad()))
    # Below a generator Spark pushes no filter, which would decode a message again.
    outcome = "inline_outer(array(named_struct('rows', CASE WHEN why IS NULL THEN list END, 'bad', why)))"
    return listed.selectExpr(*messages.columns, outcome)


def _branch():
    """How many bytes the union's branch takes, 0 if it is not that of a list. A writer may pad
    it, though none does."""
    return "length(%s) DIV 2" % extract("hex(substring(value, 1, 10))", r"\A(?:80){0,9}00")


def _number(value, position):
    """A number as Avro writes it, and how many bytes it takes; none, and NULL, if it is none."""
    byte = "CAST(conv(substring(h, 2 * i + 1, 2), 16, 10) AS BIGINT)"
    raw = "aggregate(sequence(0, length(h) DIV 2 - 1), 0L, (a, i) -> a | shiftleft(%s & 127, 7 * i))" % byte
    number = let("r", raw, "named_struct('n', shiftrightunsigned(r, 1) ^ -(r & 1), 'bytes', length(h) DIV 2)")
    none = "named_struct('n', CAST(NULL AS BIGINT), 'bytes', 0)"
    return let("h", extract("hex(substring(%s, %s, 10))" % (value, position), _VARINT), case(("h = ''", none), number))


def _bad():
    null = matches("hex(substring(value, 1, 11))", r"\A(?:02|82(?:80){0,8}00)\z")
    return case(
        ("value IS NULL", "'the message has no value'"),
        ("octet_length(value) = 0", "'decode value: byte 0: the value is empty'"),
        (null, "'decode value: the list is null'"),
        ("list IS NULL OR NOT (octet_length(value) = %s OR %s)" % (_length(), _walk()),
         "'decode value: it is no list of rows as Avro writes it'"),
        ("size(list) = 0", "'the message has no rows'"),
        "NULL")


def _length():
    """The bytes that the rows take, in one block as the collector writes them. It is the least:
    a value of this length holds nothing else."""
    def bytes_of_number(n, most):
        return case(*[("%s < %d" % (n, 1 << (7 * k - 1)), str(k)) for k in range(1, most)], str(most))

    rows = "aggregate(list, 0L, (a, r) -> a + octet_length(r) + %s)" % bytes_of_number("octet_length(r)", 5)
    return "%s + %s + IF(size(list) = 0, 1, 2)" % (rows, bytes_of_number("size(list)", 5))


def _walk():
    """Goes through the value as the embedded engine does, and tells whether it is good.

    A step takes a row, or the head of a block: its number of rows, or the negative of it and
    its bytes. So twice as many steps as there are rows will do. The walk's state is where it
    is, how many rows the block has left, where it must end, and whether the list has ended;
    it is NULL once something is wrong.
    """
    def state(at, left, end, ended="false"):
        return "named_struct('at', %s, 'left', %s, 'end', %s, 'ended', %s)" % (
            "CAST(%s AS BIGINT)" % at, "CAST(%s AS BIGINT)" % left, "CAST(%s AS BIGINT)" % end, ended)

    wrong = "CAST(NULL AS STRUCT<at: BIGINT, left: BIGINT, end: BIGINT, ended: BOOLEAN>)"
    size = "octet_length(value)"
    here = _number("value", "CAST(s.at AS INT) + 1")
    room = "coalesce(s.end, %s) - s.at - x.bytes" % size
    row = let("x", here, case(("x.n BETWEEN 0 AND " + room, state("s.at + x.bytes + x.n", "s.left - 1", "s.end")), wrong))
    # The head of a block that tells its bytes, and then that of one that does not.
    told = let("y", _number("value", "CAST(s.at AS INT) + x.bytes + 1"), let("at", "s.at + x.bytes + y.bytes", case(
        ("y.n BETWEEN 0 AND %s - at AND -x.n BETWEEN 1 AND y.n" % size, state("at", "-x.n", "at + y.n")), wrong)))
    head = let("x", here, case(
        ("s.end IS NOT NULL AND s.end <> s.at", wrong),
        ("x.n = 0", state("s.at + x.bytes", "0", "NULL", "true")),
        ("x.n < 0", told),
        ("x.n <= %s - s.at - x.bytes" % size, state("s.at + x.bytes", "x.n", "NULL")),
        wrong))
    step = case(("s IS NULL OR s.ended", "s"), ("s.left > 0", row), head)
    return ("coalesce(aggregate(sequence(0, 2 * size(list) + 2), %s, (s, step) -> %s, s -> s.ended AND s.at = %s), false)"
            % (state("branch", "0", "NULL"), step, size))
