"""What the report says of segmentation: from tables alone, and honest where they are not there."""

import made_segmentation_report as made
import pytest
from made_results import draw_one, write_all
from seen_page import whole_text

from hipus import paths, tables
from hipus.report import segmentation, segmentation_reach, segmentation_tables, site, wording
from hipus.segmentation import volume_scores
from hipus.segmentation.grading import FAILURES, GRADES
from hipus.stages import figures, graded_cases, motion_data, segmentation_goals

NAN = float("nan")
SENTENCES = [
    "On 38 simulated volumes of 10 infants that only test, model 3.2 reaches a mean Dice "
    "of 0.843 (95 % 0.823 to 0.863) with what was insonified",
    "It is better than each 2D model: it differs from 2.1 by +0.300 (95 % +0.250 to "
    "+0.360, p < 0.001), 2.2 by +0.300 (95 % +0.250 to +0.360, p = 0.006), 2.3 by",
    "confirmatory, 10 infants, paired Wilcoxon, Holm.",
    "Goal met: Mean Dice of model 3.2 at least 0.80 (0.843).",
    "Goal met: Model 3.2 better than each 2D model, p < 0.05 (largest p = 0.012).",
    "Goal not met: Dice of the femoral head at least 0.90 (0.887).",
    "Goal met: Models in the order of Table 5 (2.1: 0.431 < 2.2: 0.452 < 2.3: 0.507 < 3.1: 0.700 < "
    "3.2: 0.843).",
    "Friedman's test over 5 models and 10 infants (exploratory): p < 0.001, Kendall's W 0.91.",
    "HD 5.25 mm, HD95 1.75 mm, ASSD 0.45 mm; in 2 of 38 volumes a structure is missing",
    "instead of by truth, model 3.1 gains +0.030 Dice (95 % +0.011 to +0.052): flattered.",
    "Of 2 sentences of the paper: 1 holds, 1 does not hold. Differences decide,",
    "drew 85 frames of one infant independently agree to a Dice of mean 0.77 (printed "
    "0.76), ilium 0.72 (printed 0.76), femoral head 0.88",
    "By raters' labels of test frames, mean Dice: 2.1 0.60 (printed 0.63), 2.2",
    "are more stepped across slices than truth put together alike: neighbouring slices "
    "agree to 0.712 instead of 0.934, surfaces are rough by 0.42 mm along the sweep "
    "instead of 0.12 mm",
    "frames drawn 10.1 h (31 cases, rater A)",
    "agree to a mean Dice of 0.900 (95 % 0.880 to 0.920); model 3.2 agrees with C to 0.861 "
    "(-0.039, 95 % +0.011 to +0.052)",
    "With truth, C agrees to 0.912, the model to 0.843.",
    "Of 40 volumes (all ordinary sweeps, tracked) rules call 60 % good, 25 % adequate, 15 % "
    "insufficient; the printed 53 / 39 / 8 % of 74 volumes were read by people",
    "Predicted poses: mean Dice 0.801 against 0.843, -0.042 (95 % -0.060 to -0.020; 38 and "
    "38 volumes): lost.",
    "in all 40 volumes, several in one: motion artefacts 9, bone is incomplete 7.",
]


class TestNumbers:
    def test_sentences_hold_the_numbers_of_the_tables(self, results):
        page = whole_text()
        assert [words for words in SENTENCES if words not in page] == []

    def test_table_5_has_ours_on_the_test_only_infants_beside_the_printed(self, results):
        found = segmentation_tables.all_in_volumes("smoke")
        assert list(found.model) == list(volume_scores.MODELS)
        assert found.loc["3.2", "mean"].replace("\u00a0", " ") == "0.843 (0.807)"
        assert found.loc["3.2", "volumes"] == 38

    def test_table_1_has_the_printed_value_beside_ours_measured_alike_only(self, results):
        found = segmentation_tables.as_printed("smoke")
        assert len(found) == 3 * len(volume_scores.MODELS)
        first = found[found.model == "2.1"]
        assert [cell.replace("\u00a0", " ") for cell in first["femoral head"]] == [
            "0.600 (0.631)", "0.600", "0.600",
        ]  # fmt: skip
        assert list(first.cases) == ["78 frames"] * 3
        assert set(found[found.model == "3.1"].cases) == {"78 volumes"}

    def test_shares_end_with_the_printed_ones(self, results):
        found = segmentation_tables.shares("smoke")
        assert list(found.good) == ["60 % (50 to 70)"] * 3 + ["53 %"]
        assert list(found.n) == ["40 of 20 infants"] * 3 + ["74"]

    def test_a_sentence_says_how_many_of_its_differences_hold(self, results):
        found = segmentation_tables.sentences("smoke").set_index("number")
        assert list(found["differences that hold"]) == ["1 of 1", "1 of 2"]
        assert found.loc["S62c", "here"] == "does not hold"


