"""The Graf plane parts the wing into halves that mirror each other, wherever the search starts."""

from dataclasses import replace

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus.morphometry.graf_plane import PlaneScore, find_plane
from hipus.morphometry.head_sphere import fit_head
from hipus.morphometry.hip_axes import HipAxes
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused

TURN = Rotation.random(random_state=5).as_matrix()


def searched(hip, *, pitch_deg=0.0, turn=TURN, change=None):
    """Return the plane found from axes that are off by a pitch, and the hip's own axes."""
    made = put_in_volume(hip, turn, (0.8, 0.9, 0.8))
    if change is not None:
        change(made.labels)
    volume = LabelVolume(made.labels, made.spacing_zyx_mm)
    start = HipAxes(fit_head(volume).centre_mm, made.axes).turned(pitch_rad=np.radians(pitch_deg))
    return find_plane(volume, fit_head(volume), start), made


class TestSearch:
    @pytest.mark.parametrize("pitch_deg", [-20.0, -7.0, 0.0, 15.0])
    def test_a_wrong_first_guess_is_turned_right(self, pitch_deg):
        plane, made = searched(MadeHip(), pitch_deg=pitch_deg)
        posterior, superior = (plane.axes.axes @ made.axes.T)[1:]
        assert np.degrees(np.arctan2(superior[1], superior[2])) == pytest.approx(0.0, abs=2.5)
        assert posterior[1] > np.cos(np.radians(2.5))

    def test_origin_is_the_heads_centre_moved_along_posterior(self):
        plane, made = searched(MadeHip(side="right"))
        place = made.to_hip(plane.axes.origin_mm)
        np.testing.assert_allclose(place, [0, plane.offset_mm, 0], atol=0.1)
        assert abs(plane.offset_mm) < 0.7

    def test_a_wing_that_is_seen_further_in_front_leaves_the_plane_near(self):
        # A sweep that ended early: nothing lies in the volume there, so nothing is compared.
        plane, made = searched(MadeHip(), turn=np.eye(3), change=None)
        cut = int((made.centre_mm[1] + 9.0) / 0.9)
        volume = LabelVolume(made.labels[:, :cut].copy(), made.spacing_zyx_mm)
        head = fit_head(volume)
        again = find_plane(volume, head, HipAxes(head.centre_mm, made.axes))
        turned = np.degrees(np.arccos(np.clip(again.axes.axes[2] @ plane.axes.axes[2], -1, 1)))
        assert turned < 6.0

    def test_scores_of_a_good_plane_are_high(self):
        plane, _ = searched(MadeHip())
        assert plane.score.total > 0.9
        assert plane.pitch_spread_deg < 6.0

    def test_a_missing_roof_costs_score(self):
        def without_roof(labels):
            labels[labels == 4] = 0

        whole, _ = searched(MadeHip())
        wing, _ = searched(replace(MadeHip(), roof_mm=1.5), change=without_roof)
        assert wing.score.limb == 0.0
        assert wing.score.total < whole.score.total

    def test_bone_out_of_reach_has_no_graf_plane(self):
        hip = replace(MadeHip(), rim_mm=40.0)
        made = put_in_volume(hip, np.eye(3), (1.5, 1.5, 1.5), half_mm=50.0)
        volume = LabelVolume(made.labels, made.spacing_zyx_mm)
        head = fit_head(volume)
        with pytest.raises(VolumeRefused, match="no Graf plane: none shows iliac wing and lower"):
            find_plane(volume, head, HipAxes(head.centre_mm, made.axes))


class TestScore:
    def test_total_is_hand_worked(self):
        assert PlaneScore(1.0, 1.0, 1.0, 1.0).total == 1.0
        assert PlaneScore(0.5, 1.0, 1.0, 0.8).total == pytest.approx(0.4)
        assert PlaneScore(1.0, 0.0, 0.5, 1.0).total == pytest.approx(0.925)
