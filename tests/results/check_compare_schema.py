#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does what flbench compare prints as JSON fit the shipped schema, and does the schema refuse what is wrong?

usage: check_compare_schema.py SCHEMA FLBENCH FIXTURES
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)


def slower(fixture, to, name, factor):
    """A copy of a fixture with a metric that became so many times as large."""
    shutil.copytree(fixture, to)
    path = os.path.join(to, "events.jsonl")
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            if line["event"] == "metric" and line["name"] == name:
                line["value"] = int(line["value"] * factor)
            file.write(json.dumps(line) + "\n")


def wrong_ones(good):
    """Copies of a valid document, each with one mistake that must not pass."""

    def change(what):
        bad = copy.deepcopy(good)
        what(bad)
        return bad

    yield "another schema", change(lambda d: d.update(schema="flbench-compare/2"))
    yield "unknown verdict", change(lambda d: d.update(verdict="same"))
    yield "confidence of 1", change(lambda d: d.update(confidence=1))
    yield "threshold below 0", change(lambda d: d.update(threshold=-0.01))
    yield "a run that failed", change(lambda d: d["new"].update(verdict="fail"))
    yield "no number of those that are worse", change(lambda d: d["counts"].pop("worse"))
    yield "a warning that is none", change(lambda d: d["warnings"].append(5))
    yield "metric without method", change(lambda d: d["metrics"][0].pop("method"))
    yield "metric of no direction", change(lambda d: d["metrics"][0].update(better="neither"))
    yield "interval of one", change(lambda d: d["metrics"][0].update(ratio_ci=[1]))
    yield "side without values", change(lambda d: d["metrics"][0]["base"].pop("n"))
    yield "undecided for no reason", change(lambda d: d["metrics"][0].update(verdict="undecided", detail=""))
    yield "decided with a reason", change(lambda d: d["metrics"][0].update(verdict="worse", detail="why"))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    fixtures = sys.argv[3]
    failed = 0
    with tempfile.TemporaryDirectory() as temp:
        complete, dma = os.path.join(fixtures, "complete"), os.path.join(fixtures, "dma")
        slow = os.path.join(temp, "slow")
        slower(complete, slow, "preserve_instructions", 1.05)
        gap = os.path.join(temp, "gap")
        slower(dma, gap, "blackout_ns", 1.05)
        for name, base, new, status, verdict in (
                ("exact, the same", complete, complete, 0, "no difference"),
                ("exact, slower", complete, slow, 1, "worse"),
                ("exact, faster", slow, complete, 0, "better"),
                ("means, few values", dma, gap, 2, "undecided")):
            done = subprocess.run([sys.argv[2], "compare", base, new, "--format=json", "--metric=*_instructions"
                                   if base != dma else "--metric=blackout_ns"], stdout=subprocess.PIPE, check=False)
            document = json.loads(done.stdout)
            errors = ["%s: %s" % (error.json_path, error.message) for error in validator.iter_errors(document)]
            if done.returncode != status or document["verdict"] != verdict:
                errors.append("status %d, verdict %s" % (done.returncode, document["verdict"]))
            failed += len(errors)
            print("%s %s" % ("not ok" if errors else "ok", name))
            for error in errors:
                print("  " + error)
            if status != 1:
                continue
            for mistake, bad in wrong_ones(document):
                refused = not validator.is_valid(bad)
                failed += not refused
                print("%s refuses: %s" % ("ok" if refused else "not ok", mistake))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
