"""Takes a topic of flow segments into a partitioned table, as a Spark job does: Spark's own
source for Kafka, Avro, split and casts as expressions, nothing of it in Python.

    spark-submit ... flow_spark.py BROKER TOPIC FOLDER
"""

import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.avro.functions import from_avro
from pyspark.sql.functions import explode, split

SCHEMA = """{"type": "record", "name": "list.avsc", "fields": [
    {"name": "list", "type": [{"type": "array", "items": "string"}, "null"], "default": []}]}"""

TYPES = (["int"] * 6 + ["float"] + ["string"] * 2 + ["int"] * 2 + ["string"] * 2 + ["int"] * 2 + ["bigint"] * 4 + ["int"] * 6 + ["string"])
NAMES = (
    "tryear trmonth trday trhour trminute trsec tdur sip dip sport dport proto flag fwd stos"
    " ipkt ibyt opkt obyt input output sas das dtos dir rip"
).split()


def main(broker, topic, folder):
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    start = time.monotonic()
    columns = ["f[0] AS treceived", "unix_timestamp(f[0], 'yyyy-MM-dd HH:mm:ss') AS unix_tstamp"]
    columns += ["CAST(f[%d] AS %s) AS %s" % (i + 1, kind, name) for i, (name, kind) in enumerate(zip(NAMES, TYPES, strict=True))]
    columns += ["CAST(f[1] AS smallint) AS y", "CAST(f[2] AS tinyint) AS m", "CAST(f[3] AS tinyint) AS d", "CAST(f[4] AS tinyint) AS h"]
    (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", broker)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
        .select(explode(from_avro("value", SCHEMA)["list"]).alias("row"))
        .select(split("row", ",").alias("f"))
        .selectExpr(*columns)
        .write.partitionBy("y", "m", "d", "h")
        .option("compression", "snappy")
        .parquet(folder)
    )
    print("\nworked for %.3f s" % (time.monotonic() - start), flush=True)
    spark.stop()


main(*sys.argv[1:])
