"""A measure is a number with a unit, or a sentence; never half of either."""

import json

import pytest

from hipus.morphometry.measures import Measure, as_json, refused


class TestOneOfTwo:
    def test_a_value_has_no_refusal(self):
        alpha = Measure(61.5, "deg")
        assert not alpha.is_refused
        assert (alpha.lower, alpha.upper, alpha.refusal) == (None, None, None)

    def test_a_refusal_has_no_value(self):
        beta = refused("no labrum label", "deg")
        assert beta.is_refused
        assert (beta.value, beta.unit, beta.refusal) == (None, "deg", "no labrum label")

    @pytest.mark.parametrize(("value", "refusal"), [(None, None), (60.0, "no ilium")])
    def test_neither_or_both_are_refused(self, value, refusal):
        with pytest.raises(ValueError, match="exactly one of value and refusal"):
            Measure(value, "deg", refusal=refusal)

    def test_an_empty_refusal_says_nothing(self):
        with pytest.raises(ValueError, match="refusal must be a sentence"):
            refused(" ", "deg")

    def test_zero_is_a_value(self):
        assert not Measure(0.0, "percent").is_refused


class TestInterval:
    def test_may_lie_beside_the_value(self):
        assert Measure(60.0, "deg", 61.0, 65.0).lower == 61.0

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    def test_numbers_must_be_finite(self, number):
        with pytest.raises(ValueError, match="a Measure must be finite"):
            Measure(number, "deg")
        with pytest.raises(ValueError, match="a Measure must be finite"):
            Measure(60.0, "deg", 55.0, number)

    def test_one_end_is_no_interval(self):
        with pytest.raises(ValueError, match="an interval needs both ends"):
            Measure(60.0, "deg", lower=55.0)

    def test_ends_must_be_in_order(self):
        with pytest.raises(ValueError, match="lower must be <= upper"):
            Measure(60.0, "deg", 65.0, 55.0)

    def test_a_refusal_has_none(self):
        with pytest.raises(ValueError, match="a refused Measure must have no interval"):
            Measure(None, "deg", 55.0, 65.0, "no ilium")


class TestWords:
    @pytest.mark.parametrize(
        ("measure", "words"),
        [
            (Measure(61.54, "deg"), "61.5 deg"),
            (Measure(0.66, "1"), "0.7"),
            (Measure(55.0, "percent"), "55.0 %"),
            (Measure(61.54, "deg", 58.0, 64.25), "61.5 (58.0 to 64.2) deg"),
            (refused("no ilium label", "deg"), "refused: no ilium label"),
        ],
    )
    def test_reads_as_a_person_would_say_it(self, measure, words):
        assert str(measure) == words

    def test_json_has_every_key_for_every_measure(self):
        found = as_json({"alpha_deg": Measure(60.5, "deg", 58.0, 63.0), "beta_deg": refused(
            "no labrum label", "deg")})  # fmt: skip
        assert json.loads(json.dumps(found)) == {
            "alpha_deg": {
                "value": 60.5, "unit": "deg", "lower": 58.0, "upper": 63.0, "refusal": None,
            },
            "beta_deg": {
                "value": None, "unit": "deg", "lower": None, "upper": None,
                "refusal": "no labrum label",
            },
        }  # fmt: skip
