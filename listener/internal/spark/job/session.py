"""The Spark session of the job, with all settings pinned that change what rows become, or
whether a batch can end."""

from pyspark.sql import SparkSession

PINNED = {
    # It takes out parts of a plan that have no rows, and what is observed there with them.
    "spark.sql.adaptive.enabled": "false",
    # A batch must have ended when its query has.
    "spark.sql.streaming.stopTimeout": "0",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.files.maxRecordsPerFile": "0",
    # A writer for each partition folder, up to so many, spares a sort of the rows.
    "spark.sql.maxConcurrentOutputFileWriters": "16",
}


def start(name):
    builder = SparkSession.builder.appName(name)
    for key, value in PINNED.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
