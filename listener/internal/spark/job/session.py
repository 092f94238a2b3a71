"""The Spark session of the job, with all settings pinned that change what rows become."""

from pyspark.sql import SparkSession

PINNED = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
}


def start(name):
    builder = SparkSession.builder.appName(name)
    for key, value in PINNED.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
