"""Trimming and flips, on sweeps made by hand and on simulated ones whose truth is hidden."""

from dataclasses import replace

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.phantom.acquisition.recorder import record_infant
from hipus.phantom.acquisition.trajectory import travel_sign
from hipus.sweep import Sweep
from hipus.sweep_cleaning import (
    change_pace,
    correct_flip,
    detect_flip,
    detect_flip_by_likeness,
    elevational_travel_mm,
    travel_pace,
    trim_hesitation,
)

RATE_HZ = 9.0
OBLIQUE = rotations.from_euler([25.0, -40.0, 15.0], "ZYX")


def make_sweep(position_mm, *, frames=None, sign=1, calibrated=True):
    """Return a sweep along the normal of an obliquely held probe, marker 90 mm behind."""
    position_mm = np.asarray(position_mm, float)
    count = len(position_mm)
    T_image_to_world = geometry.transform(
        OBLIQUE, (sign * position_mm)[:, None] * OBLIQUE[:, 2] + [10.0, 20.0, 30.0]
    )
    mounting = geometry.transform(rotations.from_euler([5.0, 80.0, 0.0], "ZYX"), [0, 5.0, -90.0])
    scale = np.diag([0.4, 0.3, 0.35, 1.0])
    return Sweep(
        frames=np.zeros((count, 30, 50), np.uint8) if frames is None else frames,
        time_s=np.arange(count) / RATE_HZ,
        T_probe_to_reference=T_image_to_world @ geometry.invert(mounting),
        T_pixel_to_probe=mounting @ scale if calibrated else None,
        pixel_spacing_xy_mm=(0.4, 0.3),
        sweep_id="made",
    )


def hesitant(before=8, moving=50, after=6, step_mm=0.5):
    """Return positions that stand, move evenly, and stand."""
    return np.cumsum(np.repeat([0.0, step_mm, 0.0], [before, moving, after]))


def untracked(sweep):
    """Return a sweep that lost all its poses."""
    nowhere = np.full_like(sweep.T_probe_to_reference, np.nan)
    return replace(sweep, T_probe_to_reference=nowhere, is_valid=None)


def changing_frames(rng, position_mm, *, noise=6.0):
    """Return pictures that decorrelate with distance, as speckle and anatomy do."""
    texture = rng.normal(size=(200, 30, 50))
    mixed = []
    for place in position_mm:
        weight = np.exp(-0.5 * ((np.arange(200) - 10 - 4 * place) / 5.0) ** 2)
        mixed.append(np.tensordot(weight, texture, 1) / np.sqrt((weight**2).sum()))
    frames = 110 + 40 * np.array(mixed) + rng.normal(0, noise, (len(position_mm), 30, 50))
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def simulated():
    """Return recordings of p_a and p_d sweeps, and their reported sweeps without pictures."""
    found = []
    for index in range(12):
        depths = {"left": 21.0, "right": 20.0}
        for one in record_infant(8, f"S{index:03d}", head_depth_mm=depths).values():
            if one.plan.kind.is_volumetric:
                found.append((one, one.to_sweep(np.zeros((len(one), 40, 44), np.uint8))))
    return found


