"""Turns the rows of vectors into values, as the job does, and writes what became of each:

    spark-submit ... vectors.py ASKED ANSWERS

A line of ASKED is a list of rows in base64 of one table and zone, and with the zone's gaps. The
line of ANSWERS has for each row its values and folder, or the reason why it is bad.
"""

import base64
import json
import math
import sys

import decode
import rows
import session
import tables

PER_MESSAGE = 23


def number(n):
    n, out = n << 1, bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def message(texts):
    return b"\0" + number(len(texts)) + b"".join(number(len(t)) + t for t in texts) + b"\0"


def answer(spark, question):
    texts = [base64.b64decode(text) for text in question["rows"]]
    messages = [("t", 0, i, bytearray(message(texts[i:i + PER_MESSAGE]))) for i in range(0, len(texts), PER_MESSAGE)]
    frame = spark.createDataFrame(messages, "topic string, partition int, offset bigint, value binary").coalesce(1)
    exploded = rows.exploded(decode.decoded(frame), question["table"], question["zone"])
    bad = {r.offset + r.pos: r.reason for r in exploded.where(rows.IS_BAD).selectExpr("offset", "pos", rows.REASON + " AS reason").collect()}
    good = iter(rows.good(exploded, question["table"], question["zone"], question["gaps"]).collect())
    out = [{"reason": bad[i]} if i in bad else of_row(next(good)) for i in range(len(texts))]
    if next(good, None) is not None:
        raise ValueError("more rows than were asked about")
    return out


def of_row(row):
    values = list(row)
    folder = "/".join("%s=%s" % part for part in zip(tables.PARTITIONS, values[-4:]))
    return {"values": [value(v) for v in values[:-4]], "folder": folder}


def value(v):
    if isinstance(v, float) and not math.isfinite(v):
        return "NaN" if v != v else "+Inf" if v > 0 else "-Inf"
    return v


def main(asked, answers):
    spark = session.start("vectors")
    spark.sparkContext.setLogLevel("ERROR")
    with open(asked, encoding="utf-8") as questions, open(answers, "w", encoding="utf-8") as out:
        for line in questions:
            json.dump(answer(spark, json.loads(line)), out)
            out.write("\n")
    spark.stop()


main(*sys.argv[1:])
