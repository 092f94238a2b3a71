"""Prints the number of rows in a partitioned table and a sum over what is in them, which
does not depend on their order.

    flow_sum.py FOLDER
"""

import sys

import duckdb

PARTITIONS = "hive_types = {'y': SMALLINT, 'm': TINYINT, 'd': TINYINT, 'h': TINYINT}"


def main(folder):
    db = duckdb.connect(config={"threads": 2})
    table = "read_parquet('%s/**/*.parquet', hive_partitioning = true, %s)" % (folder, PARTITIONS)
    # By name: the order of the columns is not the same everywhere.
    names = sorted(column[0] for column in db.execute("SELECT * FROM %s LIMIT 0" % table).description)
    print(*db.execute("SELECT count(*), sum(hash(%s)::HUGEINT) FROM %s" % (", ".join(names), table)).fetchone(), ",".join(names))


main(*sys.argv[1:])
