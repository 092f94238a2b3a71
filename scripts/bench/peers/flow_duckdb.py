"""Takes a local file of flow rows into a partitioned table, by DuckDB.

    flow_duckdb.py FILE FOLDER
"""

import sys
import time

import duckdb

COLUMNS = (
    "treceived VARCHAR, tryear INTEGER, trmonth INTEGER, trday INTEGER, trhour INTEGER, trminute INTEGER, trsec INTEGER, tdur FLOAT,"
    " sip VARCHAR, dip VARCHAR, sport INTEGER, dport INTEGER, proto VARCHAR, flag VARCHAR, fwd INTEGER, stos INTEGER,"
    " ipkt BIGINT, ibyt BIGINT, opkt BIGINT, obyt BIGINT, input INTEGER, output INTEGER, sas INTEGER, das INTEGER,"
    " dtos INTEGER, dir INTEGER, rip VARCHAR"
)


def main(file, folder):
    db = duckdb.connect(config={"threads": 2})
    start = time.monotonic()
    columns = ", ".join("'%s': '%s'" % tuple(column.split()) for column in COLUMNS.split(","))
    db.execute(
        "COPY (SELECT treceived, epoch(treceived::TIMESTAMP)::BIGINT AS unix_tstamp, * EXCLUDE (treceived),"
        " tryear::SMALLINT AS y, trmonth::TINYINT AS m, trday::TINYINT AS d, trhour::TINYINT AS h"
        " FROM read_csv('%s', header = false, auto_detect = false, delim = ',', columns = {%s}))"
        " TO '%s' (FORMAT parquet, PARTITION_BY (y, m, d, h), COMPRESSION snappy)" % (file, columns, folder)
    )
    print("\nworked for %.3f s" % (time.monotonic() - start), flush=True)


main(*sys.argv[1:])
