"""What the report says of measured hips: from tables alone, and honest where goals are missed."""

import made_hip_report as made
from seen_page import whole_text

from hipus.report import fused_hips, hips

SENTENCES = [
    "Goal not met: Median absolute error of alpha from untracked p_d sweeps at most 4° (4.3°, "
    "5 % refused; 4.3° of all, refused ones infinitely off).",
    "Goal not met: That error below the best single p_a frame's on the same hips (4.3° against "
    "2.4°; difference of means +1.2°, 95 % -0.4 to +2.9).",
    "Goal met: Nominal 95 % intervals hold 90 to 98 % (95 % of 4321 truths).",
    "Global drift need not harm: holds; +0.05 deg per mm.",
    "Of 4321 calibrated 95 % intervals on test hips 94.7 % hold the truth. Of 1 cells, 1 hold "
    "90 to 98 % of truths, 0 fewer and 0 more; for alpha by model 3.2 they are 12 to 12° wide.",
    "Drift at the head goes from 0.84 to 0.42 mm on 25 hips of 14 infants (95 % -0.50 to "
    "-0.30): to 50 %.",
    "Alpha: mean error 4.4° from p_d alone and 2.1° fused, -2.30° (95 % -3.10 to -1.40): better; "
    "worst for S104 (+0.6°).",
]


def test_sentences_hold_the_numbers_of_the_tables(results):
    text = whole_text()
    assert [words for words in SENTENCES if words not in text] == []


def test_every_way_of_measuring_stands_beside_the_best_single_frame(results):
    ((_, html),) = hips.angles("smoke").shown
    text = " ".join(html.replace("<td>", " ").replace("</td>", " ").split())
    assert "the best single p_a frame 2.5° 95 % 1.5 to 3.5 0% 19 sweeps, 10 infants –" in text
    assert "p_a, rounded poses 1.6° 95 % 0.6 to 2.6 0%" in text
    assert "-0.7° (95 % -1.3 to -0.1), n = 18: better" in text
    assert "+1.2° (95 % -0.4 to +2.9), n = 17: not told apart" in text
    assert text.index("the best single") < text.index("p_a, tracked") < text.index("p_d, tracked")


def test_the_start_page_has_the_control_beside_the_headline(results):
    (one,) = hips.headlines("smoke")
    assert (one.value, one.interval, one.beside, one.origin) == (
        "4.3°", "95 % 3.3 to 5.3°", "the best single p_a frame 2.5°", "simulated",
    )  # fmt: skip
    assert one.count == "19 sweeps of 10 infants, 5% refused"


def test_the_headline_of_fusing_is_drift_at_the_head(results):
    (one,) = fused_hips.headlines("smoke")
    assert (one.value, one.interval, one.beside) == (
        "0.42 mm", "95 % 0.31 to 0.55 mm", "before fusing 0.84 mm",
    )  # fmt: skip


def test_goals_of_fusing_are_judged_where_they_were_measured(results):
    found = {goal.asked: (goal.found, goal.verdict) for goal in fused_hips.goals("smoke")}
    assert found == {
        "Drift at the head at most halved by fusing": ("50 %", "met"),
        "Alpha fused better than from p_d alone": ("-2.3°", "met"),
        "No infant worse by 1° than from p_d alone": ("worst infant +1.6°", "not met"),
    }


def test_without_truth_nothing_was_measured(results):
    made.write_skipped()
    assert hips.angles("smoke").answer == hips.NOT_MEASURED
    assert fused_hips.fusion("smoke").answer == fused_hips.NOT_MEASURED
    for module in (hips, fused_hips):
        assert module.headlines("smoke") == module.goals("smoke") == []
    assert hips.NOT_MEASURED in whole_text()


def test_an_alpha_that_was_always_refused_has_no_headline(results):
    made.write("hip_error_summary", [made.ALPHA | {"sweep_type": "p_a", "poses": "tracked"}])
    assert hips.headlines("smoke") == []
