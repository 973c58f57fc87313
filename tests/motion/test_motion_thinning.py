"""Fewer frames of a prepared sweep: as if no other had been recorded."""

from dataclasses import replace

import numpy as np
import pytest
from made_sweeps import made_sweep

from hipus import geometry
from hipus.motion.flow import optical_flow
from hipus.motion.poses import steps
from hipus.motion.thinning import thinned


@pytest.fixture
def sweep(rng):
    """Return 14 frames whose sensor makes no error."""
    made = made_sweep(rng)
    exact = steps(made.T_centre_to_world)[:, :3, :3]
    return replace(made, imu_rotations=exact).with_extra(likeness=rng.random((13, 16, 16)))


class TestThinned:
    @pytest.mark.parametrize(("stride", "count"), [(2, 7), (4, 4), (13, 2)])
    def test_every_so_many_frames_stay_from_the_first_on(self, sweep, stride, count):
        thin = thinned(sweep, stride)
        assert len(thin) == count
        for name in ("frames", "thumbnails", "time_s", "T_centre_to_world"):
            np.testing.assert_array_equal(getattr(thin, name), getattr(sweep, name)[::stride])

    @pytest.mark.parametrize("stride", [2, 3, 4])
    def test_the_sensor_turns_as_the_sweep_does(self, sweep, stride):
        thin = thinned(sweep, stride)
        expected = steps(thin.T_centre_to_world)[:, :3, :3]
        np.testing.assert_allclose(thin.imu_rotations, expected, atol=1e-12)

    def test_turns_over_three_steps_are_the_product_in_their_order(self, sweep):
        first, second, third = sweep.imu_rotations[3:6]
        # About different axes, so that the order matters.
        assert not np.allclose(first @ second @ third, third @ second @ first, atol=1e-7)
        np.testing.assert_allclose(
            thinned(sweep, 3).imu_rotations[1], first @ second @ third, atol=1e-12
        )

    def test_a_gap_in_the_sensor_s_log_stays_one(self, sweep):
        turns = sweep.imu_rotations.copy()
        turns[5] = np.nan
        thin = thinned(replace(sweep, imu_rotations=turns), 2)
        assert list(np.isnan(thin.imu_rotations[:, 0, 0])) == [False, False, True] + 3 * [False]

    def test_flow_is_that_between_the_frames_that_are_left(self, sweep):
        thin = thinned(sweep, 3)
        grey = np.round(255 * sweep.thumbnails[::3]).astype(np.uint8)
        np.testing.assert_array_equal(thin.flow, optical_flow(grey, "dis_fast"))
        assert len(thin.flow) == len(thin) - 1

    def test_maps_of_other_pairs_are_left_out(self, sweep):
        assert "likeness" in sweep.extra
        assert not thinned(sweep, 2).extra

    def test_without_a_sensor_there_is_none(self, sweep):
        assert thinned(replace(sweep, imu_rotations=None), 2).imu_rotations is None

    def test_a_stride_of_one_changes_nothing(self, sweep):
        assert thinned(sweep, 1) is sweep

    def test_the_way_stays_the_same(self, sweep):
        T, thin = sweep.T_centre_to_world, thinned(sweep, 4)
        way = geometry.compose(*steps(thin.T_centre_to_world))
        np.testing.assert_allclose(way, geometry.relative(T[0], T[12]), atol=1e-12)

    @pytest.mark.parametrize("stride", [0, -1, 14])
    def test_a_stride_that_leaves_no_step_is_refused(self, sweep, stride):
        with pytest.raises(ValueError, match=f"S001/p_a: stride must lie .* 13 .*, got {stride}"):
            thinned(sweep, stride)