class TestTrimmingTracked:
    def test_finds_the_moving_part_within_two_frames(self):
        part = trim_hesitation(make_sweep(hesitant()))
        assert part.start == pytest.approx(7, abs=2)
        assert part.stop == pytest.approx(58, abs=2)

    def test_keeps_an_even_sweep_whole(self):
        assert trim_hesitation(make_sweep(0.5 * np.arange(40))) == slice(0, 40)

    def test_does_not_take_tremor_for_travel(self, rng):
        position = hesitant(15, 50, 15) + 0.05 * rng.standard_normal(80)
        part = trim_hesitation(make_sweep(position))
        assert part.start == pytest.approx(14, abs=3)
        assert part.stop == pytest.approx(66, abs=3)

    def test_does_not_take_tilting_for_travel(self):
        still = make_sweep(hesitant())
        turn = np.zeros((len(still), 3))
        turn[:8, 0] = np.radians(3) * np.arange(8)
        centre = still.T_pixel_to_probe @ [24.5, 14.5, 0, 1]
        about = geometry.transform(translation=centre[:3])
        tilt = (
            about
            @ geometry.transform(rotations.from_rotation_vector(turn))
            @ geometry.invert(about)
        )
        tilted = replace(still, T_probe_to_reference=still.T_probe_to_reference @ tilt)
        assert trim_hesitation(tilted).start == pytest.approx(7, abs=2)

    def test_bridges_lost_poses(self):
        sweep = make_sweep(hesitant())
        poses = sweep.T_probe_to_reference.copy()
        poses[20:24] = np.nan
        poses[0] = np.nan
        part = trim_hesitation(replace(sweep, T_probe_to_reference=poses, is_valid=None))
        assert part.start == pytest.approx(7, abs=2)
        assert part.stop == pytest.approx(58, abs=2)

    def test_works_without_a_calibration(self):
        part = trim_hesitation(make_sweep(hesitant(), calibrated=False))
        assert part.start == pytest.approx(7, abs=2)

    def test_a_pause_in_the_middle_is_no_end(self):
        position = np.cumsum(np.repeat([0, 0.5, 0, 0.5, 0], [6, 20, 10, 20, 6]))
        part = trim_hesitation(make_sweep(position))
        assert part.start <= 7
        assert part.stop >= 54

    def test_agrees_with_the_hidden_truth_of_simulated_sweeps(self, simulated):
        off = np.array(
            [
                (part.start - one.informative.start, part.stop - one.informative.stop)
                for one, sweep in simulated
                for part in [trim_hesitation(sweep)]
            ]
        )
        assert np.abs(off.mean(axis=0)).max() < 1.0
        assert np.percentile(np.abs(off), 95) <= 3

    def test_selecting_it_leaves_a_shorter_sweep(self):
        sweep = make_sweep(hesitant())
        assert len(sweep.select(trim_hesitation(sweep))) < len(sweep) - 8


class TestTrimmingUntracked:
    def test_finds_the_moving_part_from_the_pictures(self, rng):
        position = hesitant(10, 45, 9)
        sweep = untracked(make_sweep(position, frames=changing_frames(rng, position)))
        part = trim_hesitation(sweep)
        assert part.start == pytest.approx(9, abs=3)
        assert part.stop == pytest.approx(56, abs=3)

    def test_pace_is_about_zero_at_rest(self, rng):
        position = hesitant(12, 40, 12)
        sweep = make_sweep(position, frames=changing_frames(rng, position))
        pace = change_pace(sweep)
        assert pace[:8].max() < 0.3 * np.median(pace[15:45])

    def test_equal_pictures_tell_nothing_and_are_kept(self):
        sweep = untracked(make_sweep(hesitant(), frames=np.full((64, 30, 50), 9, np.uint8)))
        assert trim_hesitation(sweep) == slice(0, 64)


class TestTrimmingLimits:
    def test_short_sweeps_are_kept_whole(self):
        assert trim_hesitation(make_sweep(np.arange(7.0))) == slice(0, 7)

    def test_a_standing_sweep_is_kept_whole(self):
        assert trim_hesitation(make_sweep(np.zeros(20))) == slice(0, 20)

    @pytest.mark.parametrize("still_share", [0.0, 1.0, -0.2])
    def test_refuses_shares_that_are_none(self, still_share):
        with pytest.raises(ValueError, match="still_share must lie between 0 and 1"):
            trim_hesitation(make_sweep(hesitant()), still_share=still_share)

    def test_pace_is_in_mm_per_second(self):
        pace = travel_pace(make_sweep(0.5 * np.arange(30)))
        np.testing.assert_allclose(pace[5:-5], 0.5 * RATE_HZ, rtol=1e-6)

    def test_pace_needs_two_poses(self):
        with pytest.raises(ValueError, match="sweep 'made': 2 valid poses needed, got 0"):
            travel_pace(untracked(make_sweep(np.arange(9.0))))


