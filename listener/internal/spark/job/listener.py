"""Takes a topic's rows into a Hive table, on Spark: the program that spark-submit is given.

It is started by the listener, which describes the job in a file, --job. The other arguments
are those that the job of Apache Spot had; what they say is in that file too.
"""

import argparse
import json
import os
import signal
import sys
import traceback

import partner
import session
import stream


def arguments(argv):
    parser = argparse.ArgumentParser(description="Spark job of the listener, which starts it.", allow_abbrev=False)
    parser.add_argument("-b", "--batch-duration")
    parser.add_argument("-d", "--database")
    parser.add_argument("-g", "--group-id")
    parser.add_argument("-l", "--log-level")
    parser.add_argument("-n", "--app-name")
    parser.add_argument("-p", "--partitions")
    parser.add_argument("-t", "--type")
    parser.add_argument("--topic")
    parser.add_argument("--zkquorum")
    parser.add_argument("--job", required=True, metavar="FILE", help="what the job is, JSON")
    return parser.parse_args(argv)


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


def work(options, job, stop):
    """Does the job, and returns its exit code."""
    other = partner.Partner(job["partner"], stop)
    try:
        spark = session.start(options.app_name or job["kafka"]["topic"])
        stop.catch()  # not before: Spark has set signals of its own
        try:
            return stream.Stream(spark, job, other, stop).run()
        finally:
            if not stop.orphaned():
                spark.stop()
    finally:
        other.close()


def main(argv):
    options = arguments(argv)
    with open(options.job, encoding="utf-8") as file:
        job = json.load(file)
    stop = Stop()
    stop.catch()
    try:
        return work(options, job, stop)
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
