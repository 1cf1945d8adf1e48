"""From what a person types to something with a protocol: a record, a board or a published row."""

from pathlib import Path

from bench import baseline, board, explain, record, references
from bench.errors import UserError


def find(text: str, results: Path) -> explain.Subject:
    """``results/.../0-abc.json`` is a record, another ``.json`` a board, a suite's name its board, else a published row.

    Raises UserError for what is none of these.
    """
    path = Path(text)
    if path.suffix == ".json":
        if not path.is_file():
            raise UserError(
                f"explain {text}: there is no such file. Give a record, a board, a suite or a published row."
            )
        return explain.of_record(record.read(path)) if _is_record(path) else explain.of_board(baseline.read_file(path))
    if results.is_dir() and (results / text).is_dir():
        return explain.of_board(board.build(board.load(results, text)))
    return references.find(text).subject


def _is_record(path: Path) -> bool:
    return '"schema_version"' in path.read_text(encoding="utf-8", errors="replace")
