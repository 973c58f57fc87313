"""Smooth motion, its noises, the courses of a probe, and a restless infant."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.phantom.acquisition import motion, smooth_motion
from hipus.phantom.acquisition.courses import (
    COURSES,
    SECTOR_DEG,
    THESIS_COURSES,
    course_displacement,
    draw_progress,
)
from hipus.phantom.acquisition.motion import STILL, InfantMotion, draw_infant_motion
from hipus.phantom.acquisition.smooth_motion import (
    KNOT_RATE_HZ,
    SmoothMotion,
    band_noise,
    knots,
    slow_noise,
    truncated_normal,
)

PIVOT = np.array([3.0, -2.0, 7.0])


def ramp(turn_deg, shift_mm):
    """Return a motion that reaches a turn about each axis and a shift after 2 s."""
    time_s = knots(0.0, 2.0)
    share = np.clip(time_s / 2.0, 0, None)[:, None]
    return SmoothMotion(time_s, share * shift_mm, np.radians(share * turn_deg), PIVOT)


class TestSmoothMotion:
    def test_goes_through_its_knots(self, rng):
        time_s = knots(-0.3, 1.1)
        offset, turn = rng.normal(size=(2, len(time_s), 3))
        T = SmoothMotion(time_s, offset, turn, np.zeros(3)).at(time_s[[4, 11]])
        np.testing.assert_allclose(T[:, :3, 3], offset[[4, 11]], atol=1e-12)
        expected = rotations.from_rotation_vector(turn[[4, 11]])
        np.testing.assert_allclose(T[:, :3, :3], expected, atol=1e-12)

    def test_turns_about_its_pivot(self):
        T = ramp([0.0, 0.0, 90.0], [0.0, 0.0, 0.0]).at([2.0])
        np.testing.assert_allclose(geometry.apply(T, PIVOT[None])[0, 0], PIVOT, atol=1e-12)
        moved = geometry.apply(T, (PIVOT + [1.0, 0, 0])[None])[0, 0]
        np.testing.assert_allclose(moved, PIVOT + [0.0, 1.0, 0.0], atol=1e-12)

    def test_a_share_takes_part_of_turn_and_shift(self):
        T = ramp([0.0, 60.0, 0.0], [4.0, 0.0, -2.0]).at([2.0], share=0.25)[0]
        assert geometry.geodesic_angle_deg(T) == pytest.approx(15.0)
        np.testing.assert_allclose(geometry.apply(T, PIVOT) - PIVOT, [1.0, 0, -0.5], atol=1e-12)

    def test_is_rigid_at_all_times(self, rng):
        time_s = knots(0, 1)
        values = rng.normal(size=(2, len(time_s), 3))
        T = SmoothMotion(time_s, *values, PIVOT).at(rng.uniform(0, 1, 50))
        geometry.check_transform(T, "T")

    def test_refuses_times_beyond_its_knots(self):
        with pytest.raises(ValueError, match="time_s must lie within 0 to 2 s, got -0.1 to 0.5 s"):
            ramp([0, 0, 0], [0, 0, 0]).at([-0.1, 0.5])

    def test_refuses_values_that_do_not_fit_its_knots(self):
        time_s = knots(0, 1)
        fits = np.zeros((len(time_s), 3))
        with pytest.raises(ValueError, match=r"offset_mm must be finite \(51, 3\), got \(50, 3\)"):
            SmoothMotion(time_s, fits[1:], fits, PIVOT)
        with pytest.raises(ValueError, match="turn_rad must be finite"):
            SmoothMotion(time_s, fits, fits + np.nan, PIVOT)

    def test_knots_cover_their_interval(self):
        time_s = knots(-0.71, 5.303)
        assert time_s[0] == -0.71
        assert 5.303 <= time_s[-1] < 5.303 + 1 / KNOT_RATE_HZ


class TestNoises:
    def test_slow_noise_has_unit_variance_and_the_stated_correlation(self, rng):
        noise = slow_noise(rng, (100, 4000), time_s=0.4)
        assert noise.var() == pytest.approx(1.0, abs=0.03)
        # White noise smoothed by a Gaussian s correlates as exp(-t^2 / 4 s^2): 1/e at 2 s.
        lag = round(2 * 0.4 * KNOT_RATE_HZ)
        assert np.mean(noise[0] * noise[lag]) == pytest.approx(np.exp(-1), abs=0.05)

    def test_slow_noise_is_as_strong_at_its_ends_as_in_its_middle(self, rng):
        noise = slow_noise(rng, (200, 4000), time_s=0.5)
        assert noise[0].var() == pytest.approx(noise[100].var(), rel=0.1)

    def test_band_noise_has_unit_variance_in_its_band_only(self, rng):
        noise = band_noise(rng, (1000, 20), band_hz=(1.0, 5.0))
        assert noise.var() == pytest.approx(1.0, abs=0.05)
        frequency = np.fft.rfftfreq(1000, 1 / KNOT_RATE_HZ)
        power = (np.abs(np.fft.rfft(noise * np.hanning(1000)[:, None], axis=0)) ** 2).mean(axis=1)
        outside = (frequency < 0.7) | (frequency > 5.3)
        assert power[outside].sum() < 0.01 * power.sum()

    @pytest.mark.parametrize("band_hz", [(5.0, 1.0), (1.0, 25.0), (-1.0, 2.0)])
    def test_band_noise_refuses_bands_that_knots_cannot_carry(self, rng, band_hz):
        with pytest.raises(ValueError, match="band_hz must rise and lie below 25"):
            band_noise(rng, (10,), band_hz=band_hz)

    def test_truncated_numbers_stay_within_their_limit(self, rng):
        values = [truncated_normal(rng, 1.5) for _ in range(2000)]
        assert np.abs(values).max() <= 1.5
        assert np.mean(values) == pytest.approx(0, abs=0.06)


class TestProgress:
    @pytest.mark.parametrize("course", COURSES)
    def test_rests_before_and_after_and_never_goes_back(self, rng, course):
        share = np.linspace(-0.3, 1.3, 400)
        progress = draw_progress(rng, share, 6.0, course, 0.3)
        np.testing.assert_array_equal(progress[share < 0], 0.0)
        np.testing.assert_allclose(progress[share > 1], 1.0)
        assert np.diff(progress).min() >= 0

    def test_is_even_for_a_steady_hand(self, rng):
        share = np.linspace(0, 1, 500)
        progress = draw_progress(rng, share, 8.0, "linear", 0.0)
        middle = (share > 0.1) & (share < 0.9)
        assert np.ptp(np.diff(progress[middle])) < 1e-9

    def test_fast_and_slow_changes_its_speed_several_times_over(self, rng):
        share = np.linspace(0, 1, 500)
        speed = np.diff(draw_progress(rng, share, 8.0, "fast_and_slow", 0.0))[60:-60]
        assert speed.max() / speed.min() > 4


class TestCourses:
    def test_the_thesis_motions_are_named(self):
        assert THESIS_COURSES == ("linear", "fast_and_slow", "sector", "loop")

    @pytest.mark.parametrize("course", ["linear", "loop"])
    @pytest.mark.parametrize("travel_mm", [30.0, -30.0])
    def test_path_length_is_the_travel(self, course, travel_mm):
        offset, turn = course_displacement(course, np.linspace(0, 1, 4001), travel_mm, 45.0)
        assert np.linalg.norm(np.diff(offset, axis=0), axis=1).sum() == pytest.approx(30, rel=1e-4)
        assert not turn.any()

    @pytest.mark.parametrize("travel_mm", [30.0, -30.0])
    def test_linear_travels_along_the_elevational_axis(self, travel_mm):
        offset, _ = course_displacement("linear", np.array([0.0, 0.5, 1.0]), travel_mm, 45.0)
        np.testing.assert_allclose(offset[:, 2], [-travel_mm / 2, 0, travel_mm / 2])
        assert not offset[:, :2].any()

    def test_a_loop_ends_where_it_began(self):
        offset, _ = course_displacement("loop", np.array([0.0, 0.25, 0.5, 1.0]), 30.0, 45.0)
        np.testing.assert_allclose(offset[0], offset[-1], atol=1e-9)
        assert offset[1, 0] > 1
        assert offset[2, 2] == pytest.approx(-offset[0, 2])

    @pytest.mark.parametrize("travel_mm", [30.0, -30.0])
    def test_a_sector_keeps_the_skin_line_in_place(self, travel_mm):
        depth = 44.0
        offset, turn = course_displacement("sector", np.linspace(0, 1, 7), travel_mm, depth)
        centre = np.array([0.0, depth / 2, 0.0])
        R = rotations.from_rotation_vector(turn)
        face = np.einsum("nij,j->ni", R, -centre) + centre + offset
        np.testing.assert_allclose(face, 0.0, atol=1e-9)
        assert np.degrees(np.ptp(turn[:, 0])) == pytest.approx(SECTOR_DEG)
        assert np.sign(offset[-1, 2]) == np.sign(travel_mm)

    def test_settling_ends_in_the_plane(self):
        offset, _ = course_displacement("settle", np.array([0.0, 0.5, 1.0]), 3.0, 45.0)
        np.testing.assert_allclose(offset[:, 2], [-3.0, 0.0, 0.0])


class TestInfant:
    OUT = np.array([1.0, 0.0, 0.0])

    def drawn(self, seed, **settings):
        """Return the displacements of a restless infant during 8 s."""
        time_s = knots(-0.7, 8.0)
        infant = InfantMotion(**settings)
        path = draw_infant_motion(
            np.random.default_rng(seed), time_s, infant=infant, outward=self.OUT
        )
        return path.at(np.linspace(0, 7.5, 60))

    def test_minimum_jerk_starts_and_stops_smoothly(self):
        share = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
        np.testing.assert_allclose(motion.minimum_jerk(share), [0, 0, 0.5, 1, 1])
        fine = motion.minimum_jerk(np.linspace(0, 1, 1001))
        assert np.diff(fine)[[0, -1]].max() < 1e-6

    def test_bursts_move_the_hip_by_millimetres(self):
        moved = [np.abs(self.drawn(seed, burst_rate_hz=0.5)[:, :3, 3]).max() for seed in range(30)]
        assert 1.0 < np.median(moved) < 6.0

    def test_a_still_infant_does_not_move_at_all(self):
        path = draw_infant_motion(
            np.random.default_rng(1), knots(0, 5), infant=STILL, outward=self.OUT
        )
        np.testing.assert_allclose(path.at([0.0, 2.5, 4.0]), np.broadcast_to(np.eye(4), (3, 4, 4)))

    def test_breathing_alone_stays_small_and_keeps_its_rate(self):
        time_s = knots(0, 40)
        infant = InfantMotion(burst_rate_hz=0.0, breathing_mm=0.06, breathing_hz=0.8)
        path = draw_infant_motion(np.random.default_rng(4), time_s, infant=infant, outward=self.OUT)
        shift = path.at(time_s)[:, :3, 3]
        assert np.linalg.norm(shift, axis=1).max() == pytest.approx(0.06, rel=0.01)
        course = shift @ np.linalg.svd(shift, full_matrices=False)[2][0]
        strongest = np.abs(np.fft.rfft(course)).argmax() / 40
        assert strongest == pytest.approx(0.8, abs=0.1)

    def test_scaling_keeps_the_moments_and_scales_the_size(self):
        infant = InfantMotion(burst_rate_hz=0.5)
        paths = [
            draw_infant_motion(np.random.default_rng(9), knots(0, 8), infant=one, outward=self.OUT)
            for one in (infant, motion.scaled(infant, 2.0))
        ]
        np.testing.assert_allclose(paths[1].offset_mm, 2 * paths[0].offset_mm, atol=1e-12)
        np.testing.assert_allclose(paths[1].turn_rad, 2 * paths[0].turn_rad, atol=1e-12)

    def test_refuses_impossible_infants(self):
        with pytest.raises(ValueError, match="infant.amplitude_mm must be finite and >= 0"):
            InfantMotion(amplitude_mm=-1.0)
        with pytest.raises(ValueError, match="infant.reference_share must be <= 1, got 1.2"):
            InfantMotion(reference_share=1.2)
        with pytest.raises(ValueError, match="infant.duration_s must be a positive range"):
            InfantMotion(duration_s=(0.5, 0.2))
        with pytest.raises(ValueError, match="infant.amplitude_mm"):
            motion.scaled(InfantMotion(), -1.0)

    def test_knots_are_dense_enough_for_the_fastest_burst(self):
        assert InfantMotion().duration_s[0] * smooth_motion.KNOT_RATE_HZ > 10
