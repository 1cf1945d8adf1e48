"""Makes docs/zoo.md from what is registered and what its networks are measured against: python tools/make_zoo.py"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from families import changes

from bench import catalogue, members
from bench.api.listings import trainable
from bench.catalogue import Entry
from bench.members import Listing
from zoo.training.parameters import vocabulary

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "zoo.md"
FAMILIES = ("zoo.stabilisers", "zoo.conditioning")  # one change per member
HEAD = """\
# The zoo

Made by `python tools/make_zoo.py` from `zoo/catalogue.toml` and the networks themselves; a test fails when it is stale.
Parameters are trainable ones for 32 x 32 colour images of ten classes, as the fixed track builds them; the table of reference
implementations below says which networks have the published sizes. Published figures are others', under their protocols: do not
compare them with this suite's or with each other. What each member departs from stands in its file's docstring.

| member | paper | year | family | conditioned on | objective | regularisers | parameters at 32 px | published FID |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
COUNTS = ROOT / "zoo" / "reference_counts.toml"
COUNTS_HEAD = """
## Networks of published sizes

Trainable parameters that networks of the zoo share with reference implementations, counted on those implementations' own
classes (`zoo/reference_counts.toml`); a test builds each and compares. Builders that end in `_paper` have the published widths,
where the registered member's are in proportion to the image.

| builder | images | classes | parameters | reference |
| --- | --- | ---: | --- | --- |
"""
WORDS_HEAD = """
## What members can be asked for

`bench show NAME` lists a member's parameters with their defaults, which are its source's; `--member 'NAME(width=32, lr=1e-4)'` sets
them. A word means the same in every member (`zoo/parameters.toml`); a member may say more of it.

| parameter | meaning | values | members |
| --- | --- | --- | --- |
"""
BOUNDS = {"least": "at least", "above": "above", "most": "at most", "below": "below"}
MANY = 12  # members from which they are counted instead of named
FAMILY_HEADS = (
    """
## Which trick helps?

One DCGAN, one change per member (`zoo/stabilisers.py`): + adds to it, ~ replaces a part, - leaves one out.

| member | change | parameters at 32 px |
| --- | --- | --- |
""",
    """
## How to tell it the class?

One SNGAN, one change per member (`zoo/conditioning.py`), with the same signs. `sngan-projection` is what they change.

| member | change | parameters at 32 px |
| --- | --- | --- |
""",
)


def page() -> str:
    """The whole page."""
    listings = [found for found in members.listings().values() if found.entry_point.startswith("zoo.")]
    alone = [found for found in listings if found.module not in FAMILIES]
    rows = [_row(found, said) for found in alone if (said := catalogue.entry(found))]
    counts = [_count_row(network) for network in reference_counts()]
    parts = [HEAD, *rows, COUNTS_HEAD, *counts]
    for family, head in zip(FAMILIES, FAMILY_HEADS, strict=True):
        parts += [head, *_family_rows(family)]
    return "".join([*parts, WORDS_HEAD, *_words(listings)])


def reference_counts() -> list[dict[str, Any]]:
    """Networks with the builder, the images, the parameters by player and the source of the count."""
    return tomllib.loads(COUNTS.read_text(encoding="utf-8"))["network"]


def _count_row(network: dict[str, Any]) -> str:
    module, _, function = network["builder"].partition(":")
    images = network["images"]
    size = f"{images['channels']} x {images['resolution']} x {images['resolution']}"
    counts = ", ".join(f"{player} {count:,}" for player, count in network["parameters"].items())
    link = f"[`{function}`](../{module.replace('.', '/')}.py)"
    return f"| {link} | {size} | {images.get('classes', '')} | {counts} | {network['source']} |\n"


def _row(listing: Listing, described: Entry) -> str:
    module = listing.entry_point.partition(":")[0]
    paper = f"[{described.title}](https://arxiv.org/abs/{described.arxiv})" if described.arxiv else described.title
    cells = [
        f"[`{listing.name}`](../{module.replace('.', '/')}.py)",
        paper,
        str(described.year),
        described.family,
        described.conditioning,
        described.objective,
        ", ".join(described.regularisers),
        _parameters(listing),
        "; ".join(f"{figure.value:g} on {figure.data} ({figure.source})" for figure in described.fid),
    ]
    return f"| {' | '.join(cells)} |\n"


def _parameters(listing: Listing) -> str:
    counts = trainable(listing.name)
    return counts if isinstance(counts, str) else ", ".join(f"{player} {count:,}" for player, count in counts.items())


def _words(listings: list[Listing]) -> Iterator[str]:
    """A row for every word of the vocabulary."""
    having: dict[str, list[str]] = {}
    for listing in listings:
        for name in members.declared(listing):
            having.setdefault(name, []).append(f"`{listing.name}`")
    for word, facts in vocabulary().items():
        names = having.get(word, [])
        values = ", ".join(f"{said} {facts[bound]}" for bound, said in BOUNDS.items() if bound in facts)
        whose = ", ".join(names) if len(names) < MANY else f"{len(names)} of {len(listings)}"
        yield f"| `{word}` | {facts['about']} | {values} | {whose} |\n"


def _family_rows(module: str) -> Iterator[str]:
    for name, change in changes(module).items():
        yield f"| `{name}` | {change} | {_parameters(members.find(name))} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
