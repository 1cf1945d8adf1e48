"""The page of an audit: one HTML file, in the report's style."""

from bench.audit import text
from bench.audit.audit import Audit
from bench.report import page


def build(found: Audit, samples: str, real: str) -> str:
    """The page as HTML; `samples` and `real` are what was audited, and against what."""
    sections = [
        {
            "name": finding.balance.name,
            "verdict": text.verdict(finding),
            "distances": text.distances(finding),
            "rows": list(text.rows_of(finding)),
        }
        for finding in found.findings
    ]
    return page.render("audit.html", found=found, samples=samples, real=real, sections=sections)
