#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Does results.json of every fixture fit the shipped schema, and does the schema refuse what is wrong?

usage: check_schema.py SCHEMA RENDER_TOOL FIXTURES, or check_schema.py SCHEMA RESULTS.json
"""

import copy
import json
import os
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)


def wrong_ones(good):
    """Copies of a valid document, each with one mistake that must not pass."""

    def change(what):
        bad = copy.deepcopy(good)
        what(bad)
        return bad

    yield "another schema", change(lambda d: d.update(schema="flbench/2"))
    yield "no verdict", change(lambda d: d.pop("verdict"))
    yield "unknown verdict", change(lambda d: d.update(verdict="good"))
    yield "no target name", change(lambda d: d.update(target={}))
    yield "unknown IOMMU", change(lambda d: d.update(iommu="nosuch"))
    yield "cycles below 0", change(lambda d: d["cycles"].update(completed=-1))
    yield "_ns under icount", change(lambda d: d["metrics"][0].update(name="preserve_ns", unit="ns"))
    yield "_ns in instructions", change(lambda d: d["metrics"][0].update(name="preserve_ns"))
    yield "unit without suffix", change(lambda d: d["metrics"][0].update(name="preserve"))
    yield "name with capitals", change(lambda d: d["metrics"][0].update(name="Preserve_instructions"))
    yield "interval of one", change(lambda d: d["metrics"][0].update(ci95=[1]))
    yield "no values", change(lambda d: d["metrics"][0].update(n=0))
    yield "label with an object", change(lambda d: d["metrics"][0]["labels"].update(x={}))
    yield "check without verdict", change(lambda d: d["checks"][0].pop("verdict"))
    yield "check that crashed", change(lambda d: d["checks"][0].update(verdict="crash"))
    yield "case without cycles", change(lambda d: d["cases"][0].pop("cycles"))


def wrong_timelines(good):
    """The same for a document that has a timeline."""

    def change(what):
        bad = copy.deepcopy(good)
        what(bad["timelines"][0])
        return bad

    yield "timeline of no case", change(lambda t: t.pop("case"))
    yield "timeline of cycle 0", change(lambda t: t.update(cycle=0))
    yield "no reason", change(lambda t: t.update(why=""))
    yield "no blackout", change(lambda t: t.pop("blackout"))
    yield "blackout that begins elsewhere", change(lambda t: t["blackout"].update(begin_ns=5))
    yield "blackout that ends before it begins", change(lambda t: t["blackout"].update(end_ns=-5))
    yield "unknown lane", change(lambda t: t["spans"][0].update(lane="third kernel"))
    yield "stage without an end", change(lambda t: t["spans"][0].pop("end_ns"))
    yield "arrivals without uncertainty", change(lambda t: t["arrivals"][0].pop("uncertainty_ns"))
    yield "times in words", change(lambda t: t["arrivals"][0].update(at_ns=["soon"]))


def wrong_targets(good):
    """The same for a document that has targets, and a native measurement."""

    def change(what):
        bad = copy.deepcopy(good)
        what(bad)
        return bad

    yield "target without a limit", change(lambda d: d["targets"][0].pop("target"))
    yield "target that is nearly met", change(lambda d: d["targets"][0].update(met="nearly"))
    yield "target in words", change(lambda d: d["targets"][0].update(value="much"))
    yield "too few native runs", change(lambda d: d["native"]["measurements"][0].update(n=9))
    yield "native ratio of 0", change(lambda d: d["native"]["measurements"][0].update(ratio=0))


def wrong_rates(good):
    """The same for a document with throughput."""

    def change(what):
        bad = copy.deepcopy(good)
        what(bad)
        return bad

    yield "throughput of nothing", change(lambda d: d["rates"][0].update(n=0))
    yield "throughput in seconds", change(lambda d: d["rates"][0].update(unit="s"))
    yield "nearly as fast", change(lambda d: d["restored"][0].update(met="nearly"))
    yield "half an interval", change(lambda d: d["restored"][0].update(ci95=[1]))


def wrong_steady(good):
    """The same for a document with precision and throughput."""

    def change(what):
        bad = copy.deepcopy(good)
        what(bad)
        return bad

    yield "precision of nothing", change(lambda d: d["cases"][0]["precision"].update(metrics=[]))
    yield "precision of 0 %", change(lambda d: d["cases"][0]["precision"].update(wanted_percent=0))
    yield "precision that is nearly reached", change(lambda d: d["cases"][0]["precision"].update(reached="nearly"))
    yield "outlier without a cycle", change(lambda d: d["metrics"][0].update(outliers=[{"value": 1}]))
    yield "throughput of no side", change(lambda d: d["throughput"][0].update(side="between"))
    yield "interval of 0", change(lambda d: d["throughput"][0].update(interval=0))
    yield "level of what is not steady", change(lambda d: d["throughput"][0].update(state="not steady"))
    yield "steady without a level", change(lambda d: d["throughput"][0].update(level=None))
    yield "outlier in words", change(lambda d: d["throughput"][0].update(outliers=["first"]))
    yield "outlier in half an interval", change(lambda d: d["throughput"][0].update(outliers=[0.5]))
    yield "throughput of no interval", change(lambda d: d["throughput"][0].update(values=[]))
    yield "throughput below 0", change(lambda d: d["throughput"][0].update(values=[-1]))
    yield "more intervals than there are", change(lambda d: d["throughput"][0].update(values=[1] * 4097))
    yield "recovery from nothing", change(lambda d: d["recoveries"][0].update(cycle=0))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    if len(sys.argv) == 3:
        with open(sys.argv[2], encoding="utf-8") as file:
            errors = list(validator.iter_errors(json.load(file)))
        for error in errors:
            print("%s: %s: %s" % (sys.argv[2], error.json_path, error.message))
        return 1 if errors else 0
    failed = 0
    for name in sorted(os.listdir(sys.argv[3])):
        text = subprocess.run([sys.argv[2], os.path.join(sys.argv[3], name), "json"], check=True,
                              stdout=subprocess.PIPE).stdout
        document = json.loads(text)
        errors = list(validator.iter_errors(document))
        failed += len(errors)
        print("%s %s" % ("not ok" if errors else "ok", name))
        for error in errors:
            print("  %s: %s" % (error.json_path, error.message))
        wrong = {"complete": wrong_ones, "dma": wrong_timelines, "pages": wrong_targets,
                 "fio": wrong_rates, "steady": wrong_steady}
        if name in wrong:
            for mistake, bad in wrong[name](document):
                refused = not validator.is_valid(bad)
                failed += not refused
                print("%s refuses: %s" % ("ok" if refused else "not ok", mistake))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
