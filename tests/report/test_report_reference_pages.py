"""Pages on the making of results, limits, citing and licences: from the files that hold them."""

import made_results
import pandas as pd
import pytest
from seen_page import built

from hipus import paths, tables
from hipus.report import reference_pages

CITATION = """\
cff-version: 1.2.0
title: "made up: a study"
version: 0.1.0
authors:
  - name: "The developers"
preferred-citation:
  type: conference-paper
  title: Hips
  year: 2026
  collection-title: Proceedings
  authors:
    - {family-names: Heyer, given-names: W.}
    - {family-names: "O'Neil", given-names: K.}
"""


class TestCiting:
    def test_paper_and_repository_become_bibtex(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        (tmp_path / "CITATION.cff").write_text(CITATION)
        (paper, bibtex), (_, own) = reference_pages.citations()
        assert paper == "The paper, for the method"
        assert bibtex == (
            "@inproceedings{heyer2026,\n  author = {Heyer, W. and O'Neil, K.},\n"
            "  title = {{Hips}},\n  booktitle = {Proceedings},\n  year = {2026},\n}"
        )
        assert own.startswith("@misc{hipus,\n  author = {{The developers}},")
        assert "version = {0.1.0}" in own

    def test_without_the_file_nothing_is_cited(self, results):
        assert reference_pages.citations() == []
        assert "CITATION.cff was not beside" in " ".join(built()["cite"].text.split())


class TestLimits:
    def write(self, text):
        path = paths.root() / "docs" / "limits.md"
        path.parent.mkdir()
        path.write_text(text)

    def test_the_document_is_shown_without_its_title(self, results):
        self.write("# Limits\n\n## Speckle\n\nAn AUC of **0.79**.\n\n|a|b|\n|-|-|\n|1|2|\n")
        html = reference_pages.limits_html()
        assert "<h1>" not in html
        assert "<strong>0.79</strong>" in html
        assert html.count('<div class="scroll"') == html.count("</table></div>") == 1

    def test_markup_is_escaped_and_only_links_that_lead_somewhere_stay(self, results):
        self.write("# L\n\n<script>x()</script>\n\n[a](simulation.md) [b](https://example.org)\n")
        page = built()["limits"]
        assert "script" not in {tag for tag, _ in page.tags}
        outside = [link for link in page.attributes("href") if "html" not in link]
        assert "https://example.org" in outside
        assert "simulation.md" not in outside

    def test_without_the_document_the_page_says_so(self, results):
        assert reference_pages.limits_html() == ""
        assert "was not beside these results" in built()["limits"].text


class TestRecords:
    def test_the_report_itself_is_no_maker_of_numbers(self, results):
        made_results.write_record("report")
        assert "report" not in [one.stage for one in reference_pages.records("smoke")]

    def test_inputs_stand_with_their_hash(self, results):
        (record, *_) = reference_pages.records("smoke")
        assert list(record.inputs["file"]) == ["a.mha"]
        assert record.commit == "0123456789ab+changes"
        assert "torch 2.13.0+cpu" in record.versions

    def test_without_a_record_the_command_is_named(self, results):
        for path in (paths.results_dir("smoke") / "provenance").iterdir():
            path.unlink()
        with pytest.raises(FileNotFoundError, match=r"provenance holds no record: run `dvc repro"):
            reference_pages.records("smoke")


class TestLicences:
    def test_files_are_counted_by_where_they_come_from(self, results):
        rows = pd.DataFrame(
            {"file": ["a", "b", "c"], "group": ["plus", "plus", "tus"], "licence": ["BSD"] * 3,
             "status": ["present", "absent", "present"]}
        )  # fmt: skip
        tables.write(rows, paths.table_file("smoke", "real_inputs"), key=["file"])
        registry = paths.data_dir() / "real" / "manifest.csv"
        told = {"file": ["a", "b", "c"], "attribution": ["X", "X", "Y"], "repository": ["r"] * 3}
        tables.write(pd.DataFrame(told), registry, key=["file"])
        found = reference_pages.licences("smoke")
        assert found.to_dict("list") == {
            "group": ["plus", "tus"], "licence": ["BSD", "BSD"], "attribution": ["X", "Y"],
            "repository": ["r", "r"], "files": [2, 1], "present": [1, 1],
        }  # fmt: skip
