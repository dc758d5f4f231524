# SPDX-License-Identifier: GPL-2.0-only
"""inner.py REQUEST: the inner half of tests/run, started by the outer one as the variant's user."""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402

with open(sys.argv[1], encoding="utf-8") as f:
    request = json.load(f)
counts = harness.inner(request["stage"], request["variant"], request["jobs"], set(request["names"]), request["config"], request["source"])
with open(os.path.join(request["stage"], "counts.json"), "w", encoding="utf-8") as f:
    json.dump(counts, f)