class TestFlipsByTravel:
    @pytest.mark.parametrize("sign", [1, -1])
    def test_travel_is_signed_by_the_pictures_own_normal(self, sign):
        sweep = make_sweep(0.5 * np.arange(41), sign=sign)
        assert elevational_travel_mm(sweep) == pytest.approx(20.0 * sign)

    @pytest.mark.parametrize(("sign", "expected", "is_flipped"), [(1, 1, False), (-1, 1, True)])
    def test_a_flipped_probe_travels_the_other_way(self, sign, expected, is_flipped):
        sweep = make_sweep(hesitant(), sign=sign)
        assert detect_flip(sweep, expected) is is_flipped
        assert detect_flip(correct_flip(sweep), expected) is not is_flipped

    def test_agrees_with_the_hidden_truth_of_simulated_sweeps(self, simulated):
        told = [detect_flip(s, travel_sign(one.plan.kind.side)) for one, s in simulated]
        true = [one.is_flipped for one, _ in simulated]
        assert 0 < sum(true) < len(true) / 4
        assert told == true

    def test_refuses_other_signs_and_sweeps_that_stay(self):
        with pytest.raises(ValueError, match="expected_sign must be -1 or 1, got 0"):
            detect_flip(make_sweep(hesitant()), 0)
        with pytest.raises(ValueError, match="travels 1.00 mm along its normal: >= 3 mm needed"):
            detect_flip(make_sweep(np.linspace(0, 1, 20)), 1)
        with pytest.raises(ValueError, match="2 valid poses needed, got 0"):
            elevational_travel_mm(untracked(make_sweep(np.arange(9.0))))


class TestFlipsByLikeness:
    def pictures(self, rng, *, mirrored):
        """Return a sweep of noisy pictures that are bright on the left, or on the right."""
        ramp = np.linspace(180, 20, 50) + 25 * np.sin(np.arange(30))[:, None]
        frames = ramp + rng.normal(0, 20, (20, 30, 50))
        frames = np.clip(frames, 0, 255).astype(np.uint8)
        return make_sweep(np.arange(20.0), frames=frames[:, :, ::-1] if mirrored else frames)

    def test_tells_mirrored_pictures_without_poses(self, rng):
        reference = self.pictures(rng, mirrored=False)
        upright, mirrored = (self.pictures(rng, mirrored=flip) for flip in (False, True))
        assert detect_flip_by_likeness(untracked(upright), reference) is False
        assert detect_flip_by_likeness(untracked(mirrored), reference) is True
        assert detect_flip_by_likeness(correct_flip(mirrored), reference) is False

    def test_refuses_frames_of_another_shape(self, rng):
        other = make_sweep(np.arange(20.0), frames=np.zeros((20, 30, 40), np.uint8))
        with pytest.raises(ValueError, match=r"frames must be alike in shape, got \(30, 40\)"):
            detect_flip_by_likeness(other, self.pictures(rng, mirrored=False))


class TestCorrection:
    def test_every_pixel_stays_where_it_was_in_space(self, rng):
        frames = rng.integers(0, 256, (9, 30, 50), dtype=np.uint8)
        sweep = make_sweep(np.arange(9.0), frames=frames)
        turned = correct_flip(sweep)
        assert turned.frames[3, 7, 11] == frames[3, 7, 38]
        place = geometry.apply(sweep.T_pixel_to_probe, [38.0, 7.0, 0.0])
        np.testing.assert_allclose(geometry.apply(turned.T_pixel_to_probe, [11.0, 7.0, 0]), place)

    def test_keeps_a_right_handed_calibration_and_the_poses(self):
        sweep = make_sweep(np.arange(9.0))
        turned = correct_flip(sweep)
        assert np.linalg.det(turned.T_pixel_to_probe[:3, :3]) > 0
        np.testing.assert_array_equal(turned.T_probe_to_reference, sweep.T_probe_to_reference)
        assert turned.pixel_spacing_xy_mm == sweep.pixel_spacing_xy_mm

    def test_twice_is_nothing(self, rng):
        frames = rng.integers(0, 256, (4, 30, 50), dtype=np.uint8)
        sweep = make_sweep(np.arange(4.0), frames=frames)
        back = correct_flip(correct_flip(sweep))
        np.testing.assert_array_equal(back.frames, frames)
        np.testing.assert_allclose(back.T_pixel_to_probe, sweep.T_pixel_to_probe, atol=1e-12)

    def test_an_uncalibrated_sweep_is_mirrored_only(self):
        sweep = make_sweep(np.arange(4.0), calibrated=False)
        assert correct_flip(sweep).T_pixel_to_probe is None
