"""Graf's types: every angle has one, and none is rounded into it."""

import math

import pandas as pd
import pytest

from hipus import paths
from hipus.morphometry.graf_types import TYPES, classify, least_mature_alpha_deg, type_rows
from hipus.morphometry.measures import Measure, refused

NO_LABRUM = refused("no labrum label", "deg")


def name(alpha, beta=None, **known):
    """Return the type of plain numbers."""
    angle = NO_LABRUM if beta is None else Measure(beta, "deg")
    return classify(Measure(alpha, "deg"), angle, **known).name


class TestTable:
    @pytest.mark.parametrize(
        ("alpha", "beta", "age_days", "expected"),
        [
            (65, 50, 2, "Ia"),
            (60, 54.9, 200, "Ia"),
            (60, 55, 2, "Ib"),
            (75, 70, 2, "Ib"),
            (55, 65, 2, "IIa"),
            (50, 65, 84, "IIa-"),
            (50, 65, 85, "IIb"),
            (59, 85, 100, "IIb"),
            (49, 70, 2, "IIc"),
            (43, 76.9, 300, "IIc"),
            (43, 77, 2, "D"),
            (42, 90, 2, "III"),
            (42, 20, 2, "IV"),
        ],
    )
    def test_hand_worked_hips(self, alpha, beta, age_days, expected):
        assert name(alpha, beta, age_days=age_days) == expected

    @pytest.mark.parametrize(
        ("alpha", "below", "above"), [(60, "IIa", "Ib"), (50, "IIc", "IIa"), (43, "IV", "IIc")]
    )
    def test_limits_belong_to_the_better_hip_and_nothing_is_rounded(self, alpha, below, above):
        assert name(math.nextafter(alpha, 0), 60, age_days=3) == below
        assert name(alpha, 60, age_days=3) == above

    def test_the_papers_rule_leaves_59_to_60_deg_open_and_ours_does_not(self):
        printed = pd.read_csv(paths.data_dir() / "published" / "graf_classification.csv")
        printed = printed.set_index("type")
        for alpha in (59.01, 59.5, 59.99):
            is_one = alpha >= printed.alpha_min_deg["I"]
            is_two = printed.alpha_min_deg["II"] <= alpha <= printed.alpha_max_deg["II"]
            assert not is_one
            assert not is_two
            assert name(alpha, 60, age_days=2) == "IIa"

    def test_every_hip_has_exactly_one_row(self):
        for alpha in (1, 42.99, 43, 46.5, 49.99, 50, 59.5, 59.99, 60, 61, 89):
            for beta in (10, 54.99, 55, 76.99, 77, 110):
                for age in (0, 42, 84, 85, 400):
                    rows = [
                        row
                        for row in type_rows()
                        if all(
                            low <= value < high
                            for value, (low, high) in zip(
                                (alpha, beta, age),
                                (row.alpha_deg, row.beta_deg, row.age_days),
                                strict=True,
                            )
                        )
                    ]
                    assert len(rows) == 1, (alpha, beta, age)
                    assert name(alpha, beta, age_days=age) in TYPES


class TestMaturity:
    def test_is_linear_from_50_at_birth_to_60_at_12_weeks(self):
        ages = [0, 21, 42, 63, 84, 200]
        assert [least_mature_alpha_deg(age) for age in ages] == [50, 52.5, 55, 57.5, 60, 60]

    @pytest.mark.parametrize(
        ("alpha", "age_days", "expected"),
        [(50, 41, "IIa"), (55, 42, "IIa+"), (54.9, 42, "IIa-"), (57, 63, "IIa-"), (59, 63, "IIa+")],
    )
    def test_splits_iia_from_six_weeks_on(self, alpha, age_days, expected):
        assert name(alpha, 60, age_days=age_days) == expected


class TestMissing:
    @pytest.mark.parametrize(
        ("alpha", "expected", "note"),
        [
            (62, "I", "Ia or Ib: beta is missing (no labrum label)"),
            (45, "IIc/D", "IIc or D: beta is missing (no labrum label)"),
            (40, "III/IV", "III or IV: beta is missing (no labrum label)"),
        ],
    )
    def test_without_beta_the_coarser_type_says_so(self, alpha, expected, note):
        found = classify(Measure(alpha, "deg"), NO_LABRUM, age_days=3)
        assert (found.name, found.notes) == (expected, (note,))

    def test_type_two_needs_no_beta_but_the_age(self):
        assert name(55, age_days=3) == "IIa"
        found = classify(Measure(55, "deg"), NO_LABRUM)
        assert (found.name, found.notes) == ("II", ("IIa or IIb: the age is not known",))

    def test_the_place_of_the_head_stands_for_beta(self):
        assert name(45, is_decentred=True) == "D"
        assert name(45, is_decentred=False) == "IIc"
        assert name(45, 70, is_decentred=True) == "IIc"

    def test_the_echo_of_the_roof_splits_iii(self):
        assert name(40, 90, is_roof_echogenic=False) == "IIIa"
        assert name(40, 90, is_roof_echogenic=True) == "IIIb"
        assert "is not known" in classify(Measure(40, "deg"), Measure(90, "deg")).notes[0]

    def test_no_alpha_no_type(self):
        found = classify(refused("no ilium label", "deg"), Measure(60, "deg"))
        assert found.name is None
        assert found.notes == ("no type without alpha: no ilium label",)

    @pytest.mark.parametrize(
        ("alpha", "beta", "is_decentred", "word"), [(65, 60, True, "decentred"), (40, 90, False,
        "centred")]
    )  # fmt: skip
    def test_a_head_at_the_wrong_place_is_noted(self, alpha, beta, is_decentred, word):
        notes = classify(Measure(alpha, "deg"), Measure(beta, "deg"), is_decentred=is_decentred,
                         is_roof_echogenic=False, age_days=2).notes  # fmt: skip
        assert len(notes) == 1
        assert notes[0].startswith(f"the head is {word}, which")


class TestInput:
    def test_angles_are_in_degrees(self):
        with pytest.raises(ValueError, match="alpha must be in deg, got 'percent'"):
            classify(Measure(60, "percent"), NO_LABRUM)
        with pytest.raises(ValueError, match="beta must be in deg"):
            classify(Measure(60, "deg"), Measure(1, "rad"))

    @pytest.mark.parametrize("age", [-1, float("nan"), float("inf")])
    def test_ages_are_not_negative(self, age):
        with pytest.raises(ValueError, match="age_days must be >= 0"):
            name(60, 60, age_days=age)
