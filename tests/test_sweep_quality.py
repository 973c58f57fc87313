"""Measures and rules of a sweep's quality, from what a device delivers."""

import numpy as np
import pytest

from hipus import geometry
from hipus.sweep import Sweep
from hipus.sweep_quality import QualityLimits, SweepQuality, dark_share, measure_quality

GOOD = SweepQuality(frame_count=60, path_mm=30.0, lost_share=0.0, dark_share=0.0)


def make_sweep(count=50, path_mm=30.0, lost=(), dark=()) -> Sweep:
    """Return a straight sweep with even grey frames (20 x 12 px, two black margins)."""
    frames = np.full((count, 20, 12), 100, np.uint8)
    frames[:, :, [0, -1]] = 0
    for frame, column in dark:
        frames[frame, :, column] = 30
    shift = np.zeros((count, 3))
    shift[:, 2] = np.linspace(0, path_mm, count)
    poses = geometry.transform(np.broadcast_to(np.eye(3), (count, 3, 3)), shift)
    poses[list(lost)] = np.nan
    T_pixel_to_probe = geometry.transform(np.diag([0.2, 0.3, 1.0]), [0.0, 0.0, 0.0])
    return Sweep(frames, np.arange(count) / 9.0, poses, T_pixel_to_probe=T_pixel_to_probe)


class TestMeasures:
    def test_a_straight_sweep_is_as_long_as_it_travels(self):
        # Smoothing over 5 frames shortens both ends by 2 half-steps each, not more.
        assert measure_quality(make_sweep()).path_mm == pytest.approx(30.0, rel=0.05)

    def test_lost_poses_are_counted_and_bridged(self):
        quality = measure_quality(make_sweep(lost=[10, 11, 12, 13, 14]))
        assert quality.lost_share == pytest.approx(0.1)
        assert quality.path_mm == pytest.approx(30.0, rel=0.05)

    def test_an_untracked_sweep_has_neither_path_nor_lost_poses(self):
        quality = measure_quality(make_sweep(lost=range(50)), is_tracked=False)
        assert np.isnan([quality.path_mm, quality.lost_share]).all()
        assert quality.broken_rules("p_a") == ()

    def test_a_tracked_sweep_without_poses_has_no_path(self):
        quality = measure_quality(make_sweep(lost=range(50)))
        assert quality.path_mm == 0.0
        assert quality.broken_rules("p_a") == ("too_short_path", "too_many_lost_poses")

    def test_dark_columns_are_counted_without_the_margins(self):
        # 5 of 50 frames x 10 columns.
        dark = [(frame, 4) for frame in range(5)]
        assert dark_share(make_sweep(dark=dark)) == pytest.approx(5 / 500)

    def test_a_black_sweep_is_wholly_dark(self):
        sweep = make_sweep()
        sweep.frames[:] = 0
        assert dark_share(sweep) == 1.0


class TestRules:
    def test_a_good_sweep_breaks_none(self):
        assert GOOD.broken_rules("p_a") == ()

    @pytest.mark.parametrize(
        ("changed", "rule"),
        [
            ({"frame_count": 39}, "too_few_frames"),
            ({"path_mm": 20.9}, "too_short_path"),
            ({"lost_share": 0.101}, "too_many_lost_poses"),
            ({"dark_share": 0.021}, "contact_lost"),
        ],
    )
    def test_each_rule_has_its_limit(self, changed, rule):
        assert SweepQuality(**(vars(GOOD) | changed)).broken_rules("p_a") == (rule,)

    def test_the_path_depends_on_the_kind_of_sweep(self):
        short = SweepQuality(**(vars(GOOD) | {"path_mm": 3.0}))
        assert short.broken_rules("graf") == ()
        assert GOOD.broken_rules("p_d") == ("too_short_path",)

    def test_limits_can_be_given(self):
        assert GOOD.broken_rules("p_a", QualityLimits(least_frames=61)) == ("too_few_frames",)
