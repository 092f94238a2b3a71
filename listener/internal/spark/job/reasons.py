"""Why a row is bad: the sentences of the embedded engine, to the letter.

All values are Latin-1, see sqltext. What is found of a row is not a sentence yet, but an array
of its parts, so that only dead letters take the trouble to quote values.
"""

from sqltext import bytes_of, case, extract, extract_all, let, literal, matches

# A character of UTF-8, beside those of one byte.
_LONGER = (
    r"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    r"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    r"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)

# Possessive, so that no row is too long for the stack.
_VALID = r"\A(?:[\x00-\x7f]++|%s)*+" % _LONGER

# A character, or a byte that is part of none.
_UNIT = _LONGER + r"|[\x00-\xff]"

# How many bytes of a value a reason repeats.
MAX_QUOTED = 64

_ESCAPES = [
    ("\\", "\\\\"), ('"', '\\"'), ("\a", "\\a"), ("\b", "\\b"), ("\f", "\\f"),
    ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\v", "\\v"),
]

FORM = "YYYY-MM-DD hh:mm:ss"


def is_utf8(text):
    return matches(text, _VALID + r"\z")


def quote(value):
    """A value, or its beginning, as Go's %q writes it."""
    cut = case(
        ("length(v) <= %d" % MAX_QUOTED, "v"),
        # Not within a character: back to its beginning, if that is near.
        (matches("substring(v, 61, 5)", r"[^\x80-\xbf]"),
         extract("substring(v, 1, %d)" % (MAX_QUOTED + 1), r"\A([\x00-\xff]{60,64})(?![\x80-\xbf])", 1)),
        "substring(v, 1, 60)",
    )
    quoted = "array_join(transform(%s, u -> %s), '')" % (extract_all(cut, _UNIT), _quote_unit())
    more = case(("length(v) > %d" % MAX_QUOTED, literal('"\u2026')), literal('"'))
    return let("v", value, "concat('\"', %s, %s)" % (quoted, more))


def _quote_unit():
    escapes = [("u = " + literal(c), literal(escape)) for c, escape in _ESCAPES]
    character = let("c", bytes_of("u"), case(
        (matches("c", r"\A[\p{L}\p{M}\p{N}\p{P}\p{S}]\z"), "c"),
        ("ascii(c) < 65536", "concat(%s, lpad(lower(hex(ascii(c))), 4, '0'))" % literal("\\u")),
        "concat(%s, lpad(lower(hex(ascii(c))), 8, '0'))" % literal("\\U"),
    ))
    return case(
        *escapes,
        (matches("u", r"\A[\x20-\x7e]\z"), "u"),
        ("length(u) = 1", "concat(%s, lower(hex(encode(u, 'ISO-8859-1'))))" % literal("\\x")),
        character,
    )


def of(parts):
    """The sentence of its parts: a bad row's fields, of which every second one is a value."""
    return "array_join(transform(%s, (part, i) -> IF(i %% 2 = 1, %s, part)), '')" % (parts, quote("part"))


# The parts that the other modules make: arrays of up to five.
MAX_PARTS = 5


def bad_value(name, value, problem):
    """A column's value is bad; name and problem are expressions."""
    return "array(concat(%s, ': '), %s, concat(' ', %s))" % (name, value, problem)


def bad_time(name, value):
    return bad_value(literal(name), value, literal("is not a time of the form " + FORM))


def bad_day(day, clock):
    return "array('p_date, p_time: ', %s, ', ', %s, %s)" % (day, clock, literal(" are not a time of the form " + FORM))


def missing(fields, name, count):
    """A row of count fields has not the one numbered fields, from 1."""
    return "array(concat(%s, %s, %s))" % (
        literal("field %d (%s) is missing: the row has " % (fields, name)), count,
        case(("%s = 1" % count, "' field'"), "' fields'"))


def unclosed(row, token):
    """A quote is not closed in the token with which the row ends."""
    return "array(concat('no closing quote for the one at byte ', length(%s) - length(%s), ': '), %s)" % (row, token, token)


def not_text(row):
    return let("k", "length(%s)" % extract(row, _VALID),
               "array(concat('the row is not UTF-8 from byte ', k, ' on: '), substring(%s, k + 1, 8))" % row)
