"""A batch: messages of some partitions, turned into files of the table and committed."""

import collections
import math

from pyspark.sql import Observation
from pyspark.sql.functions import expr

import decode
import letters
import rows
from sqltext import let, matches

# The header that names a segment. As in the embedded engine the last one counts, and what is
# no id is none.
_SEGMENT = let(
    "id", "CAST(element_at(filter(headers, h -> h.key = 'spot.segment'), -1).value AS STRING)",
    "IF(%s, id, NULL)" % matches("id", r"\A[0-9a-f]{32}\z"))

# How much text goes into a file of the table, about.
FILE_BYTES = 256 << 20

_WRITE = {
    # The other algorithm makes files visible that belong to no finished task.
    "mapreduce.fileoutputcommitter.algorithm.version": "1",
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}


class Again(Exception):
    """Nothing more can be done with this query: the positions have to be asked for anew."""


class Batch:
    """What is known of a batch before its rows are written."""

    def __init__(self, frame, job):
        self.job = job
        self.messages = frame.selectExpr("topic", "partition", "offset", "value", _SEGMENT + " AS segment")
        size = "coalesce(octet_length(value), 0) AS size"
        self.heads = frame.selectExpr(
            "partition", "offset", _SEGMENT + " AS segment", size, "CAST(timestamp AS BIGINT) DIV 3600 AS hour").collect()
        self.heads.sort(key=lambda head: (head.partition, head.offset))
        self.parts = {}
        for head in self.heads:
            part = self.parts.setdefault(str(head.partition), [head.offset, 0])
            part[1] = head.offset + 1

    def ids(self):
        return sorted({head.segment for head in self.heads if head.segment is not None})

    def repeats(self, known):
        """The messages to drop, as (partition, offset): those whose segment is known, or was in
        an earlier message of the batch. A bad message stands for no segment."""
        times = collections.Counter(head.segment for head in self.heads)
        seen = set(known)
        doubtful = [head for head in self.heads if head.segment is not None and (head.segment in seen or times[head.segment] > 1)]
        if not doubtful:
            return set()
        bad = self._bad(self.messages.where(_among([(head.partition, head.offset) for head in doubtful])))
        dropped = set()
        for head in doubtful:
            at = (head.partition, head.offset)
            if at in bad:
                continue
            if head.segment in seen:
                dropped.add(at)
            seen.add(head.segment)
        return dropped

    def _bad(self, messages):
        bad = decode.decoded(messages).where("bad IS NOT NULL").select("partition", "offset").collect()
        return {(row.partition, row.offset) for row in bad}

    def write(self, folder, dropped):
        """Writes the rows below folder, and returns which messages are bad, and how many rows
        went to the table."""
        kept = self.messages.where("NOT " + _among(dropped)) if dropped else self.messages
        decoded = decode.decoded(kept)
        of_messages, of_rows = Observation(), Observation()
        table, zone = self.job["table"], self.job["zone"]
        seen = decoded.observe(of_messages, expr("count_if(bad IS NOT NULL)").alias("bad"))
        exploded = rows.exploded(seen, table, zone)
        counted = exploded.observe(of_rows, expr("count_if(%s)" % rows.IS_BAD).alias("bad"), expr("count(*)").alias("all"))
        self._write_table(rows.good(counted, table, zone, self.job["gaps"], "offset"), folder)
        bad = self._bad(kept) if of_messages.get["bad"] else set()
        if bad or of_rows.get["bad"]:
            lines = letters.of_rows(rows.exploded(decoded, table, zone)).union(letters.of_messages(decoded))
            lines.write.options(compression="none", **_WRITE).text(folder + "/letters")
        return bad, of_rows.get["all"] - of_rows.get["bad"]

    def _write_table(self, good, folder):
        parts = ["y", "m", "d", "h"]
        files, of_an_hour = self._files()
        if files:
            good = good.repartition(files, *parts, expr("offset %% %d" % of_an_hour))
        good = good.drop("offset")
        good.write.options(compression=self.job["compression"], **_WRITE).partitionBy(*parts).parquet(folder + "/table")

    def _files(self):
        """How many files the rows are brought together for, 0 if they stay where they are read,
        and how many at most of an hour. Each partition of the topic makes a file of each hour:
        for little text these are many."""
        sizes = collections.Counter()
        for head in self.heads:
            sizes[head.hour] += head.size
        hours = [math.ceil(max(size, 1) / FILE_BYTES) for size in sizes.values()]
        tasks = max(1, self.job.get("partitions", 1) / len(self.parts))
        made = len({(head.partition, head.hour) for head in self.heads}) * tasks
        return (sum(hours) if made > sum(hours) else 0), max(hours)


def _among(places):
    """A condition: the message is at one of these partitions and offsets."""
    ranges = collections.defaultdict(list)
    for partition, offset in sorted(places):
        run = ranges[partition]
        if run and run[-1][1] == offset - 1:
            run[-1][1] = offset
        else:
            run.append([offset, offset])
    conditions = []
    for partition, runs in ranges.items():
        single = [str(first) for first, last in runs if first == last]
        offsets = ["offset BETWEEN %d AND %d" % (first, last) for first, last in runs if first < last]
        if single:
            offsets.append("offset IN (%s)" % ", ".join(single))
        conditions.append("(partition = %d AND (%s))" % (partition, " OR ".join(offsets)))
    return "(%s)" % " OR ".join(conditions)


def commit(frame, job, partner):
    """Does all of a batch, and returns how many messages it had."""
    batch = Batch(frame, job)
    if not batch.heads:
        return 0
    ids = batch.ids()
    answer = partner.ask("batch", ids=ids)
    dropped = batch.repeats(answer["known"])
    bad, stored_rows = batch.write(answer["folder"], dropped)
    stored = {head.segment for head in batch.heads if (head.partition, head.offset) not in bad | dropped}
    answer = partner.ask(
        "commit", parts=batch.parts, messages=len(batch.heads), repeats=len(dropped), bad_messages=len(bad),
        rows=stored_rows, ids=sorted(stored - {None}))
    if not answer["ok"]:
        raise Again
    return len(batch.heads)
