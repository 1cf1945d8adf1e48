"""What a benchmark run says as ratios, beside the ratios that were committed last.

    python tests/benchmarks/ratios.py build/benchmark.json docs/benchmarks/ratios.json           # print the changes
    python tests/benchmarks/ratios.py build/benchmark.json docs/benchmarks/ratios.json --save    # and keep the new ones

Seconds differ by machine; ratios within one run do so far less, and are what is kept: every test of a group over the first
of its group, and whatever a test has put into its `extra_info` as "ratios". Nothing here fails: people judge the changes.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

NOTABLE = 0.10  # changes from which on a line is marked


def ratios(content: dict[str, Any]) -> dict[str, float]:
    """Group and test -> the test's median over that of the group's first test; loops -> their speed over the plain one."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found: dict[str, float] = {}
    for entry in content["benchmarks"]:
        if "ratios" in entry["extra_info"]:
            threads = entry["extra_info"]["threads"]
            for name, speeds in entry["extra_info"]["ratios"].items():
                found |= {f"loop, speed, {threads} threads, {kind}: {name}": value for kind, value in speeds.items()}
        elif entry["group"]:
            groups[entry["group"]].append(entry)
    for group, entries in groups.items():
        first = entries[0]["stats"]["median"]
        for entry in entries[1:]:
            name = f"{group}, time: {short(entry)} / {short(entries[0])}"
            found[name] = float(f"{entry['stats']['median'] / first:.4g}")
    return dict(sorted(found.items()))


def short(entry: dict[str, Any]) -> str:
    """The test's name for people."""
    return entry["name"].removeprefix("test_").replace("_", " ")


def compared(new: dict[str, float], old: dict[str, float]) -> list[str]:
    """One line per ratio: what it is, what it was, by how much it changed."""
    lines: list[str] = []
    for name in sorted({*new, *old}):
        if name not in new:
            lines.append(f"  {old[name]:8.3g} -> not run   {name}")
        elif name not in old:
            lines.append(f"       new -> {new[name]:<8.3g}  {name}")
        else:
            change = new[name] / old[name] - 1
            mark = "*" if abs(change) >= NOTABLE else " "
            lines.append(f"{mark} {old[name]:8.3g} -> {new[name]:<8.3g}  {change:+6.1%}  {name}")
    return lines


def main(arguments: list[str]) -> None:
    """Print the changes, and keep the new ratios when asked to."""
    run, committed = Path(arguments[0]), Path(arguments[1])
    new = ratios(json.loads(run.read_text()))
    old = json.loads(committed.read_text()) if committed.exists() else {}
    print("\n".join(compared(new, old)))
    if "--save" in arguments[2:]:
        committed.parent.mkdir(parents=True, exist_ok=True)
        committed.write_text(json.dumps(old | new, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
