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
MS = 1000000
INTERVAL = 20 * MS
DMA_CHECKS = ["translate-retrieved", "translate-adopted", "dma-dark", "blackout-arrivals", "unpreserved-blocked",
              "ring", "frames", "signatures", "completions", "dmesg"]
# Stages of a live update with DMA: lane, name, ms
OLD = [("load", 184.2), ("preserve", 24.6), ("ready", 3.1)]
JUMP = [("devices shut down", 61.8), ("no kernel", 118.4), ("boot until the IOMMU is taken over", 571.0)]
NEW = [("retrieve", 17.9), ("attach", 6.2), ("adopt", 31.5), ("verify", 203.0), ("finish", 4.4)]
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

    def outside(self, kind, cycle, **members):
        """A line of the controller: no number, since it cannot be lost on the way."""
        self.run.write({"event": kind, "cycle": cycle, **members, "case": self.name, "attempt": self.attempt})

    def of_device(self, cycle, device, **values):
        units = {"ns": "ns", "bytes": "bytes", "percent": "percent", "arrivals": "arrivals",
                 "completed": "commands"}
        for name, value in values.items():
            unit = "frames" if name.startswith("frames_") else units[name.split("_")[-1]]
            self.outside("metric", cycle, name=name, unit=unit, value=value, labels={"device": device})

    def spans(self, cycle, lane, stages, at):
        for name, ms in stages:
            self.outside("span", cycle, lane=lane, name=name, begin_ns=at, end_ns=at + int(ms * MS))
            at += int(ms * MS)
        return at

    def dma_cycle(self, cycle, at, stall=0, checks=None):
        """A live update seen from outside, with frames that stop for @stall ms; when it was over."""
        rand = self.run.random
        preserve = self.options.get("preserve") is not False
        begin = self.spans(cycle, "old kernel", OLD, at) + rand.randrange(2 * MS)
        self.boot(cycle)
        taken = begin + int(sum(ms for _, ms in JUMP) * MS)
        end = taken + 640 * MS + rand.randrange(90 * MS)
        igb = [begin + 7 * MS + i * INTERVAL + rand.randrange(2 * MS) for i in range((end - begin) // INTERVAL)]
        if stall:
            # What was sent meanwhile waits in the socket and comes at once.
            igb = [max(t, igb[40] + int(stall * MS)) if igb[40] < t < igb[40] + stall * MS else t for t in igb]
        nvme = [begin + 70 * MS + i * 125 * MS + rand.randrange(3 * MS) for i in range((end - begin) // (125 * MS))]
        lists = {"edu": ("copies", [begin + 287 * MS]), "nvme": ("completions", nvme), "igb": ("frames", sorted(igb)),
                 "stranger": ("copies", [])}
        bytes_each = {"edu": 4096, "nvme": 4096, "igb": 1514, "stranger": 4096}
        self.outside("blackout", cycle, begin_ns=begin, end_ns=end)
        self.spans(cycle, "jump", JUMP + [("boot until the agent runs", (end - taken) / MS)], begin)
        for device, (what, times) in lists.items():
            times = [t for t in times if t < end] if preserve else []
            self.outside("arrivals", cycle, device=device, what=what, interval_ns=INTERVAL if device == "igb" else 0,
                         uncertainty_ns=612345, at_ns=times)
            self.of_device(cycle, device, blackout_arrivals=len(times),
                           blackout_written_bytes=len(times) * bytes_each[device])
            if device in ("nvme", "igb"):
                ends = [begin] + times + [end]
                self.of_device(cycle, device, dma_gap_ns=max(b - a for a, b in zip(ends, ends[1:])))
        if preserve:
            frames = (end - begin) // INTERVAL
            self.of_device(cycle, "nvme", commands_completed=24)
            lost = 1 if checks and "frames" in checks else 0
            self.of_device(cycle, "igb", frame_interval_ns=INTERVAL, ring_used_percent=frames * 100 // 1024,
                           frames_arrived=frames + 180 - lost, frames_lost=lost, frames_overrun=0)
        labels = {k: self.options[k] for k in ("domains", "devices", "iommufds")}
        for name, ms in OLD + NEW + [("blackout", (end - begin) / MS), ("boot", (end - taken) / MS + 571)]:
            if name in ("preserve", "retrieve", "adopt", "finish", "blackout", "boot") and (preserve or name in ("blackout", "boot")):
                self.event("metric", cycle, name=name + "_ns", unit="ns", value=int(ms * MS) + rand.randrange(MS), labels=labels)
        self.event("metric", cycle, name="slab_bytes", unit="bytes", value=24117248 + 4096 * rand.randrange(4), labels=labels)
        over = self.spans(cycle, "new kernel", NEW if preserve else NEW[3:], end + 5 * MS)
        for name in DMA_CHECKS if preserve else ["nothing-arrives", "dmesg"]:
            verdict, detail = (checks or {}).get(name, ("pass", ""))
            if verdict:
                self.event("check", cycle, name=name, verdict=verdict, detail=detail)
        self.event("progress", cycle, cycles=self.cycles)
        return over + 40 * MS

    def end(self, verdict, cycles, detail="", seconds=61.5):
        self.run.write({"event": "case", "state": "end", "case": self.name, "attempt": self.attempt,
                        "time": self.run.tick(int(seconds)), "seconds": seconds, "verdict": verdict,
                        "detail": detail, "cycles": cycles})


class Run:
    """One results directory."""

    def __init__(self, name, icount=True):
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
                     "command_line": ["qemu-system-x86_64", "-accel", "tcg"] +
                                     (["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"] if icount else []) +
                                     ["-seed", "1", "-cpu", "max,-erms,-fsrm", "-smp", "1",
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
            self.plan += "\n[%s]\niommu = %s\nscenario = loop\n" % (name, options.get("iommu", "mock"))
            for key in ("workload", "vtd_mode", "precision"):
                if key in options:
                    self.plan += "%s = %s\n" % (key, options[key])
            self.plan += "cycles = %d\nmappings = 64\n" % cycles
            for key in ("domains", "devices", "iommufds"):
                self.plan += "%s = %d\n" % (key, options[key])
            self.plan += "preserve = %s\n" % ("no" if options.get("preserve") is False else "yes")
            self.plan += "icount = %s\nunit = auto\n" % ("no" if "workload" in options else "yes")
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


def with_dma(vtd_mode, **options):
    return {"iommu": "intel", "workload": "dma", "vtd_mode": vtd_mode, "domains": 1, "devices": 3, "iommufds": 1, **options}


def dma():
    """Three live updates with DMA, the second with the worst gap, and the same without preservation."""
    run = Run("dma", icount=False)
    run.begin()
    for name, preserve, at in (("dma-legacy", True, 8123456 * MS), ("dma-legacy-without", False, 8193456 * MS)):
        case = run.case(name, 3, **with_dma("legacy", preserve=preserve))
        case.boot(0)
        for cycle in range(1, 4):
            at = case.dma_cycle(cycle, at, stall=67 if cycle == 2 else 0)
        case.event("done", 3, verdict="pass", detail="")
        case.end("pass", 3, seconds=31.25)
    run.end("pass")
    run.save()


def beside():
    """DPDK, which is started anew, beside devices that do DMA, and alone: what preservation is worth."""
    run = Run("beside", icount=False)
    run.begin()
    case = run.case("beside", 2, **{**with_dma("legacy"), "workload": "dma+dpdk"})
    at = 9180000 * MS
    for cycle in range(3):
        if cycle:
            at = case.dma_cycle(cycle, at)
            for name, ms in (("gap", 7000 + cycle * 10), ("initialise", 3500 + cycle * 5), ("link", 490)):
                case.metric(cycle, "dpdk_%s_ns" % name, "ns", ms * MS)
            for name in ("dpdk-gap", "dpdk-quiet", "dpdk-blocked"):
                case.event("check", cycle, name=name, verdict="pass", detail="")
        for when in ["after"] * (cycle > 0) + ["before"] * (cycle < 2):
            case.metric(cycle, "dpdk_forward_%s_packets" % when, "packets", 320000)
        case.metric(cycle, "dpdk_at_once_frames", "frames", 40000 + cycle)
        case.metric(cycle, "igb_beside_dpdk", "frames", 50)
        case.event("check", cycle, name="dpdk-whole", verdict="pass", detail="")
        case.event("check", cycle, name="dpdk-at-once", verdict="pass", detail="")
    case.end("pass", 2)
    alone = run.case("alone", 1, **{**with_dma("legacy"), "workload": "dpdk", "scenario": "dpdk"})
    alone.boot(0)
    alone.boot(1)
    alone.metric(1, "dpdk_gap_ns", "ns", 7000 * MS)
    alone.event("check", 1, name="dpdk-gap", verdict="pass", detail="")
    alone.event("progress", 1, cycles=1)
    alone.end("pass", 1)
    run.end("pass")
    run.save()


def dma_failed():
    """A frame that was lost; a proof that is missing; lines of a timeline that are nonsense or torn."""
    run = Run("dma-failed", icount=False)
    run.begin()
    lost = run.case("lost", 2, **with_dma("sm-sl"))
    at = lost.dma_cycle(1, 9000000 * MS)
    lost.dma_cycle(2, at, checks={"frames": ("fail", "1 of 752 frames is lost, the first: 713")})
    lost.end("fail", 2, "cycle 2: check 'frames' failed: 1 of 752 frames is lost, the first: 713")
    unproven = run.case("unproven", 2, **with_dma("sm-fl"))
    at = unproven.dma_cycle(1, 9060000 * MS, checks={"completions": (None, "")})
    unproven.dma_cycle(2, at)
    unproven.end("pass", 2)
    torn = run.case("torn", 2, **with_dma("legacy"))
    at = torn.dma_cycle(1, 9120000 * MS, stall=90)
    for index, line in enumerate(run.lines):
        if '"event":"blackout"' in line and '"case":"torn"' in line:
            run.lines[index] = line[:31]
    torn.dma_cycle(2, at)
    torn.outside("span", 2, lane="third kernel", name="retrieve", begin_ns=at, end_ns=at + MS)
    torn.outside("span", 2, lane="jump", name="<b>", begin_ns=at + MS, end_ns=at)
    torn.outside("arrivals", 2, device="edu2", what="copies", interval_ns=0, uncertainty_ns=1, at_ns=[at, "soon"])
    torn.outside("arrivals", 0, device="edu2", what="copies", interval_ns=0, uncertainty_ns=1, at_ns=[])
    torn.outside("blackout", 2, begin_ns=at, end_ns=at)
    torn.end("pass", 2)
    run.end("fail")
    run.save()


def pages():
    """What the kernel preserves by itself, ours and stock; a reference that met more; a native measurement."""
    run = Run("pages")
    run.plan += "targets = quick\n"
    run.begin()
    for method in ("ours", "stock"):
        for nr in (1024, 4096, 16384, 32768):
            name = "%s-pages%d" % (method, nr)
            if name == "stock-pages32768":
                continue
            run.plan += "\n[%s]\niommu = mock\nscenario = preserve-pages\ndomains = 64\ndevices = 64\npages = %d\n" % (name, nr)
            run.plan += "layout = scattered\nmethod = %s\nnodes = 1\nmarked = 100\ncycles = 1\nicount = yes\n" % method
            case = Case(run, name, 1, scenario="preserve-pages")
            labels = {"layout": "scattered", "method": method, "nodes": 1, "pages": nr}
            case.boot(0)
            case.event("check", 0, name="kho-bench-error", verdict="pass", detail="")
            for metric, value in (("allocate_preserve", 1500 * nr), ("preserve", 194 * nr)):
                case.event("metric", 0, name=metric + "_instructions", unit="instructions", value=value, labels=labels)
            case.boot(1)
            case.event("check", 1, name="pages-kept", verdict="pass", detail="")
            memory_init = 2500 * nr if method == "ours" else 20 * nr * nr
            for metric, value in (("memory_init", memory_init), ("kernel_boot", 200000000 + memory_init), ("restore", 400 * nr)):
                case.event("metric", 1, name=metric + "_instructions", unit="instructions", value=value, labels=labels)
            case.event("metric", 1, name="reserved_regions", unit="regions", value=nr + 40, labels=labels)
            case.event("done", 1, verdict="pass", detail="")
            case.end("pass", 1, seconds=9.5)
    run.end("pass")
    run.put("reference.json", json.dumps({"schema": "flbench-reference/1", "set": "quick", "toolchain": {}, "image": {},
                                          "targets": [{"name": "memory-init-scattered", "value": 0.004, "state": "met"},
                                                      {"name": "restore-pooled", "value": 5, "state": "met"},
                                                      {"name": "record-flat", "value": 2, "state": "not met"}],
                                          "counts": []}, indent=2) + "\n")
    run.put("native.json", json.dumps({"schema": "flbench-native/1", "what": "memblock: reserve pages", "warm_up": 2,
                                       "measurements": [{"pages": 1024, "n": 15, "ratio": 22.5, "ratio_ci95": [21.25, 23.5],
                                                         "stock": {"median_ns": 1080000, "outliers": 1},
                                                         "ours": {"median_ns": 48000, "outliers": 0}}]}, indent=2) + "\n")
    run.save()


def fio():
    """Drivers and translations beside each other; restored domains as fast as fresh ones, slower, and unclear."""
    run = Run("fio")
    run.begin()

    def one(name, cycles, unit="instructions", scenario="loop", translation="lazy", **metrics):
        run.plan += "\n[%s]\niommu = intel\nscenario = %s\nworkload = fio\nvtd_mode = legacy\n" % (name, scenario)
        run.plan += "domains = 1\ndevices = 1\niommufds = 1\nmappings = 1\npreserve = yes\ntranslation = %s\n" % translation
        run.plan += "cycles = %d\nicount = %s\nunit = auto\n" % (cycles, "yes" if unit == "instructions" else "no")
        case = Case(run, name, cycles, scenario=scenario, domains=1, devices=1, iommufds=1)
        for cycle in range(cycles + 1):
            case.boot(cycle)
            for check in ("translate-retrieved", "translate-adopted", "fio-in-flight"):
                case.event("check", cycle, name=check, verdict="pass", detail="")
            for metric, values in metrics.items():
                suffix = "instructions" if unit == "instructions" else "bytes_per_second"
                measured = values.get(cycle, [])
                for value in measured if isinstance(measured, list) else [measured]:
                    case.metric(cycle, "fio_%s_%s" % (metric, suffix), unit, value)
        case.event("done", cycles, verdict="pass", detail="")
        case.end("pass", cycles, seconds=30.5)

    def alike(value, cycles):
        return dict.fromkeys(range(cycles + 1), value)

    # In pairs that differ as much one way as the other; a kernel without a partner, and the first one, say nothing.
    one("equal", 9, kernel_irq=alike(6000, 9), ours_irq=alike(1500, 9), kernel_poll_raw=alike(7000, 9),
        restored={c: 1600 + 10 * (c % 2) for c in range(1, 9)}, fresh={c: 1610 - 10 * (c % 2) for c in range(0, 10)})
    one("slow", 8, kernel_irq=alike(6000, 8), restored={c: 2400 + c % 3 for c in range(1, 9)},
        fresh={c: 1600 + c % 2 for c in range(1, 9)})
    one("unclear", 2, restored={1: 1650, 2: 1585}, fresh=alike(1600, 2))
    one("once", 1, restored={1: 1600}, fresh={1: 1600})
    one("twice", 2, restored={1: 1600, 2: 1600}, fresh={1: 1600, 2: 1600})
    # Means of what a kernel measured: 1600 in each. One by one they would be six, and worse.
    one("repeated", 3, restored=dict.fromkeys((1, 2, 3), [1500, 1700]), fresh=dict.fromkeys((1, 2, 3), [1400, 1800]))
    one("unpaired", 2, restored={1: 1600}, fresh={2: 1600})
    one("timed", 3, unit="bytes/s", ours_poll=alike(500000000, 3), kernel_irq=alike(400000000, 3),
        restored=alike(400000000, 3), fresh=alike(500000000, 3))
    one("other-unit", 3, unit="MB/s", kernel_irq=alike(400, 3), restored=alike(400, 3), fresh=alike(400, 3))
    one("by-off", 1, scenario="fio-translation", translation="off", kernel_irq={0: 5000, 1: 5010})
    one("by-strict", 1, scenario="fio-translation", translation="strict", kernel_irq={0: 10010, 1: 10010})
    run.end("pass")
    run.save()


def steady():
    """Cases that end when they are precise, or when the budget does; throughput around live updates."""
    run = Run("steady")
    run.begin()
    noise = [0, 3000, -2000, 1000, -3000, 2000, 0]
    for name, budget, wanted in (("precise", 20, 1), ("budget", 6, 0.1)):
        case = run.case(name, budget, precision=wanted, **size(16))
        case.boot(0)
        case.metric(0, "preserve_instructions", "instructions", 163843)
        for cycle in range(1, 7):
            case.cycle(cycle, costs=False)
            case.metric(cycle, "blackout_instructions", "instructions", 5000000 if cycle == 4 and budget == 6 else
                        373290000 + noise[cycle])
            if cycle < 6:
                case.metric(cycle, "preserve_instructions", "instructions", 154444)
        reached = budget == 20
        case.event("check", 6, name="precise", verdict="pass" if reached else "skip",
                   detail="after 6 of 20 cycles" if reached else "the budget of 6 cycles ended first")
        case.event("precision", 6, wanted_percent=wanted, reached=reached, budget=budget,
                   metrics=[{"name": "blackout_instructions", "n": 6, "half_width_percent": 0.000625 if reached else 50.7},
                            {"name": "preserve_instructions", "n": 5, "half_width_percent": 0}])
        case.event("done", 6, verdict="pass", detail="")
        case.end("pass", 6)
    case = run.case("throughput", 3, **size(16))
    case.boot(0)
    rand = run.random
    for cycle in range(4):
        if cycle:
            case.cycle(cycle, costs=False)
        # Ten intervals of warm-up behind each start; the third kernel gets slower and slower.
        for side in ("after", "before"):
            values = [(700 if i < 10 else 900) + rand.randrange(-16, 17) for i in range(60)]
            if side == "after" and cycle == 2:
                values = [900 - 4 * i + rand.randrange(-16, 17) for i in range(60)]
            if side == "after" and cycle == 3:
                values = values[:19]
            if side == "after" and cycle == 1:
                values[33] = 300
            if (side == "after" and cycle) or (side == "before" and cycle < 3):
                case.event("throughput", cycle, name="dpdk_forward", side=side, unit="packets", interval=250000,
                           interval_unit="instructions", values=values)
    case.event("throughput", 3, name="<b>", side="after", unit="packets", interval=1, interval_unit="instructions", values=[1])
    case.event("throughput", 3, name="late", side="after", unit="packets", interval=1, interval_unit="instructions", values=[1, -1])
    case.event("throughput", 3, name="late", side="after", unit="packets", interval=1, interval_unit="ns", values=[1])
    case.event("done", 3, verdict="pass", detail="")
    case.end("pass", 3)
    run.end("pass")
    run.save()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        TOP = sys.argv[1]
    for make in (complete, crashed, timeout, torn, resumed, incomplete, failed, memory, dma, beside, dma_failed, pages, fio, steady):
        make()
