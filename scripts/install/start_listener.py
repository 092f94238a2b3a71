#!/bin/sh
# spot-ingest: laid by install_DC.sh
''':'
# Starts the listener of the environment beside this file, in this process's place. It is a
# shell script, so that it works without Python, and a Python program that runs itself as one.
# It is started by its name in the old tools, which "ps" shows and "pgrep -f start_listener.py" finds.
# Names begin with _spot_ because a variable that the environment has too would be passed on.
_spot_self=$0
case $_spot_self in
*/*) ;;
*) if [ -f "./$_spot_self" ]; then _spot_self=./$_spot_self; else _spot_self=$(command -v -- "$_spot_self"); fi ;;
esac
if [ -L "$_spot_self" ]; then
    _spot_self=$(readlink -f -- "$_spot_self")
fi
_spot_program=${_spot_self%/*}/venv/bin/start_listener.py
if [ -x "$_spot_program" ]; then
    exec "$_spot_program" "$@"
fi
printf '%s\n' "start_listener.py: $_spot_program is missing: run ./install_DC.sh first" >&2
exit 1
'''
import os
import signal
import sys

if __name__ == "__main__":
    # Python ignores these two, and what is ignored stays so in the program that is started.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execv("/bin/sh", ["sh", __file__] + sys.argv[1:])
