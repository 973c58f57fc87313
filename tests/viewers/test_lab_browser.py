"""The harness itself: it runs cells, waits, sees errors, and sees what would leave."""

import pytest
from devtools_page import LabError
from lab_browser import IMJOY

from hipus import paths


def test_cells_run_widgets_answer_and_waiting_ends(lab, tmp_path):
    cells = [
        "import ipywidgets\nslider = ipywidgets.IntSlider(value=3)\nslider",
        "from hipus import viewers\nprint('static', viewers.is_static())",
    ]
    with lab.open(cells) as page:
        page.wait_for("document.querySelector('.widget-readout')?.textContent === '3'")
        page.wait_for("document.body.textContent.includes('static False')")
        assert page.screenshot(tmp_path / "lab.png").stat().st_size > 10_000
        with pytest.raises(LabError, match=r"false: not in 0\.2 s"):
            page.wait_for("false", timeout_s=0.2)
        with pytest.raises(LabError, match="nothing_of_this_name"):
            page.evaluate("nothing_of_this_name()")


def test_a_cell_that_fails_is_told(lab):
    cells = ["raise ValueError('no such hip')"]
    with pytest.raises(LabError, match="a cell failed: no such hip"), lab.open(cells):
        pass


def test_a_request_that_would_leave_is_told_unless_it_was_expected(lab):
    cells = ["from IPython.display import HTML\nHTML('<img src=\"https://example.org/x.png\">')"]
    cdn = "https://cdn.jsdelivr.net/"  # what the extension asks for, where it is switched on
    told = pytest.raises(LabError, match=r"left this machine: \['https://example.org/x.png'\]")
    with told, lab.open(cells, may_ask=[cdn], switched_off=()) as page:
        page.wait_for("document.querySelector('img[src*=example]')")
        assert [url for url in page.elsewhere() if not url.startswith(cdn)]


def test_setup_switches_off_what_asks_elsewhere_when_jupyterlab_opens():
    makefile = (paths.root() / "Makefile").read_text()
    assert f"jupyter labextension disable {IMJOY}" in makefile
