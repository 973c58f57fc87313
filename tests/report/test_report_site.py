"""The site's pages: self-contained, escaped, and every number from a saved table."""

import re
import struct

import made_motion_results
import made_results
import pandas as pd
import pytest
from seen_page import Page, built, whole_text

from hipus import paths, tables
from hipus.figures.paper_list import PAPER
from hipus.report import figures_page, headlines, site, topics
from hipus.report.page import Goal, picture, table_html, unbroken

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


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return a study folder that no test changes."""
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def pages(root) -> dict[str, Page]:
    """Return the built pages by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIPUS_ROOT", str(root))
        made_results.write_all()
        made_results.draw_one()
        return built()


@pytest.fixture(scope="module")
def text(pages) -> str:
    """Return the text of all pages."""
    return "\n".join(page.text for page in pages.values())


class TestSelfContained:
    def test_every_address_is_a_file_of_the_site(self, root, pages):
        folder = root / "results" / "smoke" / "report"
        assert "assets/figures/02_lag.png" in pages["calibration"].attributes("src")
        for page in pages.values():
            links = page.attributes("src") + page.attributes("href")
            for link in links:
                address = link.partition("#")[0]
                told_of = link.startswith(("data:", "notebooks/"))  # written by another part
                assert not address or told_of or (folder / address).is_file(), link

    def test_every_place_that_is_linked_to_is_there(self, pages):
        for name, page in pages.items():
            for link in page.attributes("href"):
                address, _, anchor = link.partition("#")
                if anchor:
                    target = pages[address.removesuffix(".html") or name]
                    assert anchor in target.attributes("id"), link

    def test_the_browser_is_told_to_fetch_nothing(self, pages):
        for page in pages.values():
            (policy,) = (found["content"] for tag, found in page.tags
                         if found.get("http-equiv") == "Content-Security-Policy")  # fmt: skip
            assert policy.startswith("default-src 'none';")
            assert "http" not in policy

    def test_nothing_runs_but_what_the_site_brings(self, pages):
        for page in pages.values():
            assert not {"iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
            assert not any(name.startswith("on") for _, found in page.tags for name in found)

    def test_style_asks_for_no_font_or_file(self, root, pages):
        styles = list((root / "results" / "smoke" / "report" / "assets").glob("*.css"))
        assert len(styles) == 2
        for path in styles:
            text = path.read_text()
            assert "@import" not in text
            assert "url(" not in text

    def test_the_same_results_give_the_same_bytes(self, results):
        made_results.draw_one()
        folder = site.build_site("smoke").parent
        first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        site.build_site("smoke")
        again = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert again == first

    def test_the_start_page_is_where_the_pipeline_says(self, results):
        path = site.build_site("smoke")
        assert path == paths.results_dir("smoke") / "report" / "index.html"


class TestSafe:
    def test_text_of_tables_and_records_never_becomes_markup(self, pages, text):
        assert all("script" not in {tag for tag, _ in page.tags} for page in pages.values())
        # Each page's foot, once in the table of stages and in the machine's, 60 claims shown.
        stages = len(made_results.METRICS)
        expected = len(pages) + stages + 1 + 60
        assert text.count("<script>console.error('ran')</script>") == expected

    def test_pages_are_well_formed_for_readers_and_screens(self, pages):
        for page in pages.values():
            tags = dict(page.tags)
            assert tags["html"]["lang"] == "en"
            assert [tag for tag, _ in page.tags].count("h1") == 1
            assert all(found.get("alt") for tag, found in page.tags if tag == "img")
            ids = page.attributes("id")
            assert len(ids) == len(set(ids))

    def test_every_page_says_that_this_is_no_medical_device(self, pages):
        assert all("Not a medical device" in page.text for page in pages.values())

    def test_the_menu_marks_the_page_that_is_open(self, pages):
        for name, page in pages.items():
            marked = {found["href"] for _, found in page.tags if "aria-current" in found}
            assert marked == {f"{name}.html"}


class TestNumbers:
    def test_answers_hold_the_numbers_of_the_metrics(self, text):
        assert [words for words in SENTENCES if words not in text] == []

    def test_the_card_on_motion_names_the_stricter_yardstick_where_there_is_one(self, results):
        path = paths.table_file("smoke", "motion_arms")
        arms = tables.read(path)
        stricter = arms[arms["arm"] == "constant step"].assign(
            arm="constant step by type", mean=6.0
        )
        tables.write(pd.concat([arms, stricter]), path, key=["arm", "truth"])
        drift = next(one for one in headlines.headlines("smoke") if "drift with" in one.what)
        assert drift.beside.endswith(", by sweep type 6.0 mm")
        goal = next(one for one in headlines.goals("smoke") if "a third" in one.asked)
        assert goal.found == "29 %; 67 % of a step by sweep type"

    def test_headlines_hold_them_with_interval_count_and_origin(self, results):
        found = [(one.value, one.interval, one.count, one.origin, one.beside)
                 for one in headlines.headlines("smoke")]  # fmt: skip
        none = "a count, no interval"
        assert found == [
            ("4.3°", "95 % 3.3 to 5.3°", "19 sweeps of 10 infants, 5% refused", "simulated",
             "the best single p_a frame 2.5°"),
            ("0.42 mm", "95 % 0.31 to 0.55 mm", "25 hips of 14 infants", "simulated",
             "before fusing 0.84 mm"),
            ("0.843", "95 % 0.823 to 0.863", "38 volumes of 10 infants", "simulated",
             "best 2D model (2.3) 0.507; printed, clinical 0.807"),
            ("4.0 mm", "95 % 3.0 to 5.5 mm", "16 sweeps of 4 infants", "simulated",
             "constant step 14.0 mm"),
            ("0.543 mm", "one recording, no interval", "291 of 293 frames with wires found",
             "real", "by the points PLUS found 0.540 mm"),
            ("-64.4 ms", "95 % -83 to -46 ms", "201 frames of one recording", "real",
             "+0.41 ms from PLUS"),
            ("5 of 6", none, "one recording of a phantom", "real",
             "float mean within 0.00006 grey levels of PLUS"),
            ("431", none, "of 1234 claims", "arithmetic", "87 inconsistent"),
        ]  # fmt: skip

    def test_the_start_page_says_how_many_goals_are_met_and_which_are_not(self, results):
        found = headlines.goals("smoke")
        counts = {value: sum(goal.is_met is value for goal in found) for value in (True, False)}
        start = built()["index"].text
        assert f"Goals met: {counts[True]} of {len(found)}" in start
        assert f"Goals not met: {counts[False]} of {len(found)}" in start
        assert sum(counts.values()) == len(found)
        assert "PLUS's volumes made again 5 of 6 · real" in " ".join(start.split())
        assert "lag within 10 ms off by 43 ms · real" in " ".join(start.split())

    def test_a_goal_has_its_verdict_in_words(self):
        told = {value: Goal("a", "b", value, "real", "").verdict for value in (True, False, None)}
        assert told == {True: "met", False: "not met", None: "not measured"}

    def test_a_changed_number_changes_the_page(self, results):
        changed = made_results.CALIBRATION | {"classic_validation_error_mm_mean": 0.7777}
        tables.write_metrics(changed, paths.metrics_file("smoke", "calibration"))
        assert "to 0.778 mm" in whole_text()

    def test_provenance_shows_every_stage_with_commit_and_versions(self, pages):
        for word in ("calibration", "0123456789ab+changes", "2026-01-02 03:04", "2.13.0+cpu"):
            assert word in pages["provenance"].text

    def test_every_page_names_the_newest_record(self, results):
        made_results.write_record("published", finished="2026-05-06T07:08:09+00:00")
        assert all("2026-05-06 07:08 UTC" in page.text for page in built().values())

    def test_machine_that_is_too_small_is_told(self, results):
        made_results.write_table(
            "machine", {"fact": "memory", "found": "1", "needed": "4", "is_enough": False}
        )
        assert "It does not meet every need" in whole_text()


class TestMissing:
    def test_skipped_questions_are_named_on_the_start_page_and_in_place(self, results):
        made_results.write_all(missing=("plus/gone.mha",))
        pages = built()
        assert "Skipped, because real open data are absent" in pages["index"].text
        assert "How faithful is the reconstructed volume?" in pages["index"].text
        text = "".join(page.text for page in pages.values())
        assert text.count("plus/gone.mha") == 4
        assert "0.543" not in text

    def test_nothing_is_said_to_be_missing_where_nothing_is(self, text):
        assert "Skipped" not in text
        assert "Not measured" not in text

    def test_pages_without_their_input_name_the_command_that_makes_it(self, text):
        assert "python -m hipus.stages.claims smoke" in text
        assert "python -m hipus.stages.hip_scene smoke" in text

    def test_findings_are_counted_once_their_arms_were_run(self, results, rng):
        made_motion_results.write_arms(rng)
        text = whole_text()
        assert "Of 2 findings of the paper, the thesis and Guo et al.: 1 holds here" in text
        assert "tables/motion_claims.csv" in text

    @pytest.mark.parametrize(
        ("low", "high", "told"), [(0.2, 3.0, "higher"), (-1.0, 0.5, "not told apart")]
    )
    def test_a_goal_that_is_not_met_is_told(self, results, low, high, told):
        path = paths.table_file("smoke", "motion_comparisons")
        tables.write(tables.read(path).assign(low=low, high=high), path, key=[])
        assert f"(correlation regression) that is {told}" in whole_text()

    def test_a_head_that_is_placed_better_than_the_rest_is_told(self, results):
        path = paths.table_file("smoke", "local_consistency_summary")
        tables.write(tables.read(path).assign(low=0.05), path, key=[])
        text = whole_text()
        assert "head's region is more consistent" in text

    def test_a_cohort_without_truth_has_no_drift_to_the_hip(self, results):
        for name in ("motion_arms", "volume_agreement", "local_consistency_summary"):
            path = paths.table_file("smoke", name)
            table = tables.read(path)
            kept = table[table.truth == "vs_tracker"] if "truth" in table else table.iloc[:0]
            tables.write(kept, path, key=[])
        text = whole_text()
        assert "against the pelvis" not in text
        assert "aligned at the head, tissue" not in text

    def test_only_figures_that_exist_are_shown(self, pages, text):
        shown = [source for page in pages.values() for source in page.attributes("src")]
        assert shown == ["assets/figures/02_lag.png"]
        assert "figures/smoke/02_lag.pdf" in text
        assert text.count("Not drawn in this profile.") == 18

    def test_profile_that_has_not_run_names_the_command(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
        with pytest.raises(FileNotFoundError, match=r"cohort.json is missing: run `dvc repro"):
            site.build_site("smoke")

    def test_results_without_records_name_the_command(self, results):
        for path in (paths.results_dir("smoke") / "provenance").iterdir():
            path.unlink()
        with pytest.raises(FileNotFoundError, match=r"provenance holds no record: run `dvc re"):
            site.build_site("smoke")


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
        assert picture(tmp_path / "none.png", "Nothing") is None

    def test_a_picture_is_as_wide_as_in_print_at_150_pixels_an_inch(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 1320, 440))
        found = picture(path, "A")
        assert (found.source, found.caption, found.name) == (path, "A", "a")
        assert (found.width_px, found.height_px) == (900, 300)


class TestFigures:
    def test_every_figure_and_table_of_the_paper_has_its_place(self, results):
        assert set(figures_page.CAPTIONS) == set(PAPER)
        shown = [one for _, part in figures_page.groups("smoke") for one in part]
        assert len(shown) == len({one.anchor for one in shown}) == len(PAPER) == 18

    def test_the_pipeline_s_picture_opens_the_start_page_and_the_page_of_figures(self, results):
        made_results.draw_one("90_figure_01")
        pages = built()
        for name in ("index", "figures"):
            assert "assets/figures/90_figure_01.png" in pages[name].attributes("src")
        assert "figures.html#figure-1" in pages["index"].attributes("href")


class TestTopics:
    def test_every_section_stands_on_one_page_under_a_name_of_its_own(self, results):
        found = topics.sections("smoke")
        assert list(found) == [topic.slug for topic in topics.TOPICS]
        anchors = [one.anchor for part in found.values() for one in part]
        assert len(anchors) == len(set(anchors)) == 16

    def test_headlines_and_goals_lead_to_pages_that_exist(self, results):
        folder = site.build_site("smoke").parent
        for one in (*headlines.headlines("smoke"), *headlines.goals("smoke")):
            assert (folder / one.page).is_file()
