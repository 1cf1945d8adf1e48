"""The lock of the shipped suites: no suite changes without a new version. ``python -m bench.suites.lock`` writes it.

Whoever changes a suite raises its version (patch: text; minor: jobs; major: rules, after which numbers are not comparable)
and runs that command; a test compares the lock with the files.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from packaging.version import Version

from bench.errors import UserError
from bench.files import digest, write_atomically
from bench.suites import suite

LOCK = suite.SUITES / "lock.json"


@dataclass(frozen=True)
class Entry:
    """What is locked of a suite."""

    version: str
    rules: str  # digest of what decides a score, and of the metric that ranks
    cells: str  # digest of members, calibration rows and seeds
    content: str  # digest of everything


def entry(of: suite.Suite) -> Entry:
    """The lock of a suite as it stands."""
    content = of.model_dump(mode="json")
    cells = [content[key] for key in ("members", "calibration", "seeds")]
    rules = digest([of.protocol({}), of.ranking])
    return Entry(of.version, rules, digest(cells), digest(content))


def current() -> dict[str, Entry]:
    """The lock that the shipped suites would have."""
    return {name: entry(suite.load(name)) for name in suite.names()}


def read() -> dict[str, Entry]:
    """The committed lock."""
    return {name: Entry(**content) for name, content in json.loads(LOCK.read_text(encoding="utf-8")).items()}


def faults(locked: Mapping[str, Entry], now: Mapping[str, Entry]) -> list[str]:
    """The suites that changed without the version that such a change needs."""
    pairs = [(name, locked[name], found) for name, found in now.items() if name in locked]
    return [f"suite {name}: {words}" for name, old, new in pairs if (words := _fault(old, new))]


def _fault(old: Entry, new: Entry) -> str:
    before, after = (Version(item.version).release for item in (old, new))
    parts, changed = (1, "rules") if old.rules != new.rules else (2, "jobs") if old.cells != new.cells else (3, "text")
    if old.content == new.content and before == after:
        return ""
    if after[:parts] > before[:parts]:
        return ""
    kind = ("major", "minor", "patch")[parts - 1]
    return f"its {changed} changed since {old.version}, but it is {new.version}. Raise the {kind} version."


def main() -> None:
    """Write the lock. Raises UserError at a suite that changed without the version that this needs."""
    now = current()
    wrong = faults(read() if LOCK.exists() else {}, now)
    if wrong:
        raise UserError(" ".join(wrong))
    content = {name: asdict(found) for name, found in now.items()}
    write_atomically(LOCK, (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
