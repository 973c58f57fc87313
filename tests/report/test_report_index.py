"""The start page: self-contained, escaped, and every number from a saved table."""

import re

import made_motion_results
import made_results
import pandas as pd
import pytest
from seen_page import Page

from hipus import paths, tables
from hipus.report import build, content
from hipus.report.page import embed, table_html, unbroken

#: What the page says of the made-up results.
SENTENCES = [
    "Wires were found in 291 of 293 frames",
    "to 0.543 mm (all of them: 0.577 mm)",
    "lies 0.025 mm and 0.036° from",
    "lag is -64.4 ms, +0.41 ms from the toolkit's",
    "only within 131 ms",
    "5 of 6 volumes of the PLUS toolkit",
    "nearest-latest 98.84 % equal, maximum 98.91 % within 2 grey levels",
    "differs by 7.5 grey levels",
    "Of 1234 claims 431 are confirmed by arithmetic, 87 are inconsistent, 56 cannot be",
    "checked and 660 need results; 99 of 120 checks are recomputed",
    "4 of 6 printed network sizes are reproduced exactly",
    "1 of 2 real open files are present",
    "17 subjects (simulated) with 71 sweeps and 4321 frames; 69 sweeps pass",
    "1 of 2 physics checks hold",
    "differ by 11.8 grey levels, real ones among themselves by 15.6",
    "with an AUC of 0.79",
    "On 16 simulated sweeps of 4 infants that only test, IMU rotation + sweep context ends "
    "4.0 mm (95 % 3.0 to 5.5) from the tracked last frame: 29 % of a constant step's 14.0",
    "not learned (correlation regression) that is lower: -10.0 mm (95 % -12.5 to -7.5)",
    "ends 4.0 mm off after 6 iterations (profile smoke); the printed 12.60 mm are clinical",
    "aligned at the head, tissue near it is displaced by 0.5 mm where the sweep's end",
    "no more or less consistent than others of its size (+0.10 mm, 95 % -0.10 to +0.30)",
    "drifts by 3.8 mm instead of 5.2 mm (-1.5 mm, 95 % -2.5 to -0.5; 4 sweeps)",
    "were not run in this profile: `make arms` runs them",
]


@pytest.fixture
def page(results) -> Page:
    """Return the built start page."""
    made_results.draw_one()
    return Page(build.build_index("smoke").read_text(encoding="utf-8"))


class TestSelfContained:
    def test_nothing_is_fetched_from_anywhere(self, page):
        sources = page.attributes("src")
        assert sources
        assert all(source.startswith("data:image/png;base64,") for source in sources)
        for link in page.attributes("href"):
            assert link.startswith("#") or re.fullmatch(r"notebooks/\w+\.html", link)

    def test_there_is_no_script_and_no_external_style(self, page):
        names = {tag for tag, _ in page.tags}
        assert not {"script", "link", "iframe", "object", "embed", "base"} & names
        assert not any(name.startswith("on") for _, found in page.tags for name in found)

    def test_style_asks_for_no_font_or_file(self, results):
        text = build.build_index("smoke").read_text()
        assert "@import" not in text
        assert "url(" not in text

    def test_the_same_results_give_the_same_bytes(self, results):
        first = build.build_index("smoke").read_bytes()
        assert build.build_index("smoke").read_bytes() == first

    def test_nothing_else_is_left_beside_it(self, results):
        path = build.build_index("smoke")
        assert path == paths.results_dir("smoke") / "report" / "index.html"
        assert list(path.parent.iterdir()) == [path]


class TestSafe:
    def test_text_of_tables_and_records_never_becomes_markup(self, page):
        assert "script" not in {tag for tag, _ in page.tags}
        # Once in the machine's line, once in its table, 60 times in the claims shown.
        assert page.text.count("<script>console.error('ran')</script>") == 62

    def test_page_is_well_formed_for_readers_and_screens(self, page):
        tags = dict(page.tags)
        assert tags["html"]["lang"] == "en"
        assert all(found.get("alt") for tag, found in page.tags if tag == "img")
        anchors = {link[1:] for link in page.attributes("href") if link.startswith("#")}
        assert anchors <= set(page.attributes("id"))
        ids = page.attributes("id")
        assert len(ids) == len(set(ids))


