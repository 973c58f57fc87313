"""What the report says of measured hips: from tables alone, and honest where goals are missed."""

import made_hip_report as made
from seen_page import Page

from hipus.report import build, hips

SENTENCES = [
    "p_d sweeps 1.5° tracked (11% refused), 5.1° predicted (16% refused), 4.3° rounded (5% "
    "refused); p_a sweeps 1.3° tracked",
    "The goal of 4° from untracked p_d sweeps is missed.",
    "Control: alpha in the best single p_a frame of the same 18 hips is off by 2.5° (median); "
    "untracked p_a sweeps by 1.6°, mean difference -0.71° (95 % -1.31 to -0.12): better.",
    "untracked p_d sweeps by 4.3°, mean difference +1.22° (95 % -0.44 to +2.93): not told apart.",
    "Global drift need not harm: holds; +0.05 deg per mm.",
    "Of 4321 calibrated 95 % intervals on test hips 94.7 % hold the truth.",
    "Drift at the head goes from 0.84 to 0.42 mm on 25 hips of 14 infants (95 % -0.50 to "
    "-0.30): to 50 %.",
    "Alpha: mean error 4.4° from p_d alone and 2.1° fused, -2.30° (95 % -3.10 to -1.40): better; "
    "worst for S104 (+0.6°).",
]


def text() -> str:
    """Return the page's text."""
    return Page(build.build_index("smoke").read_text("utf-8")).text


def test_sentences_hold_the_numbers_of_the_tables(results):
    page = text()
    assert [words for words in SENTENCES if words not in page] == []


def test_a_goal_that_is_met_is_called_met(results):
    made.write(
        "hip_error_summary",
        [made.ALPHA | {"sweep_type": "p_d", "poses": "rounded", "median_absolute_error": 3.99,
                       "refused_share": 0.0}],
    )  # fmt: skip
    assert "The goal of 4° from untracked p_d sweeps is met." in hips.angles("smoke").answer
    assert hips.cards("smoke")[0]["beside"] == "goal 4°; 0% refused"


def test_the_start_page_has_the_control_beside_the_headline(results):
    (card,) = hips.cards("smoke")
    assert card["value"] == "4.3°"
    assert card["beside"] == "goal 4°; 5% refused; best single frame 2.5°"
    assert "simulated" in card["what"]


def test_without_truth_nothing_was_measured(results):
    made.write_skipped()
    assert hips.angles("smoke").answer == hips.NOT_MEASURED
    assert hips.fusion("smoke").answer == hips.NOT_MEASURED
    assert hips.cards("smoke") == []
    assert hips.NOT_MEASURED in text()
