#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write the directories in fixtures/: runs as flbench leaves them, whole and broken.

Deterministic, so that a change of the event format is one change here. What the library must make
of them is in the expected.* files beside them, which this script leaves alone.
"""

import json
import os
import random
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
START = 1763820000
PER_DOMAIN = {
    # instructions: fixed part, for each domain, exponent
    "preserve": (410000, 21500, 1.02),
    "freeze": (96000, 1450, 1.0),
    "blackout": (412000000, 38000, 1.0),
    "boot": (388000000, 210, 1.0),
    "retrieve": (230000, 30500, 1.05),
    "adopt": (12000, 88000, 1.0),
    "finish": (51000, 5200, 1.0),
}
CHECKS = ["translate-retrieved", "translate-adopted", "bytes", "holes", "unpreserved", "remap", "console"]


class Case:
    """Writes the events of one case as the controller does."""

    def __init__(self, run, name, cycles, attempt=1, **options):
        self.run = run
        self.name = name
        self.cycles = cycles
        self.attempt = attempt
        self.options = options
        self.seq = 0
        run.write({"event": "case", "state": "begin", "case": name, "attempt": attempt,
                   "time": run.tick(3), "cycles": cycles,
                   "scenario": options.get("scenario", "loop"),
                   "expect": options.get("expect", "pass")})

    def event(self, kind, cycle, **members):
        line = {"seq": self.seq, "event": kind, "cycle": cycle}
        line.update(members)
        line.update({"case": self.name, "attempt": self.attempt})
        self.seq += 1
        self.run.write(line)

    def metric(self, cycle, name, unit, value):
        labels = {k: self.options[k] for k in ("domains", "devices", "iommufds")}
        self.event("metric", cycle, name=name, unit=unit, value=value, labels=labels)

    def stage(self, cycle, *names):
        for name in names:
            self.event("stage", cycle, stage=name, state="begin")
            self.event("stage", cycle, stage=name, state="end")

    def boot(self, cycle):
        self.event("agent", cycle, kernel="7.3.4-flbench",
                   boot_id="00000000-0000-4000-8000-%012x" % cycle)

    def cycle(self, cycle, checks="pass", detail="", memory=None, costs=True):
        domains = self.options["domains"]
        self.boot(cycle)
        self.stage(cycle, "retrieve", "adopt", "verify", "finish")
        if costs:
            for name, (fixed, each, exponent) in PER_DOMAIN.items():
                value = int(fixed + each * domains ** exponent * (0.93 + 0.07 * self.options["iommufds"] ** 0.2))
                if name in ("boot", "blackout"):
                    value += self.run.random.randrange(4000)
                self.metric(cycle, name + "_instructions", "instructions", value)
            self.metric(cycle, "table_bytes", "bytes", domains * 5 * 4096)
        for name, value in (memory or {}).items():
            self.metric(cycle, name, "bytes", value)
        for name in CHECKS:
            if name == "translate-adopted" and checks == "fail":
                self.event("check", cycle, name=name, verdict="fail", detail=detail)
            elif name == "unpreserved" and self.options.get("preserve") is False:
                self.event("check", cycle, name=name, verdict="skip", detail="nothing is preserved in this case")
            else:
                self.event("check", cycle, name=name, verdict="pass",
                           detail="%d mappings" % (domains * 64) if name.startswith("translate") else "")
        self.event("progress", cycle, cycles=self.cycles)

    def end(self, verdict, cycles, detail="", seconds=61.5):
        self.run.write({"event": "case", "state": "end", "case": self.name, "attempt": self.attempt,
                        "time": self.run.tick(int(seconds)), "seconds": seconds, "verdict": verdict,
                        "detail": detail, "cycles": cycles})


class Run:
    """One results directory."""

    def __init__(self, name):
        self.dir = os.path.join(TOP, name)
        os.makedirs(self.dir, exist_ok=True)
        self.lines = []
        self.now = START
        self.random = random.Random(name)
        self.plan = "[global]\ntarget = vm\n"
        self.put("environment.json", json.dumps({
            "flbench": "0.1.0",
            "kernels": {"under_test": {"release": "7.3.4-flbench", "image": "bzImage", "sha256": "9f2c" * 16}},
            "qemu": {"version": "QEMU emulator version 10.0.2", "accelerator": "tcg",
                     "command_line": ["qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=0,sleep=off",
                                      "-rtc", "clock=vm", "-seed", "1", "-cpu", "max,-erms,-fsrm", "-smp", "1",
                                      "-m", "4G", "-nodefaults", "-no-reboot", "-display", "none"]},
            "host": {"kernel": "6.1.0-40-amd64", "machine": "x86_64", "cpu": "Example CPU", "numa": 1},
        }, indent=2) + "\n")

    def tick(self, seconds):
        self.now += seconds
        return self.now

    def write(self, event):
        self.lines.append(json.dumps(event, separators=(",", ":")))

    def begin(self):
        self.write({"event": "run", "state": "begin", "time": self.now, "target": "vm"})

    def end(self, verdict):
        self.write({"event": "run", "state": "end", "time": self.tick(1), "target": "vm", "verdict": verdict})

    def case(self, name, cycles, attempt=1, planned=True, started=True, **options):
        if planned:
            self.plan += "\n[%s]\niommu = mock\nscenario = loop\ncycles = %d\nmappings = 64\n" % (name, cycles)
            for key in ("domains", "devices", "iommufds"):
                self.plan += "%s = %d\n" % (key, options[key])
            self.plan += "preserve = %s\nicount = yes\nunit = auto\n" % ("no" if options.get("preserve") is False else "yes")
            self.plan += "expect = %s\n" % options.get("expect", "pass")
        return Case(self, name, cycles, attempt, **options) if started else None

    def put(self, path, text):
        path = os.path.join(self.dir, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)

    def save(self, torn=""):
        self.put("plan.ini", self.plan)
        self.put("events.jsonl", "\n".join(self.lines) + "\n" + torn)


def size(domains, iommufds=1):
    return {"domains": domains, "devices": domains, "iommufds": iommufds}


def console(*lines):
    boot = ["[    0.000000] Linux version 7.3.4-flbench", "[    0.000000] KHO: found kexec handover data.",
            "[    0.412034] luo_core: retrieved 1 session", "[    0.500120] Run /init as init process"]
    return "\r\n".join(boot + list(lines)) + "\r\n"


PANIC = ["[   12.345678] flbench: panic on purpose <test & \"quote\">",
         "[   12.345679] Kernel panic - not syncing: flbench: told to panic in cycle 2",
         "[   12.345680] CPU: 0 UID: 0 PID: 1 Comm: init Not tainted 7.3.4-flbench #1",
         "[   12.345681] Call Trace:", "[   12.345682]  <TASK>", "[   12.345683]  dump_stack_lvl+0x4d/0x70",
         "[   12.345684]  vpanic+0x10b/0x300", "[   12.345685]  </TASK>",
         "[   12.345686] ---[ end Kernel panic - not syncing ]---"]


def complete():
    run = Run("complete")
    run.begin()
    for options in (size(64), size(512), size(4096), size(4096, 512)):
        case = run.case("loop-d%d-f%d" % (options["domains"], options["iommufds"]), 5, **options)
        case.boot(0)
        case.stage(0, "setup", "preserve", "load", "kexec")
        for cycle in range(1, 6):
            case.cycle(cycle)
        case.event("done", 5, verdict="pass", detail="")
        case.end("pass", 5)
    run.end("pass")
    run.save()


def crashed():
    run = Run("crashed")
    run.begin()
    first = run.case("loop-d64", 5, **size(64))
    for cycle in range(1, 6):
        first.cycle(cycle)
    first.end("pass", 5)
    second = run.case("panics", 5, **size(64))
    for cycle in range(1, 3):
        second.cycle(cycle)
    second.end("crash", 2, "Kernel panic - not syncing: flbench: told to panic in cycle 2")
    third = run.case("panics-on-purpose", 3, expect="crash", **size(64))
    third.cycle(1)
    third.end("crash", 1, "Kernel panic - not syncing: flbench: told to panic in cycle 2")
    run.end("crash")
    run.put("cases/panics/console.log", console(*PANIC))
    run.put("cases/panics-on-purpose/console.log", console(*PANIC))
    run.save()


def timeout():
    run = Run("timeout")
    run.begin()
    first = run.case("hangs", 5, **size(64))
    first.cycle(1)
    first.end("timeout", 1, "no sign of life for 300 s in stage retrieve", 312.25)
    run.case("after", 5, started=False, **size(512))
    run.end("abort")
    run.put("cases/hangs/console.log",
            console("[    9.000001] \x1b[31mred\x1b[0m luo: retrieving \x07\x80\udcff.",
                    "[    9.000002] waiting for \u00e4 device"))
    run.save()


def torn():
    """kill -9 in the middle of a line, a line of zeroes, and two lines joined."""
    run = Run("torn")
    run.begin()
    case = run.case("loop-d16", 4, **size(16))
    case.cycle(1)
    whole = run.lines[-1]
    run.lines.append(whole[:-17])
    run.lines.append("\0" * 40)
    run.lines.append(whole[:20] + whole)
    case.cycle(2)
    run.save(torn='{"seq":99,"event":"metric","cycle":3,"na')


def resumed():
    run = Run("resumed")
    run.begin()
    first = run.case("loop-d64", 3, **size(64))
    for cycle in range(1, 4):
        first.cycle(cycle)
    first.end("pass", 3)
    cut = run.case("loop-d512", 3, **size(512))
    cut.cycle(1, checks="fail", detail="dropped: belongs to the interrupted attempt")
    run.lines.append('{"seq":40,"event":"che')
    run.begin()
    again = run.case("loop-d512", 3, attempt=2, planned=False, **size(512))
    for cycle in range(1, 4):
        again.cycle(cycle)
    again.end("pass", 3)
    run.end("pass")
    run.save()


def incomplete():
    run = Run("incomplete")
    run.begin()
    first = run.case("loop-d64", 3, **size(64))
    for cycle in range(1, 4):
        first.cycle(cycle)
    first.end("pass", 3)
    cut = run.case("loop-d512", 3, **size(512))
    cut.cycle(1)
    run.case("loop-d4096", 3, started=False, **size(4096))
    run.save()


def failed():
    run = Run("failed")
    run.begin()
    case = run.case("wrong-entry", 2, **size(8))
    case.cycle(1)
    case.cycle(2, checks="fail", detail="IOVA 0x40001000 of domain 3: page <7>, should be \"5\" & nothing else")
    case.end("fail", 2, "translate-adopted failed in cycle 2")
    warned = run.case("warns, \"quoted\"", 1, **size(8))
    warned.cycle(1)
    warned.event("metric", 1, name="preserve_ns", unit="ns", value=123, labels={})
    warned.event("metric", 1, name="Odd-Name", unit="count", value=1, labels={})
    warned.event("log", 1, level="warning", text="took long")
    warned.seq += 2
    warned.event("done", 1, verdict="pass", detail="")
    warned.end("dmesg-warn", 1, "WARNING: CPU: 0 PID: 1 at drivers/iommu/liveupdate.c:1")
    run.end("fail")
    run.put("cases/warns, \"quoted\"/console.log", console(
        "[    3.000000] ------------[ cut here ]------------",
        "[    3.000001] WARNING: CPU: 0 PID: 1 at drivers/iommu/liveupdate.c:1 f+0x1/0x2", "[    3.000002] later"))
    run.save()


def memory():
    run = Run("memory")
    run.begin()
    for name, preserve, leak in (("loop-d16", True, 4096), ("baseline-d16", False, 4096)):
        case = run.case(name, 40, preserve=preserve, **size(16))
        for cycle in range(1, 41):
            noise = run.random.randrange(-30, 30) * 4096
            warm = 900 * 4096 // cycle
            case.cycle(cycle, costs=cycle == 1, memory={
                "mem_available_bytes": 3906250000 - cycle * leak + noise + warm,
                "slab_bytes": 21000000 + cycle * 512 + run.random.randrange(-4, 4) * 4096 - warm // 8})
        case.event("done", 40, verdict="pass", detail="")
        case.end("pass", 40, seconds=402.0)
    run.end("pass")
    run.save()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TOP = sys.argv[1]
    for make in (complete, crashed, timeout, torn, resumed, incomplete, failed, memory):
        make()
