#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is report.html of every fixture well formed, alone in the world, and does it show what it must?

usage: check_report.py RENDER_TOOL FIXTURES
"""

import html.parser
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


def check(tool, path):
    text = subprocess.run([tool, path, "html"], check=True, stdout=subprocess.PIPE).stdout.decode("utf-8")
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
    if shutil.which("gnuplot"):
        # Seven stages over domains, seven over iommufds; two kinds of memory
        plots = {"complete": 14, "resumed": 7, "memory": 2, "dma": 1}.get(name, 0)
        if page.count.get("svg", 0) != plots:
            errors.append("%d plots, not %d" % (page.count.get("svg", 0), plots))
    for figure in re.findall(r"<figure>.*?</figure>", text, re.S):
        if not re.search("never a time on hardware|not times of hardware|Bytes as the kernel", figure):
            errors.append("a figure that does not say what its numbers are")
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