class TestNotFlattering:
    def test_a_goal_that_is_missed_is_said_to_be_missed(self, results):
        missed = made.SCORES | {"goal_better_than_each_2d_model_met": False}
        tables.write_metrics(missed, paths.metrics_file("smoke", "segmentation_scores"))
        page = whole_text()
        assert "It is not better than each 2D model" in page
        assert "Goal not met: Model 3.2 better than each 2D model" in page

    def test_the_paper_s_goal_is_asked_of_profile_paper_alone(self, results, monkeypatch):
        monkeypatch.setattr(segmentation, "metrics_of", lambda profile, stage: made.SCORES)
        monkeypatch.setattr(segmentation, "has_rows", lambda profile, name: True)
        assert len(segmentation.goals("small")) == 4
        last = segmentation.goals("paper")[-1]
        assert (last.asked, last.verdict) == ("Mean Dice of model 3.2 at least 0.90", "not met")

    def test_an_interval_around_nothing_is_told_apart_from_a_loss(self, results):
        made.change("volume_drop", low=-0.06, high=0.01)
        assert "38 volumes): not told apart." in whole_text()

    def test_masks_as_smooth_as_truth_are_not_called_stepped(self, results):
        smooth = made.FIRST_MASKS | {"slice_dice": 0.95}
        tables.write_metrics(smooth, paths.metrics_file("smoke", "first_masks"))
        assert "are no more stepped across slices" in whole_text()

    def test_a_single_infant_has_no_interval(self, results):
        made.change("segmentation_raters", dice_low=NAN, dice_high=NAN)
        made.change("segmentation_comparisons", p_holm=NAN, mean_difference_low=NAN)
        page = whole_text()
        assert "a mean Dice of 0.843 (no interval)" in page
        assert "2.1 by +0.300 (no interval, no p)" in page


class TestArms:
    def test_without_them_the_page_says_so(self, results):
        page = whole_text()
        told = (
            "Not run in this profile: `make arms` runs it.",
            "Whether staging saves effort was not run in this profile",
            "What a split by frame, not by infant, would add was not run",
            "Other errors of the rater were not run in this profile",
        )
        assert [words for words in told if words not in page] == []

    def test_with_them_their_numbers_are_told(self, results):
        made.write_arms()
        page = whole_text()
        told = (
            "staging saves of the simulated minutes 61 % (95 % 55 to 66) at errors x 0.5, 61 %",
            "33.3 h instead of 66.6 h with the study's own rater, frames and first volumes paid; "
            "it pays from 18 volumes on.",
            "begun from masks put together from frames takes 40 simulated minutes instead of 80: "
            "61 % less (95 % 55 to 66; where one cost is halved or doubled 48 to 70 %).",
            "Split by frame: model 2.1 has a Dice of 0.700 on its own test frames and 0.600 on "
            "infants that only test, by truth: +0.100 (95 % +0.050 to +0.150).",
            "Labels from nothing, the rater's errors x 2: labels 0.880, model 3.2 0.810 with truth "
            "(-0.033 against the study's own, 95 % -0.050 to -0.010).",
            "Each of 7 open cases is labelled by networks that learned from the others: mean Dice "
            "0.512 from scratch and 0.541 after training on simulated frames, +0.029 (95 % -0.010 "
            "to +0.070): not told apart, better in 5 cases.",
            "Refused: case 72628: all masks are empty.",
        )
        assert [words for words in told if words not in page] == []

    def test_staging_that_never_pays_is_told(self, results):
        made.write_arms()
        made.change("staging_totals", break_even_volumes=float("inf"))
        assert "it never pays." in whole_text()


