"""Notebooks on motion run to their end for a cohort that nobody tracked, and say so."""

import json
import shutil
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from hipus import config, paths, tables
from hipus.stages import motion_skip

CHECKOUT = Path(__file__).parents[1]
#: Tables of further stages that such a cohort leaves without rows.
EMPTY = ("motion_transfer", "volume_agreement", "local_consistency", "local_consistency_summary",
         "pose_refinement", "pose_refinement_summary")  # fmt: skip
PARAMETERS = "parameters"


@pytest.fixture
def untracked(tmp_path, monkeypatch):
    """Return a study folder with the kept results of small, and no row on motion."""
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    monkeypatch.setenv("HIPUS_STATIC_VIEWS", "1")
    shutil.copy(CHECKOUT / "params.yaml", tmp_path)
    for part in ("tables", "metrics", "figure_inputs"):
        kept = CHECKOUT / "results" / "small" / part
        shutil.copytree(kept, paths.results_dir("small") / part)
    motion_skip.write_skip(config.load("small"))
    paths.table_file("small", "motion_spacing").unlink(missing_ok=True)
    for name in EMPTY:
        path = paths.table_file("small", name)
        tables.write(tables.read(path).iloc[:0], path, key=[])
    absent = paths.table_file("small", "reconstruction_missing")
    absent.write_text("file,how_to_get_it\nplus/gone.mha,\n")
    return tmp_path


def executed(name: str) -> dict:
    """Run the cells of a notebook that the pipeline runs; return its names."""
    notebook = json.loads((CHECKOUT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    shell = InteractiveShell()
    for cell in notebook["cells"]:
        left_out = set(cell["metadata"].get("tags", ())) - {PARAMETERS}
        if cell["cell_type"] == "code" and not left_out:
            source = "".join(cell["source"]).replace('"smoke"', '"small"')
            shell.run_cell(source).raise_error()
    return shell.user_ns


def test_motion_says_that_nothing_was_measured(untracked, capsys):
    found = executed("03_motion")
    assert found["sentence"] == "Not measured: nobody is tracked to train and to test on."
    assert found["ours"] == "none"
    assert found["lines"] == []


def test_reconstruction_has_no_sentence_on_refinement(untracked, capsys):
    found = executed("04_reconstruction")
    assert found["sentence"] == "Skipped: real open data are absent."
