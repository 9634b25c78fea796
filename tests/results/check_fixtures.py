#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Are the fixtures those that generate.py writes? What is expected of them it does not write.

usage: check_fixtures.py GENERATE FIXTURES
"""

import subprocess
import sys
import tempfile


def main():
    with tempfile.TemporaryDirectory() as top:
        subprocess.run([sys.executable, sys.argv[1], top], check=True)
        return subprocess.run(["diff", "-r", "--exclude=expected.*", top, sys.argv[2]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
