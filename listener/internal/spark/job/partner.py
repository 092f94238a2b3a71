"""The partner: the listener's own program, a child of the driver, that knows Kafka's group,
the commit log and the table's folders.

It is asked in lines of JSON on its stdin and answers on a pipe that it has as its descriptor
3; its own output is the driver's.
"""

import fcntl
import json
import os
import select
import signal
import stat
import threading
import time

# How long a partner that is told to end may take.
PATIENCE = 20

# Above this no descriptor is in the way of the child's.
_FREE = 10

_ANSWERS = 3


class Gone(Exception):
    """The partner has ended unasked."""


class Ended(Exception):
    """The partner says that the job is over, and its exit code."""

    def __init__(self, code):
        super().__init__("the job is to end with exit code %d" % code)
        self.code = code


class Stopped(Exception):
    """The job was told to stop while it waited for an answer."""


class Partner:
    """A running partner. It may be asked by several threads."""

    def __init__(self, argv, stopping):
        """Starts it. stopping() tells that answers need not be waited for any more."""
        self._stopping = stopping
        self._lock = threading.Lock()
        self._unread = b""
        asked, self._ask = _pipe()
        self._answers, answered = _pipe()
        try:
            self._pid = os.posix_spawnp(_program(argv[0]), argv, os.environ, file_actions=[
                (os.POSIX_SPAWN_DUP2, asked, 0), (os.POSIX_SPAWN_DUP2, answered, _ANSWERS)],
                setsigmask=[], setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM])
        finally:
            os.close(asked)
            os.close(answered)

    def ask(self, do, **more):
        """Asks for something and returns the answer, an object."""
        line = json.dumps(dict(more, do=do), separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._ask, line):]
            except BrokenPipeError:
                raise Gone("the listener's process that keeps the commit log has ended") from None
            answer = json.loads(self._read())
        if "end" in answer:
            raise Ended(answer["end"])
        return answer

    def _read(self):
        while b"\n" not in self._unread:
            if self._stopping():
                raise Stopped
            if not select.select([self._answers], [], [], 0.5)[0]:
                continue
            more = os.read(self._answers, 1 << 16)
            if not more:
                raise Gone("the listener's process that keeps the commit log has ended")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def close(self):
        """Tells it to end, and waits for it, though not for ever."""
        with self._lock:
            os.close(self._ask)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if os.waitpid(self._pid, os.WNOHANG)[0]:
                return
            time.sleep(0.05)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _pipe():
    """A pipe whose ends the child does not have, unless they are given to it."""
    out = []
    for end in os.pipe():
        out.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FREE))
        os.close(end)
    return out


def _program(path):
    """Makes a file that came with the job a program: Spark may have lost that it is one."""
    if os.path.isfile(path) and not os.access(path, os.X_OK):
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return path
