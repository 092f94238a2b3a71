"""Takes a topic's rows into a Hive table, on Spark: the program that spark-submit is given.

It is started by the listener, which describes the job in a file, --job. The other arguments
are those that the job of Apache Spot had; what they say is in that file too.
"""

import json
import os
import signal
import sys
import traceback

import partner
import session
import stream


def job_file(argv):
    """The path of the job's file, the last argument. What the others say is in that file too,
    and they may have any form: names can begin with a dash."""
    if len(argv) < 2 or argv[-2] != "--job":
        sys.exit("listener.py is started by the listener, which ends its arguments with --job FILE")
    return argv[-1]


class Stop:
    """Whether the job is to stop: it got a signal, or the driver's JVM is gone."""

    def __init__(self):
        self.asked = False
        # spark-submit is this program's parent; without it there is nothing left to do.
        self._parent = os.getppid() if "PYSPARK_GATEWAY_PORT" in os.environ else None

    def catch(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, *_):
        self.asked = True

    def orphaned(self):
        return self._parent not in (None, os.getppid())

    def __call__(self):
        return self.asked or self.orphaned()


def work(job, stop):
    """Does the job, and returns its exit code."""
    other = partner.Partner(job["partner"], stop)
    try:
        spark = session.start(job["name"])
        stop.catch()  # not before: Spark has set signals of its own
        try:
            return stream.Stream(spark, job, other, stop).run()
        finally:
            if not stop.orphaned():
                spark.stop()
    finally:
        other.close()


def main(argv):
    with open(job_file(argv), encoding="utf-8") as file:
        job = json.load(file)
    stop = Stop()
    stop.catch()
    try:
        return work(job, stop)
    except partner.Stopped:
        return 0
    except partner.Gone as e:
        print("spark job: %s: its log says why" % e, file=sys.stderr)
    except Exception:
        if stop():
            return 0  # what happens to a job whose end has begun is no error
        traceback.print_exc()
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