class TestNumbers:
    def test_answers_hold_the_numbers_of_the_metrics(self, page):
        assert [words for words in SENTENCES if words not in page.text] == []

    def test_the_card_on_motion_names_the_stricter_yardstick_where_there_is_one(self, results):
        path = paths.table_file("smoke", "motion_arms")
        arms = tables.read(path)
        stricter = arms[arms["arm"] == "constant step"].assign(
            arm="constant step by type", mean=6.0
        )
        tables.write(pd.concat([arms, stricter]), path, key=["arm", "truth"])
        assert content.cards("smoke")[2]["beside"].endswith(", by sweep type 6.0 mm")

    def test_cards_hold_them_too(self, results):
        cards = {card["what"]: f"{card['value']} | {card['beside']}" for card in
                 content.cards("smoke")}  # fmt: skip
        assert list(cards.values()) == [
            "4.3° | goal 4°; 5% refused; best single frame 2.5°",
            "0.843 | best 2D model (2.3) 0.507; printed, clinical 0.807 and 0.507",
            "4.0 mm | constant step 14.0 mm",
            "0.543 mm | PLUS toolkit prints 0.540 mm",
            "-64.4 ms | +0.41 ms from PLUS",
            "5 of 6 | float mean within 6e-05 grey levels",
            "1234 | 431 confirmed, 87 inconsistent",
        ]

    def test_a_changed_number_changes_the_page(self, results):
        changed = made_results.CALIBRATION | {"classic_validation_error_mm_mean": 0.7777}
        tables.write_metrics(changed, paths.metrics_file("smoke", "calibration"))
        assert "to 0.778 mm" in Page(build.build_index("smoke").read_text()).text

    def test_provenance_shows_every_stage_with_commit_and_versions(self, page):
        for word in ("calibration", "0123456789ab+changes", "2026-01-02 03:04", "2.13.0+cpu"):
            assert word in page.text

    def test_head_names_the_newest_record(self, results):
        made_results.write_record("published", finished="2026-05-06T07:08:09+00:00")
        assert "2026-05-06 07:08 UTC" in build.build_index("smoke").read_text()

    def test_machine_that_is_too_small_is_told(self, results):
        made_results.write_table(
            "machine", {"fact": "memory", "found": "1", "needed": "4", "is_enough": False}
        )
        assert "It does not meet every need" in build.build_index("smoke").read_text()


