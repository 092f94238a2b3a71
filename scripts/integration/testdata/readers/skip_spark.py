"""Checks that Spark, which skips row groups and pages by statistics, Bloom filters and
indexes, answers WHERE as it does when it reads everything.

    skip_spark.py FOLDER COLUMN...
"""

import sys
import tempfile

from pyspark.sql import functions as f

import read_spark

def main(folder, *columns):
    with tempfile.TemporaryDirectory() as scratch:
        spark = read_spark.session(scratch)
        spark.sparkContext.setLogLevel("ERROR")
        rows = spark.read.parquet(folder)
        spark.conf.set("spark.sql.parquet.filterPushdown", "false")
        least, most = rows.agg(f.min("unix_tstamp"), f.max("unix_tstamp")).first()
        some = rows.select(*columns).sample(0.5, 1).limit(100).collect()[::25]
        middle = (least + most) // 2
        searches = ["unix_tstamp BETWEEN %d AND %d" % (middle, middle + 59)]
        searches += ["%s = '%s'" % pair for row in some for pair in row.asDict().items()]
        counts = []
        for pushdown in ("false", "true"):
            spark.conf.set("spark.sql.parquet.filterPushdown", pushdown)
            counts.append([spark.read.parquet(folder).where(where).count() for where in searches])
        spark.stop()
    for where, want, got in zip(searches, *counts):
        if got != want or want == 0:
            raise SystemExit("WHERE %s: %d rows by filters, %d without" % (where, got, want))
    print(len(searches), "searches")


main(*sys.argv[1:])
