"""Executed notebooks as pages that ask nothing of a network."""

import base64

import nbformat
import pytest
from nbformat import v4
from seen_page import Page

from hipus.report import notebook_pages

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n made up").decode()


@pytest.fixture
def folder(tmp_path):
    """Return a folder with one executed notebook: text, a table, a picture, an active output."""
    outputs = [
        v4.new_output("stream", text="184 of 190 frames\n"),
        v4.new_output("display_data", {"text/html": "<table><tr><td>0.540</td></tr></table>"}),
        v4.new_output("display_data", {"image/png": PNG}),
        v4.new_output(
            "display_data",
            {"text/html": '<script src="https://example.org/a.js"></script><b>kept</b>'},
        ),
        v4.new_output("display_data", {"text/html": "<SCRIPT>\nfetch('x')\n</SCRIPT >"}),
    ]
    cells = [
        v4.new_markdown_cell("# How *accurate*?\n\nSee [PLUS](https://plustoolkit.org)."),
        v4.new_code_cell("print(1)", outputs=outputs, execution_count=1),
        v4.new_markdown_cell("```mermaid\ngraph TD; A-->B\n```"),
    ]
    target = tmp_path / "notebooks"
    target.mkdir()
    nbformat.write(v4.new_notebook(cells=cells), target / "02_calibration.ipynb")
    return target


@pytest.fixture
def text(folder, tmp_path) -> str:
    """Return the page's text."""
    (path,) = notebook_pages.write_pages(folder, tmp_path / "pages")
    assert path == tmp_path / "pages" / "02_calibration.html"
    return path.read_text(encoding="utf-8")


class TestPage:
    def test_outputs_are_all_there(self, text):
        for part in ("184 of 190 frames", "<td>0.540</td>", f"data:image/png;base64,{PNG}"):
            assert part in text
        assert "<b>kept</b>" in text

    def test_there_is_nothing_to_run(self, text):
        assert "<script" not in text.lower()
        assert "fetch('x')" not in text

    def test_there_is_nothing_to_fetch(self, text):
        page = Page(text)
        assert all(source.startswith("data:") for source in page.attributes("src"))
        assert not {"link", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
        assert "@import" not in text
        assert "cdnjs" not in text
        assert "url(http" not in text.replace('"', "").replace("'", "")

    def test_links_that_a_reader_may_follow_stay(self, text):
        assert "https://plustoolkit.org" in Page(text).attributes("href")

    def test_the_same_notebook_gives_the_same_bytes(self, folder, tmp_path):
        pages = [notebook_pages.write_pages(folder, tmp_path / name)[0] for name in "ab"]
        assert pages[0].read_bytes() == pages[1].read_bytes()

    def test_folder_without_notebooks_is_an_error(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="holds no executed notebook"):
            notebook_pages.write_pages(tmp_path, tmp_path / "pages")
