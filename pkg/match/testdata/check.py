"""Confirms cases.json by Python 2.7, whose re module is the reference.

    python2.7 check.py cases.json

Every expected match and miss must be what re.search says. "refused" cases are those that
the program doesn't take; "python" tells what Python makes of them: "error" or "takes".
"""
import json
import re
import sys


def problems(case):
    pattern = case["pattern"]
    try:
        search = re.compile(pattern).search
    except Exception as error:
        if case.get("python") != "error":
            yield "Python refuses it: %s" % error
        return
    if "refused" in case and case.get("python") != "takes":
        yield "Python takes it"
    for name in case.get("matches", []):
        if not search(name):
            yield "%r doesn't match" % name
    for name in case.get("misses", []):
        if search(name):
            yield "%r matches" % name


with open(sys.argv[1]) as source:
    cases = json.load(source)
bad = 0
for case in cases:
    for problem in problems(case):
        print("%r: %s" % (case["pattern"], problem))
        bad += 1
sys.exit(1 if bad else 0)