class TestSkipped:
    def test_a_cohort_that_nobody_labelled_has_no_numbers_and_no_card(self, results):
        made.write_skipped()
        page = whole_text()
        assert page.count("Not measured: no test volume has a label by a rater.") == 6
        assert segmentation.headlines("smoke") == []
        assert segmentation.goals("smoke") == []

    def test_a_stage_that_has_not_run_names_the_command(self, results):
        paths.table_file("smoke", "segmentation_cases").unlink()
        with pytest.raises(FileNotFoundError, match=r"segmentation_cases.csv is missing: run `dvc"):
            segmentation.headlines("smoke")

    def test_everything_written_again_is_told_again(self, results):
        made.write_skipped()
        write_all()
        assert "Goal met" in whole_text()


class TestNames:
    """The report imports no stage: what it calls things must be what stages call them."""

    def test_cohort_truth_structures_and_grades(self):
        assert segmentation_tables.TEST_ONLY == motion_data.TEST_COHORT
        assert segmentation_tables.TRUTH == volume_scores.TRUTH
        names = (*volume_scores.STRUCTURE_NAMES, volume_scores.MEAN)
        assert tuple(segmentation_tables.STRUCTURES) == names
        assert set(segmentation_tables.GROUPS) == {*graded_cases.GROUPS, "ordinary"}
        assert GRADES[::-1] == segmentation_tables.GRADES
        assert set(segmentation_reach.FAILURES) == set(FAILURES)

    def test_goals_ask_for_what_the_stage_asks(self):
        words = segmentation.GOALS
        assert f"{segmentation_goals.LEAST_DICE:.2f}" in words["goal_mean_dice_met"]
        assert f"{segmentation_goals.LEAST_HEAD_DICE:.2f}" in words["goal_head_dice_met"]
        paper = words["goal_mean_dice_of_paper_profile_met"]
        assert f"{segmentation_goals.PAPER_DICE:.2f}" in paper
        better = words["goal_better_than_each_2d_model_met"]
        assert better.endswith(f"p < {segmentation_goals.LARGEST_P:.2f}")


class TestWording:
    def test_numbers(self):
        assert (wording.number(0.12345), wording.number(None), wording.number(NAN)) == (
            "0.123", "–", "–",
        )  # fmt: skip
        assert wording.interval(-0.1, 0.2, "+.1f") == "95 % -0.1 to +0.2"

    @pytest.mark.parametrize(
        ("p", "words"), [(0.2, "p = 0.2"), (0.0009, "p < 0.001"), (0.0123, "p = 0.012")]
    )
    def test_p(self, p, words):
        assert wording.p_value(p) == words

    @pytest.mark.parametrize(
        ("low", "high", "word"),
        [(0.1, 0.2, "up"), (-0.2, -0.1, "down"), (-0.1, 0.1, "?"), (NAN, NAN, "?")],
    )
    def test_only_an_interval_off_nothing_is_told(self, low, high, word):
        assert wording.told(low, high, above="up", below="down", neither="?") == word


def test_every_figure_of_segmentation_has_its_place(results):
    names = [name for name in figures.FIGURES if "_segmentation_" in name]
    for name in names:
        draw_one(name)
    page = whole_text()
    assert names
    assert [name for name in names if f"figures/smoke/{name}.pdf" not in page] == []


def test_shown_tables_are_seen_without_opening_them_and_escape_text(results):
    made.change("segmentation_claims", claim="<b>bold</b>")
    html = site.build_site("smoke").with_name("models.html").read_text("utf-8")
    shown = html.split('<section id="segmentation-claims"')[1].split("<details")[0]
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown
    assert "<b>bold" not in html
