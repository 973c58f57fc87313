"""Stage `report`: the whole site, and nothing of an earlier one."""

import nbformat
from nbformat import v4

from hipus import paths
from hipus.report import site
from hipus.stages import report


class Study:
    """A study that has a profile only."""

    profile = "smoke"


def test_pages_of_an_earlier_run_are_gone_and_notebooks_are_the_inputs(tmp_path, monkeypatch):
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    results = paths.results_dir("smoke")
    (results / "notebooks").mkdir(parents=True)
    notebook = results / "notebooks" / "00_machine.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell("# Enough?")]), notebook)
    old = results / "report" / "assets" / "old.png"
    old.parent.mkdir(parents=True)
    old.touch()
    built = []
    monkeypatch.setattr(site, "build_site", built.append)
    assert report.main(Study()) == [notebook]
    assert built == ["smoke"]
    assert not old.exists()
    assert (results / "report" / "notebooks" / "00_machine.html").is_file()
