"""Runs docs/tutorial.ipynb and keeps what its cells show: python tools/run_tutorial.py [--out FILE]"""

import argparse
import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.ipynb"


def run(out: Path) -> None:
    """Execute every cell in a folder of its own, with the committed results beside it as in docs/, and write the notebook."""
    notebook = nbformat.read(TUTORIAL, as_version=4)
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "results").symlink_to(ROOT / "results")
        (Path(place) / "docs").mkdir()
        os.environ["BENCH_HOME"] = str(Path(place) / "home")
        os.environ.setdefault(
            "OMP_NUM_THREADS", "1"
        )  # what else runs on the machine would make two threads wait for each other
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": f"{place}/docs"}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times of day at which it ran
    nbformat.write(notebook, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TUTORIAL)
    run(parser.parse_args().out)