class TestMissing:
    def test_skipped_questions_are_named_at_the_top_and_in_place(self, results):
        made_results.write_all(missing=("plus/gone.mha",))
        page = Page(build.build_index("smoke").read_text())
        assert page.text.count("plus/gone.mha") == 4
        head = page.text.partition("Can this machine run the study?")[0]
        assert "Skipped" in page.text
        assert "0.543" not in page.text
        assert "hipus – smoke report" in head

    def test_nothing_is_said_to_be_missing_where_nothing_is(self, page):
        assert "Skipped" not in page.text
        assert "Not measured" not in page.text

    def test_findings_are_counted_once_their_arms_were_run(self, results, rng):
        made_motion_results.write_arms(rng)
        text = Page(build.build_index("smoke").read_text()).text
        assert "Of 2 findings of the paper, the thesis and Guo et al.: 1 holds here" in text
        assert "tables/motion_claims.csv" in text

    @pytest.mark.parametrize(
        ("low", "high", "told"), [(0.2, 3.0, "higher"), (-1.0, 0.5, "not told apart")]
    )
    def test_a_goal_that_is_not_met_is_told(self, results, low, high, told):
        path = paths.table_file("smoke", "motion_comparisons")
        tables.write(tables.read(path).assign(low=low, high=high), path, key=[])
        assert f"(correlation regression) that is {told}" in build.build_index("smoke").read_text()

    def test_a_head_that_is_placed_better_than_the_rest_is_told(self, results):
        path = paths.table_file("smoke", "local_consistency_summary")
        tables.write(tables.read(path).assign(low=0.05), path, key=[])
        text = build.build_index("smoke").read_text()
        assert "head&#39;s region is more consistent" in text

    def test_a_cohort_without_truth_has_no_drift_to_the_hip(self, results):
        for name in ("motion_arms", "volume_agreement", "local_consistency_summary"):
            path = paths.table_file("smoke", name)
            table = tables.read(path)
            kept = table[table.truth == "vs_tracker"] if "truth" in table else table.iloc[:0]
            tables.write(kept, path, key=[])
        text = Page(build.build_index("smoke").read_text()).text
        assert "against the pelvis" not in text
        assert "aligned at the head, tissue" not in text

    def test_only_figures_that_exist_are_shown(self, page):
        assert len(page.attributes("src")) == 1
        assert "figures/smoke/02_lag.pdf" in page.text

    def test_profile_that_has_not_run_names_the_command(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        with pytest.raises(FileNotFoundError, match=r"machine.csv is missing: run `dvc repro"):
            build.build_index("smoke")

    def test_results_without_records_name_the_command(self, results):
        for path in (paths.results_dir("smoke") / "provenance").iterdir():
            path.unlink()
        with pytest.raises(FileNotFoundError, match=r"provenance holds no record: run `dvc re"):
            build.build_index("smoke")


class TestTable:
    def test_numbers_have_four_digits_and_integers_none(self):
        table = pd.DataFrame({"mm": [0.123456, 1e-7, None], "n": [1, 123456789, 3]})
        cells = re.findall(r"<td>(.*?)</td>", table_html(table))
        assert cells == ["0.1235", "1", "1e-07", "123456789", "–", "3"]

    def test_whole_numbers_beside_an_unknown_one_stay_whole(self):
        cells = re.findall(r"<td>(.*?)</td>", table_html(pd.DataFrame({"n": [4.0, None]})))
        assert cells == ["4", "–"]

    def test_flags_and_text_stay_as_they_are(self):
        cells = re.findall(
            r"<td>(.*?)</td>", table_html(pd.DataFrame({"ok": [True], "t": ["a<b"], "u": [None]}))
        )
        assert cells[:2] == ["True", "a&lt;b"]

    def test_infinity_is_shown(self):
        assert "<td>inf</td>" in table_html(pd.DataFrame({"mm": [float("inf"), 1.5]}))

    def test_long_text_is_not_cut(self):
        long = "word " * 60
        assert long.strip() in table_html(pd.DataFrame({"note": [long]}))

    def test_long_tables_say_so(self):
        html = table_html(pd.DataFrame({"n": range(7)}), rows=5)
        assert html.count("<td>") == 5
        assert "first 5 of 7 rows; the CSV has all of them" in html

    def test_empty_table_has_its_columns(self):
        html = table_html(pd.DataFrame(columns=["file", "reason"]))
        assert "<th>file</th>" in html
        assert "<td>" not in html


class TestUnbroken:
    def test_a_number_keeps_its_unit_and_other_spaces_stay(self):
        told = unbroken("95 % 1.5 mm to 2 hips, 3 h")
        assert told == "95\u00a0% 1.5\u00a0mm to 2 hips, 3\u00a0h"


class TestPicture:
    def test_absent_figure_is_no_picture(self, tmp_path):
        assert embed(tmp_path / "none.png", "Nothing") is None

    def test_picture_carries_the_file_itself(self, tmp_path):
        (tmp_path / "a.png").write_bytes(b"\x89PNG")
        found = embed(tmp_path / "a.png", "A")
        assert (found.data_uri, found.caption, found.name) == (
            "data:image/png;base64,iVBORw==",
            "A",
            "a",
        )
