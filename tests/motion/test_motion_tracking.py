"""One untracked sweep: what is told of it, whichever way it was held and whoever it is of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_recordings import recording, untracked

from hipus import geometry, rotations
from hipus.motion.poses import mirrored
from hipus.motion.prediction import StepPrediction
from hipus.motion.preparation import TURN, thumbnails
from hipus.motion.stored_models import StoredModel
from hipus.motion.tracking import track

PX = 16
STEP = geometry.transform(
    rotations.from_rotation_vector(np.radians([0.5, -0.3, 0.2])), [0.1, -0.2, 0.7]
)


class Steady:
    """A predictor that says the same of every step, and how sure it is."""

    name = "steady"

    def predict(self, prepared) -> StepPrediction:
        count = len(prepared) - 1
        sd = np.tile([0.1, 0.2, 0.3], (count, 1))
        return StepPrediction(np.tile(STEP, (count, 1, 1)), sd, sd)


def model(**options) -> StoredModel:
    """Return the steady model, with a picture of how the texture looks upright."""
    upright = thumbnails(recording(np.random.default_rng(1)).frames, PX).mean(axis=0) / 255
    known = {"reference_pictures": {"p_a": upright.astype(np.float32)}}
    return StoredModel(Path("steady"), "network", Steady(), PX, **known | options)


@pytest.fixture
def sweep(rng):
    return recording(rng)


class TestPoses:
    def test_begin_at_the_first_kept_frame_and_follow_the_steps(self, sweep):
        found = track(sweep, model(), side="right", sweep_type="p_a")
        T = found.prediction.T_centre_to_first
        np.testing.assert_allclose(T[0], np.eye(4), atol=1e-12)
        np.testing.assert_allclose(T[3], STEP @ STEP @ STEP, atol=1e-12)
        assert found.path_mm == pytest.approx(np.sqrt(0.54) * (len(T) - 1))

    def test_standstills_are_trimmed_and_named(self, sweep):
        found = track(sweep, model(), side="right", sweep_type="p_a")
        before, after = found.trimmed
        kept = found.prediction.frames
        assert before == slice(0, kept.start)
        assert after == slice(kept.stop, 40)
        assert 4 <= kept.start <= 10
        assert 30 <= kept.stop <= 36
        np.testing.assert_array_equal(found.prediction.time_s, sweep.time_s[kept])

    def test_a_sweep_of_no_known_type_is_taken_whole(self, sweep):
        found = track(sweep, model())
        assert found.prediction.frames == slice(0, 40)
        assert (found.trimmed, found.is_turned) == ((slice(0, 0), slice(40, 40)), False)

    def test_deviations_grow_from_nothing(self, sweep):
        found = track(sweep, model())
        assert (found.sd_mm[0] == 0).all()
        assert (np.diff(found.sd_mm, axis=0) > 0).all()
        np.testing.assert_allclose(found.sd_mm[1], [0.1, 0.2, 0.3], atol=0.01)
        assert found.prediction.sd_mm.shape == (39, 3)

    def test_tracked_poses_are_never_looked_at(self, sweep):
        told, again = (
            track(one, model(), side="right", sweep_type="p_a") for one in (sweep, untracked(sweep))
        )
        np.testing.assert_array_equal(
            told.prediction.T_centre_to_first, again.prediction.T_centre_to_first
        )
        assert told.trimmed == again.trimmed


class TestSides:
    def test_a_left_hip_is_the_mirror_of_a_right_one(self, sweep):
        left, right = (track(sweep, model(), side=side) for side in ("left", "right"))
        T = left.prediction.T_centre_to_first
        assert (T[1:, 2, 3] < 0).all()
        np.testing.assert_allclose(mirrored(T), right.prediction.T_centre_to_first, atol=1e-12)

    def test_without_a_side_motion_is_told_along_plus_z(self, sweep):
        told = track(sweep, model())
        assert (told.prediction.T_centre_to_first[1:, 2, 3] > 0).all()
        assert told.side == ""

    def test_an_unknown_side_is_refused(self, sweep):
        with pytest.raises(ValueError, match="side must be one of"):
            track(sweep, model(), side="both")


class TestTurnedProbe:
    def test_is_found_by_its_pictures_and_told_as_recorded(self, rng):
        flipped = recording(rng, is_flipped=True)
        found = track(flipped, model(), side="right", sweep_type="p_a")
        assert found.is_turned
        np.testing.assert_allclose(
            found.prediction.T_centre_to_first[1], TURN @ STEP @ TURN, atol=1e-12
        )
        assert not found.prediction.is_flipped

    def test_one_that_is_known_is_told_alike(self, rng):
        flipped = recording(rng, is_flipped=True)
        found, known = (
            track(flipped, model(), side="right", sweep_type="p_a", is_flipped=is_known)
            for is_known in (False, True)
        )
        assert known.is_turned
        np.testing.assert_array_equal(
            found.prediction.T_centre_to_first, known.prediction.T_centre_to_first
        )

    def test_tissue_lands_in_the_same_place_either_way(self, rng):
        upright = recording(rng)
        flipped = recording(np.random.default_rng(20260101), is_flipped=True)
        np.testing.assert_array_equal(flipped.frames[:, :, ::-1], upright.frames)
        T, T_flipped = (
            track(one, model(), side="right", sweep_type="p_a").prediction.T_centre_to_first
            for one in (upright, flipped)
        )
        seen = np.array([[3.0, 5.0, 0.0]])
        turned = geometry.apply(TURN, seen)
        np.testing.assert_allclose(
            geometry.apply(T_flipped, turned), geometry.apply(TURN, geometry.apply(T, seen))
        )

    def test_no_picture_of_its_type_means_not_looked_for(self, rng):
        flipped = recording(rng, is_flipped=True)
        assert not track(flipped, model(), side="right", sweep_type="p_d").is_turned


class TestWhatIsThere:
    def test_inertial_rotation_is_reported(self, sweep):
        assert track(sweep, model()).has_imu
        assert not track(replace(sweep, imu=None), model()).has_imu

    def test_names_come_with_the_poses(self, sweep):
        one = track(sweep, model(), subject_id="S7", sweep_id="mine").prediction
        assert (one.subject_id, one.sweep_id) == ("S7", "mine")
        assert track(sweep, model()).prediction.sweep_id == "p_a"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda sweep: sweep.select(slice(0, 5)), "must have at least 6 frames"),
            (lambda sweep: replace(sweep, frames=sweep.frames[:, :12]), "input_px must lie"),
            (lambda sweep: replace(sweep, frames=np.full_like(sweep.frames, 7)), "one grey, 7"),
            (
                lambda sweep: replace(sweep, frames=np.repeat(sweep.frames[:1], 40, axis=0)),
                "all 40 pictures are the same",
            ),
        ],
    )
    def test_what_has_no_motion_to_predict_is_refused(self, sweep, change, message):
        with pytest.raises(ValueError, match=message):
            track(change(sweep), model())
