"""A sweep looked at: what is told, what is wrong, and that damage is a row."""

from dataclasses import replace

import numpy as np
import pytest
from made_hospital import speckle, turning_sweep, written

from hipus import geometry
from hipus.formats.cohort_layout import find_sweep
from hipus.formats.cohort_session import Session
from hipus.intake.cohort_check import check_cohort
from hipus.intake.sweep_check import check_sweep

TRACKED = Session(is_tracked=True, lag_s=0.02, poses_are_lag_corrected=True, T_pixel_to_probe=None)


def look(sweep, session=TRACKED, *, side="right", sweep_type="p_a"):
    """Return what is found of a sweep."""
    return check_sweep(sweep, session, side=side, sweep_type=sweep_type)


def untracked(sweep):
    """Return a sweep that nobody tracked."""
    unknown = np.full((len(sweep), 4, 4), np.nan)
    return replace(
        sweep, T_probe_to_reference=unknown, is_valid=None, T_pixel_to_probe=None,
        pixel_spacing_xy_mm=(0.5, 0.4),
    )  # fmt: skip


class TestFacts:
    def test_a_good_sweep_by_hand(self, rng):
        """90 frames 0.1 s and 0.45 mm apart; 64 rows of 0.4 mm."""
        found = look(turning_sweep(rng))
        assert found.problems == ()
        assert found.frame_count == 90
        assert found.duration_s == pytest.approx(8.9)
        assert found.frame_rate_hz == pytest.approx(10)
        assert (found.pixel_x_mm, found.pixel_y_mm) == pytest.approx((0.5, 0.4))
        assert found.depth_mm == pytest.approx(25.6)
        assert found.lag_s == 0.02
        assert abs(found.lag_left_s) < 0.02
        assert found.is_calibrated
        assert found.lost_share == 0
        assert found.trim_stop - found.trim_start > 80

    def test_the_probe_held_turned_is_told_by_the_travel(self, rng):
        sweep = turning_sweep(rng)
        assert look(sweep, side="right").orientation == "as expected"
        assert look(sweep, side="left").orientation == "turned"
        assert look(turning_sweep(rng, direction=-1), side="left").orientation == "as expected"

    def test_what_cannot_be_told_says_why(self, rng):
        sweep = turning_sweep(rng)
        assert look(sweep, sweep_type="graf").orientation == "a Graf sweep does not travel"
        still = replace(sweep, T_probe_to_reference=np.tile(np.eye(4), (len(sweep), 1, 1)))
        assert look(still).orientation == "too short a travel to tell"
        without = replace(TRACKED, is_tracked=False)
        assert look(untracked(sweep), without).orientation == "not told without poses"

    def test_a_view_shows_the_middle_and_the_pace(self, rng):
        sweep = turning_sweep(rng)
        view = look(sweep).view
        np.testing.assert_array_equal(view.frame, sweep.frames[45])
        assert len(view.pace) == len(view.time_s) - 1 == 89
        assert view.time_s[0] == 0


class TestProblems:
    def test_poses_that_are_late_against_the_sensor(self, rng):
        assert look(turning_sweep(rng, imu_late_s=-0.2)).problems == ("lag_left_in_poses",)

    def test_a_stated_lag_that_none_has(self, rng):
        assert look(turning_sweep(rng), replace(TRACKED, lag_s=0.8)).problems == (
            "implausible_lag",
        )

    def test_writing(self, rng):
        sweep = replace(turning_sweep(rng), frames=written(speckle(rng, 90)))
        assert "burnt_in_text" in look(sweep).problems

    def test_no_calibration_and_one_of_another_scale(self, rng):
        sweep = turning_sweep(rng)
        bare = replace(sweep, T_pixel_to_probe=None, pixel_spacing_xy_mm=None)
        assert "not_calibrated" in look(bare).problems
        scale = geometry.transform(np.diag([0.05, 0.04, 0.05]))
        tiny = replace(sweep, T_pixel_to_probe=scale, pixel_spacing_xy_mm=None)
        assert look(tiny).problems == ("implausible_depth",)

    def test_an_untracked_sweep_needs_no_more_than_its_scale(self, rng):
        assert (
            look(untracked(turning_sweep(rng)), replace(TRACKED, is_tracked=False)).problems == ()
        )

    def test_rates_and_durations(self, rng):
        sweep = turning_sweep(rng)
        slow = replace(sweep, time_s=sweep.time_s * 9, imu=None)
        assert look(slow).problems == ("implausible_frame_rate", "implausible_duration")

    def test_rules_of_quality_are_named_too(self, rng):
        assert "too_few_frames" in look(turning_sweep(rng, count=30)).problems


class TestCohorts:
    def test_every_sweep_is_a_row_and_damage_is_one_too(self, simulated, tmp_path):
        import shutil

        shutil.copytree(simulated.folder, tmp_path / "c")
        damaged = find_sweep(tmp_path / "c", "S001", "left_p_a")
        damaged.write_bytes(damaged.read_bytes()[:2000])
        found = check_cohort(replace(simulated, folder=tmp_path / "c")).set_index("sweep_id")
        assert len(found) == 6
        assert found.is_readable["left_p_a"] == 0
        assert found.problems["left_p_a"] == "unreadable"
        assert "left_p_a" in found.why_unreadable["left_p_a"]
        assert found.is_readable.sum() == 5
        names = ("frame_count", "trim_start", "trim_stop")
        expected = simulated.sweeps.set_index("sweep_id")
        for name in names:
            assert found[name]["right_p_d"] == expected[name]["right_p_d"], name
