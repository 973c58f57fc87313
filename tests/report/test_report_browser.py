"""The pages in a real browser: they load from disk without a complaint on its console.

Needs Chromium (`HIPUS_CHROMIUM`, or on the PATH). Without one the tests are skipped;
`HIPUS_REQUIRE_BROWSER=1` makes that a failure.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

import made_results
import made_run
import nbformat
import pytest
from nbformat import v4

from hipus.report import build, hip_page, notebook_pages

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--enable-unsafe-swiftshader",  # WebGL without a graphics card, asked for and so not warned of
    "--enable-logging=stderr",
    "--dump-dom",
]


@dataclass(frozen=True)
class Visit:
    """What a browser made of a page, and what it complained of."""

    dom: str
    complaints: list[str]


@pytest.fixture(scope="module")
def chromium() -> str:
    """Return the browser's command, or skip."""
    named = os.environ.get("HIPUS_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        if os.environ.get("HIPUS_REQUIRE_BROWSER"):
            pytest.fail("HIPUS_REQUIRE_BROWSER is set, but there is no Chromium")
        pytest.skip("no Chromium: set HIPUS_CHROMIUM or put one on the PATH")
    return found


@pytest.fixture
def visit(chromium, tmp_path):
    """Return a function that opens a file in a fresh browser."""

    def go(path, *flags) -> Visit:
        profile = f"--user-data-dir={tmp_path / 'browser'}"
        done = subprocess.run(
            [chromium, *_QUIET, *flags, profile, path.as_uri()],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        complaints = re.findall(r"^.*(?:CONSOLE|net_error).*$", done.stderr, flags=re.MULTILINE)
        return Visit(done.stdout, complaints)

    return go


def test_start_page_loads_without_a_complaint_and_runs_no_text(visit, results):
    made_results.draw_one()
    seen = visit(build.build_index("smoke"))
    assert seen.complaints == []
    assert "What made these numbers?" in seen.dom
    assert "Wires were found in 291 of 293 frames" in seen.dom


def test_notebook_page_loads_without_a_complaint(visit, tmp_path):
    cells = [v4.new_markdown_cell("# How accurate?"), v4.new_code_cell("1 + 1")]
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(v4.new_notebook(cells=cells), folder / "02.ipynb")
    seen = visit(notebook_pages.write_pages(folder, tmp_path / "pages")[0])
    assert seen.complaints == []
    assert "How accurate?" in seen.dom


class TestHipPage:
    @pytest.fixture
    def page(self, tmp_path):
        folder = made_run.write_run(tmp_path / "run")
        return hip_page.write_hip_page(folder, folder / "report.html", steps=made_run.STEPS)

    def test_the_hip_turns_where_there_is_webgl(self, visit, page):
        seen = visit(page)
        slow = "GL Driver Message (OpenGL, Performance"  # of a machine without a graphics card
        assert [line for line in seen.complaints if slow not in line] == []
        assert 'aria-pressed="true">Stop' in seen.dom
        assert all(f">{name}</text>" in seen.dom for name in ("superior", "10 mm"))

    def test_without_webgl_the_still_picture_stays(self, visit, page):
        seen = visit(page, "--disable-3d-apis")
        assert seen.complaints == []
        assert 'aria-pressed="false">Turn' in seen.dom
        assert '<div class="tools" id="tools" hidden' in seen.dom
        assert 'style="display: none' not in seen.dom


def test_a_complaint_would_be_seen(visit, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text("<p>here</p><script>console.error('it ran')</script>")
    seen = visit(page)
    assert any("it ran" in line for line in seen.complaints)
