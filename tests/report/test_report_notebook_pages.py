"""Executed notebooks as pages that ask nothing of a network."""

import base64
import io
import json

import nbformat
import pytest
from nbformat import v4
from PIL import Image
from seen_page import Page

from hipus.report import notebook_pages


def _png(colour: str) -> bytes:
    """Return a drawing of one colour."""
    target = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(target, "PNG")
    return target.getvalue()


PNG = base64.b64encode(_png("navy")).decode()


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
        v4.new_markdown_cell("# How accurate?\n\nSee [PLUS](https://plustoolkit.org)."),
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
    (path,) = notebook_pages.write_pages(folder, tmp_path / "site")
    assert path == tmp_path / "site" / "notebooks" / "02_calibration.html"
    return path.read_text(encoding="utf-8")


class TestPage:
    def test_outputs_are_all_there(self, text):
        for part in ("184 of 190 frames", "<td>0.540</td>"):
            assert part in text
        assert "<b>kept</b>" in text

    def test_there_is_nothing_to_run(self, text):
        assert "<script" not in text.lower()
        assert "fetch('x')" not in text

    def test_pictures_and_styles_lie_beside_the_page(self, text, tmp_path):
        page, folder = Page(text), tmp_path / "site" / "notebooks"
        styles = [found["href"] for tag, found in page.tags if tag == "link"]
        (picture,) = page.attributes("src")
        assert len(styles) == 2
        assert styles[1] == "../assets/notebook.css"
        assert (folder / styles[0]).read_text().count("jp-Notebook") > 5
        with Image.open(folder / picture) as seen:
            assert seen.convert("RGB").getpixel((9, 9)) == (0, 0, 128)

    def test_there_is_nothing_to_fetch(self, text):
        page = Page(text)
        assert not {"iframe", "object", "embed"} & {tag for tag, _ in page.tags}
        for part in ("@import", "cdnjs", "data:image/png"):
            assert part not in text
        assert "url(http" not in text.replace('"', "").replace("'", "")
        assert "default-src 'none'" in text

    def test_a_reader_finds_back_to_the_report(self, text):
        assert "../index.html" in Page(text).attributes("href")
        assert "<title>How accurate? – hipus</title>" in text

    def test_links_that_a_reader_may_follow_stay(self, text):
        assert "https://plustoolkit.org" in Page(text).attributes("href")

    def test_the_same_notebook_gives_the_same_bytes(self, folder, tmp_path):
        pages = [notebook_pages.write_pages(folder, tmp_path / name)[0] for name in "ab"]
        assert len(list((tmp_path / "a" / "assets" / "notebooks").iterdir())) == 2
        assert pages[0].read_bytes() == pages[1].read_bytes()

    def test_folder_without_notebooks_is_an_error(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="holds no executed notebook"):
            notebook_pages.write_pages(tmp_path, tmp_path / "pages")


class TestTitles:
    def test_a_notebook_is_called_by_its_question(self, folder):
        (page,) = notebook_pages.titles(folder)
        assert (page.name, page.title) == ("02_calibration", "How accurate?")
        assert page.address == "notebooks/02_calibration.html"

    def test_without_a_heading_it_is_called_by_its_name(self, tmp_path):
        (tmp_path / "07_x.ipynb").write_text(json.dumps({"cells": []}))
        assert notebook_pages.titles(tmp_path)[0].title == "07_x"
