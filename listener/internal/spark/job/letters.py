"""Dead letters: the bad rows and messages, each as a line of JSON, as the embedded engine
writes them."""

import reasons
import rows as table_rows
from sqltext import case, latin1, let


def of_rows(exploded):
    """The letters of the bad rows: a DataFrame of lines."""
    bad = exploded.where(table_rows.IS_BAD)
    return bad.selectExpr("%s AS line" % _line("CAST(pos AS STRING)", table_rows.REASON, "CAST(row AS BINARY)"))


def of_messages(decoded):
    """The letters of the bad messages."""
    bad = decoded.where("bad IS NOT NULL")
    return bad.selectExpr("%s AS line" % _line("'null'", "bad", "coalesce(value, X'')"))


def _line(row, reason, data):
    # Some versions of Spark break base64 into lines.
    base64 = "concat(',\"base64\":\"', regexp_replace(base64(%s), '[^A-Za-z0-9+/=]', ''), '\"')" % data
    text = "concat(',\"text\":', %s)" % _json("CAST(%s AS STRING)" % data)
    body = let("t", latin1(data), case((reasons.is_utf8("t"), text), base64))
    return "concat('{\"topic\":', %s, ',\"partition\":', partition, ',\"offset\":', offset, ',\"row\":', %s, ',\"reason\":', %s, %s, '}')" % (
        _json("topic"), row, _json(reason), body)


def _json(text):
    """A string as JSON, taken out of the array in which Spark writes it."""
    return let("j", "to_json(array(%s))" % text, "substring(j, 2, length(j) - 2)")
