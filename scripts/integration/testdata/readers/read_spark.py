"""Reads tables of Hive's metastore twice: by Spark's own reader of Parquet, and by the SerDe
that Hive reads them with. The request holds the DDL of each table, "ddl"."""

import os
import tempfile

from pyspark.sql import SparkSession

import canonical

# The reader's name, whether Spark may read Hive's tables itself, and how its plan says so.
READERS = [("spark", "true", "FileScan parquet"), ("hive", "false", "Scan hive")]


def session(folder):
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", os.path.join(folder, "warehouse"))
        .config("spark.hadoop.javax.jdo.option.ConnectionURL", "jdbc:derby:memory:metastore;create=true")
        # A short life: code is not optimised for long.
        .config(
            "spark.driver.extraJavaOptions",
            "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dderby.system.home=%s -Djava.io.tmpdir=%s" % (folder, folder),
        )
        .enableHiveSupport()
        .getOrCreate()
    )


def main():
    r = canonical.request()
    with tempfile.TemporaryDirectory() as folder:
        spark = session(folder)
        spark.sparkContext.setLogLevel("ERROR")
        for table, ddl in zip(r["tables"], r["ddl"], strict=True):
            name = table["database"] + "." + table["kind"]
            spark.sql("CREATE DATABASE IF NOT EXISTS " + table["database"])
            spark.sql(ddl)
            spark.sql("MSCK REPAIR TABLE " + name)
            for reader, own, scan in READERS:
                spark.conf.set("spark.sql.hive.convertMetastoreParquet", own)
                rows = spark.sql("SELECT * FROM " + name)
                plan = rows._jdf.queryExecution().executedPlan().toString()
                if scan not in plan:
                    raise SystemExit("%s: want %s in the plan\n%s" % (name, scan, plan))
                columns = [(field.name, field.dataType.simpleString()) for field in rows.schema]
                canonical.write(r["out"], table, reader, columns, rows.collect())
        spark.stop()


if __name__ == "__main__":
    main()
