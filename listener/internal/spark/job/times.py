"""Local times and instants, as the embedded engine reads them.

The session's time zone must be UTC, so that Spark's own functions take no zone for granted.
"""

from sqltext import case, literal

# A date that exists: of the years 1000 to 9999, or as years says.
def date_pattern(years):
    leap = r"[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|[02468][048]00|[13579][26]00"
    return (
        r"(?:(?=%s)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
        r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:%s)-02-29))" % (years, leap)
    )


CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"


def unix_of(text, zone, gaps):
    """The Unix time of a local time, text of the form "2018-03-20 09:25:11": the first of two,
    where it exists twice; one that is skipped is counted on by the offset before, or where
    gaps says so by another."""
    wall = "CAST(%s AS TIMESTAMP)" % text
    if is_utc(zone):
        return "CAST(%s AS BIGINT)" % wall
    unix = "CAST(to_utc_timestamp(%s, %s) AS BIGINT)" % (wall, literal(zone))
    if not gaps:
        return unix
    seconds = "CAST(%s AS BIGINT)" % wall
    return case(*[
        ("%s >= %d AND %s < %d" % (seconds, begin, seconds, end), "%s - %d" % (seconds, offset))
        for begin, end, offset in gaps
    ], unix)


def local_of(epoch, zone):
    """The local time, as if it were UTC, of an epoch, a double. As in Python its microseconds
    are rounded first, and may be those of another second."""
    seconds = "CAST(%s AS BIGINT)" % epoch
    micros = "(%s - %s) * 1e6" % (epoch, seconds)
    moment = "timestamp_seconds(%s)" % case(
        (micros + " <= -0.5D", seconds + " - 1"), (micros + " >= 999999.5D", seconds + " + 1"), seconds)
    return moment if is_utc(zone) else "from_utc_timestamp(%s, %s)" % (moment, literal(zone))


def is_utc(zone):
    return zone in ("UTC", "Etc/UTC", "Etc/Universal", "Etc/Zulu", "UCT", "Etc/UCT", "Universal", "Zulu")
