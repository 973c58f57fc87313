"""Raters: order of structures, spread, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from hipus.phantom.annotator.rater import DRAWN, PAINTED, SKILL_SD, TYPICAL, draw_rater


class TestRater:
    def test_structures_are_the_four_of_the_scheme_in_label_order(self):
        assert [int(label) for label in DRAWN] == [1, 2, 3, 4]
        assert sorted(PAINTED) == sorted(DRAWN)

    def test_numbers_per_structure_follow_that_order(self):
        rater = replace(
            TYPICAL, ilium_sd_mm=0.1, head_sd_mm=0.2, border_sd_mm=0.3, cortex_sd_mm=0.4
        )
        np.testing.assert_allclose(rater.sd_mm, [0.1, 0.2, 0.3, 0.4])
        assert rater.length_mm[1] == rater.head_length_mm
        assert rater.idea_part[1] == rater.head_idea_part
        assert (rater.length_mm[[0, 2, 3]] == rater.band_length_mm).all()

    def test_scaling_moves_displacements_and_nothing_else(self):
        scaled = TYPICAL.scaled(2.0)
        np.testing.assert_allclose(scaled.sd_mm, 2 * TYPICAL.sd_mm)
        assert scaled.missed_part == TYPICAL.missed_part

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("head_sd_mm", 0.0, "head_sd_mm must be positive, got 0.0"),
            ("detail_mm", 0.0, "detail_mm must be positive"),
            ("ilium_sd_mm", np.nan, "ilium_sd_mm must be positive, got nan"),
            ("contrast_pull", 1.1, r"contrast_pull must be in \[0, 1\], got 1.1"),
            ("frame_length", -1.0, "frame_length must be >= 0, got -1.0"),
            ("missed_part", 0.5, r"missed_part must be in \(0, 0.5\), got 0.5"),
            ("habit", (1.0,), r"habit must be 4 numbers, got \(1.0,\)"),
        ],
    )
    def test_refuses_what_no_rater_is(self, name, value, message):
        with pytest.raises(ValueError, match=message):
            replace(TYPICAL, **{name: value})

    def test_refuses_a_factor_that_is_not_positive(self):
        with pytest.raises(ValueError, match="factor must be positive, got 0"):
            TYPICAL.scaled(0)


class TestDrawnRaters:
    def test_skill_scales_all_structures_alike_with_the_named_spread(self, rng):
        factors = np.array([draw_rater(rng).sd_mm / TYPICAL.sd_mm for _ in range(2000)])
        np.testing.assert_allclose(factors, factors[:, :1] * np.ones(4))
        assert np.log(factors[:, 0]).std() == pytest.approx(SKILL_SD, rel=0.06)
        assert np.log(factors[:, 0]).mean() == pytest.approx(0, abs=0.015)

    def test_a_rater_is_the_same_whenever_it_is_drawn_from_its_own_seed(self):
        assert draw_rater(np.random.default_rng(4)) == draw_rater(np.random.default_rng(4))
        assert draw_rater(np.random.default_rng(4)) != draw_rater(np.random.default_rng(5))
