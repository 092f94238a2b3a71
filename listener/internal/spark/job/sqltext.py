"""Pieces of Spark SQL as text, of which the other modules build expressions.

Rows are turned into values by SQL expressions alone: what runs in Python runs in the driver.
Expressions that only unusual rows need are wrapped by let(), which Spark interprets: in the
code that it generates for the usual ones they take no room, and so no time.

What is unusual is looked at byte by byte. For that its bytes are taken for Latin-1, in which
each of them is a character: see latin1() and bytes_of().
"""


def literal(text):
    """A string literal, for a parser that takes backslashes for escapes."""
    out = []
    for c in text:
        if c in "\\'":
            out.append("\\" + c)
        elif " " <= c <= "~":
            out.append(c)
        else:
            out.append("\\u%04X" % ord(c))
    return "'" + "".join(out) + "'"


def let(name, value, body):
    """The value of body, in which name stands for value, which is evaluated once."""
    return "transform(array(%s), %s -> %s)[0]" % (value, name, body)


def case(*branches):
    """CASE: pairs of condition and value, and at the end what it is otherwise."""
    *pairs, otherwise = branches
    whens = " ".join("WHEN %s THEN %s" % pair for pair in pairs)
    return "CASE %s ELSE %s END" % (whens, otherwise)


def matches(value, pattern):
    return "(%s rlike %s)" % (value, literal(pattern))


def extract(value, pattern, group=0):
    """What a group of the pattern matches, or an empty string."""
    return "regexp_extract(%s, %s, %d)" % (value, literal(pattern), group)


def extract_all(value, pattern):
    return "regexp_extract_all(%s, %s, 0)" % (value, literal(pattern))


def latin1(value):
    """The bytes of a string, or of a binary, each as a character."""
    return "decode(CAST(%s AS BINARY), 'ISO-8859-1')" % value


def bytes_of(text):
    """The string whose bytes latin1() has made text of."""
    return "CAST(encode(%s, 'ISO-8859-1') AS STRING)" % text
