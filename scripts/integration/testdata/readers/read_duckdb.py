"""Reads tables by DuckDB's read_parquet, all files below a table's folder."""

import duckdb

import canonical

TO_DUCKDB = {"smallint": "SMALLINT", "tinyint": "TINYINT", "string": "VARCHAR"}
TO_HIVE = {"TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "int", "BIGINT": "bigint", "FLOAT": "float", "VARCHAR": "string"}


def main():
    r = canonical.request()
    db = duckdb.connect(config={"threads": 2})
    for table in r["tables"]:
        types = ", ".join("'%s': %s" % (name, TO_DUCKDB[kind]) for name, kind in canonical.PARTITIONS[table["kind"]])
        rows = db.execute(
            "SELECT * EXCLUDE (y, m, d, h), y, m, d, h"
            " FROM read_parquet('%s/**/*.parquet', hive_partitioning = true, hive_types = {%s})" % (table["folder"], types)
        )
        columns = [(c[0], TO_HIVE.get(str(c[1]), str(c[1]))) for c in rows.description]
        canonical.write(r["out"], table, "duckdb", columns, rows.fetchall())


main()
