"""Intervals widen with the labels' uncertainty and hold what they promise."""

import re
from dataclasses import replace

import numpy as np
import pytest
from made_sections import MadeSection

from hipus.labels import HipLabel
from hipus.morphometry import label_uncertainty
from hipus.morphometry.graf_section import measure_contours, measure_section
from hipus.morphometry.label_uncertainty import displace, measure_with_intervals, smooth_field
from hipus.morphometry.section_contours import find_contours

MADE = MadeSection()
FINE = {"scheme": "hip", "spacing_yx_mm": MADE.spacing_yx_mm}


def intervals(sd_mm, rng, labels=None, **options):
    """Return a made section's measures with intervals."""
    labels = MADE.labels() if labels is None else labels
    return measure_with_intervals(labels, sd_mm=sd_mm, rng=rng, **FINE, **options)


def width(measure):
    """Return the length of an interval."""
    return measure.upper - measure.lower


class TestField:
    def test_has_the_stated_mean_spread_and_correlation(self, rng):
        places = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 1.0], [3.0, 3.0]])
        drawn = np.array([smooth_field(places, rng) for _ in range(4000)])
        assert drawn.mean(axis=0) == pytest.approx(np.zeros((4, 2)), abs=0.06)
        assert drawn.std(axis=0) == pytest.approx(np.ones((4, 2)), abs=0.05)
        for other, expected in ((1, np.exp(-0.125)), (2, np.exp(-0.5)), (3, np.exp(-9.0))):
            found = np.corrcoef(drawn[:, 0, 0], drawn[:, other, 0])[0, 1]
            assert found == pytest.approx(expected, abs=0.06)
        assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 0, 1])[0, 1]) < 0.06

    def test_structures_move_by_fields_of_their_own(self, rng):
        contours = find_contours(MADE.labels(), **FINE)
        same = replace(contours, labrum_mm=contours.head_mm)
        moved = displace(same, rng, sd_mm=0.5, correlation_mm=4.0)
        assert not np.allclose(moved.head_mm, moved.labrum_mm, atol=0.05)
        assert np.std(moved.head_mm - contours.head_mm) == pytest.approx(0.5, abs=0.35)

    def test_missing_structures_stay_missing(self, rng):
        labels = MADE.labels()
        labels[labels == HipLabel.LABRUM] = 0
        moved = displace(find_contours(labels, **FINE), rng, sd_mm=0.5, correlation_mm=4.0)
        assert moved.labrum_mm is None


class TestIntervals:
    def test_certain_labels_have_no_width(self, rng):
        found = intervals(0.0, rng, draws=20)
        plain = measure_section(MADE.labels(), **FINE)
        for name, measure in found.measures.items():
            assert measure.value == plain.measures[name].value
            assert (measure.lower, measure.upper) == pytest.approx((measure.value,) * 2)
        assert found.landmarks_px == plain.landmarks_px

    def test_width_grows_with_the_sd(self):
        narrow, wide = (intervals(sd, np.random.default_rng(1), draws=60) for sd in (0.1, 0.3))
        for name in narrow.measures:
            ratio = width(wide.measures[name]) / width(narrow.measures[name])
            assert ratio == pytest.approx(3.0, rel=0.35), name

    def test_the_same_generator_gives_the_same_interval(self):
        first, second = (intervals(0.2, np.random.default_rng(5), draws=20) for _ in range(2))
        assert first.measures == second.measures

    def test_a_lower_level_is_narrower(self):
        half, most = (
            intervals(0.2, np.random.default_rng(2), draws=60, level=level) for level in (0.5, 0.95)
        )
        assert width(half.alpha_deg) < 0.6 * width(most.alpha_deg)

    def test_nominal_intervals_hold_the_undisturbed_value(self):
        # 20 labels drawn by the model itself; 19 of 20 expected, 16 or fewer once in 60.
        contours = find_contours(MADE.labels(), **FINE)
        truth, rng = measure_contours(contours), np.random.default_rng(3)
        options, held = {"sd_mm": 0.25, "correlation_mm": 4.0}, []
        for _ in range(20):
            seen = displace(contours, rng, **options)
            value = measure_contours(seen).alpha_deg.value
            drawn = [
                measure_contours(displace(seen, rng, **options)).alpha_deg.value for _ in range(40)
            ]
            low, high = np.quantile(drawn, [0.025, 0.975]) - np.median(drawn) + value
            held.append(low <= truth.alpha_deg.value <= high)
        assert sum(held) >= 16

    def test_refusals_have_none(self, rng):
        labels = MADE.labels()
        labels[labels == HipLabel.LABRUM] = 0
        found = intervals(0.2, rng, labels, draws=20)
        assert found.beta_deg.refusal == "no labrum label"
        assert found.alpha_deg.lower < found.alpha_deg.upper
        empty = intervals(0.2, rng, np.zeros((30, 30), np.uint8), draws=20)
        assert empty.alpha_deg.refusal == "no ilium label: nothing is labelled"

    def test_a_measure_that_hangs_by_a_thread_is_refused(self, rng, monkeypatch):
        made = MadeSection(roof_mm=3.2)  # some drawn roofs are shorter than a roof may be
        found = intervals(0.6, rng, made.labels(), draws=40, correlation_mm=2.0)
        assert not found.alpha_deg.is_refused
        monkeypatch.setattr(label_uncertainty, "LEAST_SHARE", 0.99)
        found = intervals(0.6, rng, made.labels(), draws=40, correlation_mm=2.0)
        assert re.fullmatch(
            r"it hangs on single pixels: \d\d % of .* have it", found.alpha_deg.refusal
        )
        assert found.head_diameter_mm.lower < found.head_diameter_mm.upper


class TestInput:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"sd_mm": -0.1}, "sd_mm must be >= 0, got -0.1"),
            ({"sd_mm": 0.1, "correlation_mm": 0.0}, "correlation_mm must be positive, got 0.0"),
            ({"sd_mm": 0.1, "draws": 19}, "draws must be at least 20, got 19"),
            ({"sd_mm": 0.1, "level": 1.0}, "level must lie between 0 and 1, got 1.0"),
        ],
    )
    def test_numbers_out_of_range_are_errors(self, options, message, rng):
        with pytest.raises(ValueError, match=message):
            measure_with_intervals(MADE.labels(), rng=rng, **FINE, **options)
