"""Audits in words and in rows, for a terminal, Markdown, JSON and the page."""

from collections.abc import Iterator

from bench import formats
from bench.audit.audit import Audit, Finding
from bench.audit.drift import Drift


def rows(found: Audit) -> list[dict[str, object]]:
    """A row for each value of each attribute."""
    return [row for finding in found.findings for row in rows_of(finding)]


def rows_of(finding: Finding) -> Iterator[dict[str, object]]:
    """The values of one attribute."""
    for share, group in zip(finding.balance.shares, finding.groups, strict=True):
        yield {
            "attribute": finding.balance.name,
            "value": share.value,
            "data": percent(share.real),
            "samples": percent(share.share),
            "interval": f"{percent(share.low)} to {percent(share.high)}",
            "p": formats.number(share.p, 2),
            "verdict": share.verdict or formats.NONE,
            "recall": formats.number(group.recall, 2),
            "density": formats.number(group.density, 2),
        }


def summary(found: Audit) -> Iterator[str]:
    """A line on each attribute, then what was merged."""
    for finding in found.findings:
        yield f"{finding.balance.name}: {verdict(finding)}"
        yield f"  {distances(finding)}"
    yield from found.notes


def verdict(finding: Finding) -> str:
    """Which values are given too rarely, which too often."""
    shares = finding.balance.shares
    parts = [
        f"{kind}: {', '.join(share.value for share in shares if share.verdict == word)}"
        for word, kind in (("under", "too rare"), ("over", "too frequent"))
        if any(share.verdict == word for share in shares)
    ]
    return "; ".join(parts) or "no difference from the data is shown"


def distances(finding: Finding) -> str:
    """How far the shares are from the data's, and how good the classifier is."""
    found = finding.balance
    return (
        f"KL {formats.number(found.kl, 3)} (a balanced sampler: {formats.number(found.kl_null, 3)} on average, 95 % below "
        f"{formats.number(found.kl_limit, 3)}); fairness discrepancy {formats.number(found.to_real, 3)} to the data, "
        f"{formats.number(found.to_uniform, 3)} to equal shares; classifier right on {percent(found.accuracy)} of "
        f"{found.tested:,} held-out images"
    )


def drift_rows(found: Drift) -> list[dict[str, object]]:
    """A row for each question."""
    number = formats.number
    return [
        {"question": "MMD, permuted", "value": number(found.mmd, 3), "without drift": "0", "p": number(found.mmd_p, 2)},
        {
            "question": "classifier's accuracy",
            "value": number(found.accuracy, 3),
            "without drift": "0.5",
            "p": number(found.accuracy_p, 2),
        },
        {
            "question": "FID",
            "value": number(found.fid, 3),
            "without drift": number(found.fid_null, 3),
            "p": formats.NONE,
        },
    ]


def drift_verdict(found: Drift) -> str:
    """One sentence."""
    sizes = f"{found.folder:,} images against {found.real:,} real ones"
    p = formats.number(found.p, 2)
    if found.flagged:
        return f"drift: the folder is told apart from the data set (p = {p}; {sizes})"
    return f"no drift is shown (p = {p}; {sizes})"


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.1f} %"
