#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is report.html of every fixture well formed, alone in the world, and does it show what it must?

usage: check_report.py RENDER_TOOL FIXTURES
"""

import html
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(html.parser.HTMLParser):
    """Checks nesting, unique identifiers and references while it reads."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.errors = []
        self.ids = set()
        self.wanted = set()
        self.count = {}

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        for key, value in attrs:
            if key == "id":
                if value in self.ids:
                    self.errors.append("id %s is there twice" % value)
                self.ids.add(value)
            if key in ("src", "href", "xlink:href", "action", "data"):
                if not value.startswith("#"):
                    self.errors.append("%s leads outside: %s" % (key, value))
                self.wanted.add(value[1:])
            if key.startswith("on"):
                self.errors.append("script in %s" % key)
        if tag in ("script", "link", "iframe", "object", "img"):
            self.errors.append("element %s" % tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.errors.append("</%s> closes %s" % (tag, self.open[-1:]))
        else:
            self.open.pop()


def render(tool, path, what):
    return subprocess.run([tool, path, what], check=True, stdout=subprocess.PIPE).stdout.decode("utf-8")


def numbers(text, pattern):
    return [float(x) for x in re.findall(pattern, text)]


def check_timeline(figure, timeline):
    """Is all of it there, each dot where it belongs, and nothing outside of the picture?"""
    errors = []
    width, height = (float(x) for x in re.search(r'viewBox="0 0 (\d+) (\d+)"', figure).groups())
    dots = numbers(figure, r'<circle cx="([\d.]+)"')
    times = [t for device in timeline["arrivals"] for t in device["at_ns"]]
    if len(dots) != len(times):
        errors.append("%d dots for %d arrivals" % (len(dots), len(times)))
    left, wide = [float(x) for x in re.search(r'class="dark" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', figure).groups()]
    end = timeline["blackout"]["end_ns"]
    for dot, time in zip(dots, times):
        if abs(left + wide * time / end - dot) > 0.2:
            errors.append("the dot at %.1f is not at %d ns" % (dot, time))
            break
    for x in numbers(figure, r' c?x[12]?="(-?[\d.]+)"'):
        if not 0 <= x <= width:
            errors.append("something is at x = %s" % x)
    for y in numbers(figure, r' c?y[12]?="(-?[\d.]+)"'):
        if not 0 <= y <= height:
            errors.append("something is at y = %s" % y)
    if figure.count('class="box"') != len(timeline["spans"]):
        errors.append("%d boxes for %d stages" % (figure.count('class="box"'), len(timeline["spans"])))
    picture = figure[:figure.index("</svg>")]
    for i, span in enumerate(timeline["spans"]):
        name = html.escape(span["name"])
        if "<li>%s <small>" % name not in figure:
            errors.append("stage %s is not listed" % name)
        if not re.search(r">%d( %s)?</text>" % (i + 1, re.escape(name)), picture):
            errors.append("stage %d has no number" % (i + 1))
    for word in ["old kernel", "jump", "new kernel", "ms from the begin of the blackout", "blackout, "]:
        if ">" + word not in picture:
            errors.append("the figure does not say: " + word)
    gaps = []
    for device in timeline["arrivals"]:
        ends = [0] + device["at_ns"] + [end]
        if device["interval_ns"] and device["at_ns"]:
            gaps.append(max(b - a for a, b in zip(ends, ends[1:])) / 1e6)
    shown = numbers(picture, r">longest gap ([\d.]+) ms</text>")
    if len(shown) != len(gaps) or any(abs(a - b) > 0.5 for a, b in zip(gaps, shown)):
        errors.append("longest gaps are %s ms, not %s" % (gaps, shown))
    if any(not d["at_ns"] for d in timeline["arrivals"]) and "nothing arrived" not in picture:
        errors.append("an empty lane is not explained")
    for word in [timeline["why"], "into cycle %d " % timeline["cycle"], "was seen at most ", "is sent frames, one every 20 ms",
                 "is not preserved"]:
        if word not in figure:
            errors.append("nothing says: " + word)
    return errors


def check_dma(text, results):
    """The sections on DMA against the same run as JSON."""
    errors = []
    sections = re.findall(r"<section><h2>DMA through the live update <small>.*?</section>", text, re.S)
    if len(sections) != len(results["timelines"]):
        errors.append("%d sections on DMA, not %d" % (len(sections), len(results["timelines"])))
    for section, timeline in zip(sections, results["timelines"]):
        errors += check_timeline(re.search(r"<figure>.*?</figure>", section, re.S).group(), timeline)
        table = section[section.index("</figure>"):]
        for device in ("edu", "nvme", "igb", "stranger"):
            if '<th scope="row">%s</th>' % device not in table:
                errors.append("the table lacks " + device)
        if "not times of hardware" not in table:
            errors.append("a table that does not say what its numbers are")
        if section in text and "<h2>Cost of each stage" in text[:text.index(section)]:
            errors.append("DMA comes too late in the page")
    return errors


def check(tool, path):
    text = render(tool, path, "html")
    page = Page()
    page.feed(text)
    page.close()
    errors = page.errors
    if page.open:
        errors.append("left open: %s" % page.open)
    for name in page.wanted - page.ids:
        errors.append("nothing has the id %s" % name)
    if re.search(r"url\(|@import", text):
        errors.append("the style sheet leads outside")
    if 'name="viewport"' not in text or "prefers-color-scheme" not in text:
        errors.append("no viewport, or no dark colours")
    if text.count("<figure>") != text.count("</figcaption></figure>"):
        errors.append("a figure without a caption")
    name = os.path.basename(path)
    errors += check_dma(text, json.loads(render(tool, path, "json")))
    if shutil.which("gnuplot"):
        # Seven stages over domains, seven over iommufds; two kinds of memory
        plots = {"complete": 14, "resumed": 7, "memory": 2, "dma": 1, "pages": 5, "steady": 1}.get(name, 0)
        found = page.count.get("svg", 0) - text.count('<div class="timeline"><svg')
        if found != plots:
            errors.append("%d plots, not %d" % (found, plots))
    for figure in re.findall(r"<figure>.*?</figure>", text, re.S):
        if not re.search("never a time on hardware|not times of hardware|Bytes as the kernel", figure):
            errors.append("a figure that does not say what its numbers are")
    if name == "dma":
        for sentence in ("The longest time without a frame was 67 ms; one is sent every 20 ms.",
                         "Nothing is preserved in this case"):
            if text.count(sentence) != 1:
                errors.append("not there once: " + sentence)
    # DPDK alone has nothing beside it.
    worth = re.findall(r"<section><h2>What preservation is worth <small>(.*?)</small>.*?</section>", text, re.S)
    if worth != (["beside"] if name == "beside" else []):
        errors.append("sections on what preservation is worth: %s" % worth)
    if name == "beside":
        for words in ("3.51 s (50 %)", "490 ms (7 %)", "40.0 k frames", "<td>frames lost</td><td class=\"number\">0 frames"):
            if words not in text:
                errors.append("nothing says: " + words)
    if name == "pages":
        for words in ("extrapolated from 16384 on", "1 : 131.1", "lost: the reference met it",
                      "not measured: the reference met it", "Measured natively on the machine that ran this (Example CPU)",
                      "22.5 : 1", "21.25 to 23.5"):
            if words not in text:
                errors.append("nothing says: " + words)
    if name == "steady":
        for words in ("cycle 4 (5000000)", "outliers in intervals 33 (300)", "no steady state was seen after it",
                      "are too few to find a steady state", "left out as warm-up: 10 of 60 intervals",
                      "0.1 % was wanted and not reached after 6 of 6 cycles", "1 % was wanted and reached after 6 of 20 cycles"):
            if words not in text:
                errors.append("nothing says: " + words)
    if name == "fio":
        for words in ("<th scope=\"row\">by-strict</th><td>kernel's driver, interrupts</td><td class=\"number\">0.500</td>",
                      "<td class=\"number\">10010 [10010 .. 10010]</td>", "<td class=\"number\">477 MiB [477 MiB .. 477 MiB]</td>",
                      "equal: <span class=\"verdict good\">throughput, restored domain : fresh domain = 1.0000, 95 % confidence "
                      "interval 0.9944 to 1.0056, over 8 live updates; wanted: at least 0.99: met</span>",
                      "slow: <span class=\"verdict warn\">", "at least 0.99: not met</span>",
                      "unclear: <span class=\"verdict none\">", "over 2 live updates; wanted: at least 0.99: undecided</span>",
                      "= 1.0000, no confidence interval, over 1 live update; wanted: at least 0.99: undecided</span>",
                      "= unknown, no confidence interval, over 0 live updates; wanted: at least 0.99: not measured</span>",
                      "what translating costs the IOMMU is not in them"):
            if html.unescape(words) not in html.unescape(text):
                errors.append("nothing says: " + words)
    elif "<h2>Throughput by driver" in text:
        errors.append("throughput of nothing")
    if name == "complete" and "95 % confidence interval" not in text:
        errors.append("no confidence interval at the exponent")
    return errors


def main():
    failed = 0
    for name in sorted(os.listdir(sys.argv[2])):
        errors = check(sys.argv[1], os.path.join(sys.argv[2], name))
        failed += len(errors)
        print("%s %s" % ("not ok" if errors else "ok", name))
        for error in errors:
            print("  " + error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
