"""The form in which all readers write down a table, so that they can be compared.

A program reads a request from standard input, {"out": FOLDER, "tables": [{"database",
"kind", "folder", ...}]}, and writes for each table a file FOLDER/<database>.<kind>.<reader>.
Its first line holds the columns with their types by Hive's names; then follow the rows, each
a JSON array. Floats are written as their four bytes: no two different ones look the same.
"""

import json
import os
import struct
import sys

# What the partition columns are in Hive's tables; the folders alone don't tell.
PARTITIONS = {
    "flow": [("y", "smallint"), ("m", "tinyint"), ("d", "tinyint"), ("h", "tinyint")],
    "dns": [("y", "smallint"), ("m", "tinyint"), ("d", "tinyint"), ("h", "tinyint")],
    "proxy": [("y", "string"), ("m", "string"), ("d", "string"), ("h", "string")],
}


def request():
    return json.load(sys.stdin)


def path(out, table, ending):
    return os.path.join(out, "%s.%s.%s" % (table["database"], table["kind"], ending))


def write(out, table, reader, columns, rows):
    """Writes rows, each a sequence of values, of columns, a list of (name, type)."""
    floats = [i for i, (_, kind) in enumerate(columns) if kind == "float"]
    with open(path(out, table, reader), "w") as f:
        print(json.dumps(columns), file=f)
        for row in rows:
            row = list(row)
            for i in floats:
                row[i] = struct.pack("<f", row[i]).hex()
            print(json.dumps(row), file=f)
