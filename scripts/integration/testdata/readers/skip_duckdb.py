"""Checks what lets readers of a flow table skip row groups: statistics against the values,
by pyarrow, and the answers to WHERE, by DuckDB, which uses statistics and Bloom filters.
Prints how many row groups were skipped.

    skip_duckdb.py FOLDER
"""

import glob
import json
import sys

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

ABSENT = "203.0.113.%d"  # addresses that no generated flow has


def check_statistics(files):
    """Returns least and greatest time stamp of each row group."""
    times = []
    for file in files:
        parquet = pq.ParquetFile(file)
        for group in range(parquet.num_row_groups):
            rows = parquet.read_row_group(group)
            for i in range(parquet.metadata.num_columns):
                column = parquet.metadata.row_group(group).column(i)
                found, want = column.statistics, pc.min_max(rows.column(column.path_in_schema)).as_py()
                if not found or not found.has_min_max or found.null_count != 0:
                    raise SystemExit("%s: row group %d lacks statistics of %s" % (file, group, column.path_in_schema))
                # Long strings may be cut, to what is still less or greater.
                exact = column.physical_type != "BYTE_ARRAY" or len(want["max"]) < 32
                if (found.min, found.max) != (want["min"], want["max"]) if exact else not found.min <= want["min"] <= want["max"] <= found.max:
                    raise SystemExit("%s: row group %d: statistics of %s: %r, %r; want %r" % (file, group, column.path_in_schema, found.min, found.max, want))
                if column.path_in_schema == "unix_tstamp":
                    times.append((found.min, found.max))
    return times


def check_answers(db, folder, searches):
    db.execute("CREATE TABLE rows AS SELECT * FROM read_parquet('%s/**/*.parquet')" % folder)
    for where in searches:
        got, want = (
            db.execute("SELECT count(*), sum(ibyt)::BIGINT FROM %s WHERE %s" % (table, where)).fetchone()
            for table in ("read_parquet('%s/**/*.parquet')" % folder, "rows")
        )
        if got != want:
            raise SystemExit("WHERE %s: %r, want %r" % (where, got, want))


def probe(db, files, column, address):
    """Returns how many row groups the Bloom filters exclude."""
    query = "SELECT count(*) FILTER (bloom_filter_excludes) FROM parquet_bloom_probe('%s', '%s', '%s')"
    return sum(db.execute(query % (file, column, address)).fetchone()[0] for file in files)


def main(folder):
    files = glob.glob(folder + "/**/*.parquet", recursive=True)
    times = check_statistics(files)
    db = duckdb.connect(config={"threads": 2})
    middle = (min(t[0] for t in times) + max(t[1] for t in times)) // 2
    addresses = [ABSENT % i for i in range(20)]
    searches = ["unix_tstamp BETWEEN %d AND %d" % (middle, middle + 59)]
    searches += ["%s = '%s'" % (column, a) for column in ("sip", "dip") for a in addresses[:3]]
    some = db.execute("SELECT sip, dip FROM read_parquet('%s/**/*.parquet') USING SAMPLE 10 ROWS (reservoir, 1)" % folder).fetchall()
    searches += ["%s = '%s'" % pair for row in some for pair in zip(("sip", "dip"), row)]
    check_answers(db, folder, searches)
    excluded = sum(probe(db, files, column, a) for column in ("sip", "dip") for a in addresses)
    for row in some:
        for column, address in zip(("sip", "dip"), row):
            if probe(db, files, column, address) == len(times):
                raise SystemExit("the Bloom filters exclude %s = %s, which is there" % (column, address))
    print(json.dumps({
        "files": len(files),
        "groups": len(times),
        "time": sum(not (least <= middle + 59 and greatest >= middle) for least, greatest in times),
        "address": excluded / (2 * len(addresses)),
    }))


main(*sys.argv[1:])
