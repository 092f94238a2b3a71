"""Reads the topic's partitions that the partner says, as a query of Spark, batch by batch,
and begins anew whenever the partner or a failure says so."""

import json
import shutil
import tempfile
import time

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import AnalysisException, IllegalArgumentException, ParseException
from pyspark.errors.exceptions.captured import CapturedException

import batch
import partner

# Seconds to wait after a failure: twice as long after each, up to the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1, 30

# After so many failures in a row a job that is to end by itself gives up.
_MAX_FAILURES = 5

# How often the query is looked at, and the partner asked whether it may go on.
_LOOK, _ALIVE = 0.2, 1.0

# A batch that is so full is not the last one: more messages wait. Spark would have them wait
# for the next trigger, so the query is begun anew, with a limit for messages as they are now.
_FULL = 0.9

# What Spark raises for a query that can never work, if none has. All else that comes from it
# may pass, as a name server's silence does, of which Hadoop makes an illegal argument.
_FINAL = (AnalysisException, ParseException, IllegalArgumentException)
_PASSING = (CapturedException, Py4JError, OSError)


class Stream:
    def __init__(self, spark, job, other, stopping):
        self._spark, self._job, self._partner, self._stopping = spark, job, other, stopping
        self._failures = 0
        self._worked = False  # a batch has been committed
        self._limit = 0
        self._outcome = None  # the exception by which a batch has ended the query

    def run(self):
        """Goes on until the partner says that the job is over, and returns its exit code."""
        while not self._stopping():
            try:
                self._read(self._partner.ask("next"))
            except partner.Ended as e:
                return e.code
            except _PASSING as e:
                if self._stopping():
                    break
                if isinstance(e, _FINAL) and not self._worked:
                    raise
                if self._spark_stopped():
                    self._partner.ask("log", level="ERROR", text="Spark has stopped the application: somebody has killed it, or its master is lost")
                    return 1
                self._failed(e)
                if self._job["once"] and self._failures >= _MAX_FAILURES:
                    return 1
        return 0

    def _spark_stopped(self):
        """Whether the application is over, though this program is not."""
        try:
            return self._spark.sparkContext._jsc.sc().isStopped()
        except Py4JError:
            return True

    def _failed(self, failure):
        """Tells of a failure, and waits."""
        self._failures += 1
        pause = min(_FIRST_PAUSE << min(self._failures - 1, 10), _LONGEST_PAUSE)
        self._partner.ask("abandon")
        self._partner.ask("log", level="ERROR", text="Spark failed, the batch is read again in %d s: %s" % (pause, _first_line(failure)))
        end = time.monotonic() + pause
        while time.monotonic() < end and not self._stopping():
            time.sleep(_LOOK)

    def _read(self, answer):
        """Reads from the positions of the partner's answer until that is over, or fails."""
        if not answer["partitions"]:
            return
        made = None if "checkpoint" in answer else tempfile.mkdtemp(prefix="spot-checkpoint-")
        try:
            query = self._start(answer, answer["checkpoint"] if made is None else "file://" + made)
            try:
                self._watch(query)
            finally:
                query.stop()
        finally:
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)

    def _start(self, answer, checkpoint):
        self._outcome, self._limit = None, answer["limit"]
        kafka, topic = self._job["kafka"], self._job["kafka"]["topic"]
        options = dict(kafka["options"])
        options.update({
            "kafka.bootstrap.servers": kafka["servers"],
            "kafka.isolation.level": "read_committed",
            "assign": json.dumps({topic: answer["partitions"]}),
            "startingOffsets": json.dumps({topic: answer["offsets"]}),
            "maxOffsetsPerTrigger": str(answer["limit"]),
            "includeHeaders": "true",
            "failOnDataLoss": "true",
        })
        if self._job["partitions"] > len(answer["partitions"]):
            options["minPartitions"] = str(self._job["partitions"])
        messages = self._spark.readStream.format("kafka").options(**options).load()
        when = {"availableNow": True} if self._job["once"] else {
            "processingTime": "%d milliseconds" % round(1000 * self._job["batch_seconds"])}
        return (messages.writeStream.foreachBatch(self._batch).trigger(**when)
                .option("checkpointLocation", checkpoint).start())

    def _batch(self, frame, _):
        """Called by Spark with each batch. What the partner has decided ends the query from the
        outside, for to Spark it would be an error, with all that it logs of one."""
        if self._outcome is not None:
            return
        try:
            messages = batch.commit(frame, self._job, self._partner)
            if messages:
                self._failures, self._worked = 0, True
            if messages >= _FULL * self._limit and not self._job["once"]:
                self._outcome = batch.Again()
        except (batch.Again, partner.Ended, partner.Gone, partner.Stopped) as e:
            self._outcome = e
        except Exception as e:
            self._outcome = e
            raise

    def _watch(self, query):
        """Waits for the end of the query, by itself or because it may not go on."""
        asked = time.monotonic()
        while True:
            try:
                ended = query.awaitTermination(_LOOK)
            except Exception as e:
                # How a batch's exception comes through depends on Spark's version.
                raise (self._outcome or e) from None
            if isinstance(self._outcome, batch.Again):
                return
            if self._outcome is not None:
                raise self._outcome
            if ended or self._stopping():
                return
            if time.monotonic() - asked >= _ALIVE:
                if not self._partner.ask("alive")["alive"]:
                    return
                asked = time.monotonic()


def _first_line(failure):
    """The first line of what went wrong, and of what was behind it."""
    lines = []
    cause = failure.java_exception if isinstance(failure, Py4JJavaError) else getattr(failure, "_origin", None)
    if cause is None:
        lines.append(str(failure))
    while cause is not None and len(lines) < 10:
        lines.append(cause.toString())
        cause = cause.getCause()
    first = [line.strip().split("\n", 1)[0] for line in (lines[0], lines[-1])]
    return first[0] if first[1] in first[0] else "%s: %s" % tuple(first)
