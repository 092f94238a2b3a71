"""The columns of the three tables, and what each is made of.

A column is a name, a type and the number of a field, from 0, or what else it is made of.
"""

UNIX_TIME, FRAME_TIME, FULL_URI = "unix time", "frame time", "full uri"

FLOW = [
    ("treceived", "STRING", 0), ("unix_tstamp", "BIGINT", UNIX_TIME), ("tryear", "INT", 1), ("trmonth", "INT", 2),
    ("trday", "INT", 3), ("trhour", "INT", 4), ("trminute", "INT", 5), ("trsec", "INT", 6), ("tdur", "FLOAT", 7),
    ("sip", "STRING", 8), ("dip", "STRING", 9), ("sport", "INT", 10), ("dport", "INT", 11), ("proto", "STRING", 12),
    ("flag", "STRING", 13), ("fwd", "INT", 14), ("stos", "INT", 15), ("ipkt", "BIGINT", 16), ("ibyt", "BIGINT", 17),
    ("opkt", "BIGINT", 18), ("obyt", "BIGINT", 19), ("input", "INT", 20), ("output", "INT", 21), ("sas", "INT", 22),
    ("das", "INT", 23), ("dtos", "INT", 24), ("dir", "INT", 25), ("rip", "STRING", 26),
]

DNS = [
    ("frame_time", "STRING", FRAME_TIME), ("unix_tstamp", "BIGINT", UNIX_TIME), ("frame_len", "INT", 3),
    ("ip_dst", "STRING", 5), ("ip_src", "STRING", 4), ("dns_qry_name", "STRING", 6), ("dns_qry_class", "STRING", 8),
    ("dns_qry_type", "INT", 7), ("dns_qry_rcode", "INT", 9), ("dns_a", "STRING", 10),
]

PROXY = [
    ("p_date", "STRING", 0), ("p_time", "STRING", 1), ("clientip", "STRING", 3), ("host", "STRING", 15),
    ("reqmethod", "STRING", 12), ("useragent", "STRING", 20), ("resconttype", "STRING", 13), ("duration", "INT", 2),
    ("username", "STRING", 4), ("authgroup", "STRING", 5), ("exceptionid", "STRING", 6), ("filterresult", "STRING", 7),
    ("webcat", "STRING", 8), ("referer", "STRING", 9), ("respcode", "STRING", 10), ("action", "STRING", 11),
    ("urischeme", "STRING", 14), ("uriport", "STRING", 16), ("uripath", "STRING", 17), ("uriquery", "STRING", 18),
    ("uriextension", "STRING", 19), ("serverip", "STRING", 21), ("scbytes", "INT", 22), ("csbytes", "INT", 23),
    ("virusid", "STRING", 24), ("bcappname", "STRING", 25), ("bcappoper", "STRING", 26), ("fulluri", "STRING", FULL_URI),
]

COLUMNS = {"flow": FLOW, "dns": DNS, "proxy": PROXY}

# The columns that partition each table.
PARTITIONS = ["y", "m", "d", "h"]


def fields(table):
    """The fields that a row of the table needs, in order: name and type of the column that is
    made of each, or None where none is made of it alone."""
    columns = [c for c in COLUMNS[table] if isinstance(c[2], int)]
    of = {field: (name, kind) for name, kind, field in columns}
    return [of.get(i) for i in range(max(of) + 1)]
