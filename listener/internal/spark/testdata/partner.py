"""A partner for tests: it keeps positions and ids in memory, and does what its plan says.

    partner.py PLAN

PLAN is JSON: "offsets" to begin with, "folder" for staging, "known" ids, the offsets to come
"until" the job may end, with code "end", and "answers": what is answered to a request instead,
by its name and number, as "commit 2"; "die" is no answer. All that is asked is kept in the
folder, in a file named asked.jsonl.
"""

import json
import os
import sys
import time


class Partner:
    def __init__(self, plan):
        self.plan = plan
        self.offsets = dict(plan["offsets"])
        self.known = set(plan.get("known", []))
        self.counts = {}
        self.batches = 0

    def answer(self, request):
        do = request["do"]
        self.counts[do] = self.counts.get(do, 0) + 1
        planned = self.plan.get("answers", {}).get("%s %d" % (do, self.counts[do]))
        if planned == "die":
            os._exit(9)
        if planned is not None:
            return planned
        return getattr(self, do)(request)

    def next(self, _):
        if all(self.offsets[p] >= end for p, end in self.plan["until"].items()):
            return {"end": self.plan.get("end", 0)}
        return {"partitions": sorted(map(int, self.offsets)), "offsets": self.offsets, "limit": self.plan.get("limit", 1000)}

    def alive(self, _):
        done = all(self.offsets[p] >= end for p, end in self.plan["until"].items())
        return {"alive": not done}

    def batch(self, request):
        self.batches += 1
        folder = "%s/%d-%d" % (self.plan["folder"], os.getpid(), self.batches)
        return {"folder": "file://" + folder, "known": sorted(self.known & set(request["ids"]))}

    def commit(self, request):
        for p, (first, _) in request["parts"].items():
            if first < self.offsets[p]:
                return {"ok": False, "again": True}
        for p, (_, following) in request["parts"].items():
            self.offsets[p] = following
        self.known |= set(request["ids"])
        return {"ok": True}

    def abandon(self, _):
        return {"ok": True}

    def log(self, request):
        print("LOG %s" % request["text"], flush=True)
        return {"ok": True}


def main(plan_file):
    with open(plan_file, encoding="utf-8") as file:
        plan = json.load(file)
    partner = Partner(plan)
    with open(os.path.join(plan["folder"], "asked.jsonl"), "a", encoding="utf-8", buffering=1) as asked:
        for line in sys.stdin:
            request = json.loads(line)
            answer = partner.answer(request)
            asked.write(json.dumps({"asked": request, "answered": answer, "at": time.time()}) + "\n")
            os.write(3, json.dumps(answer).encode() + b"\n")
        asked.write(json.dumps({"asked": {"do": "closed"}, "answered": None}) + "\n")


main(*sys.argv[1:])
