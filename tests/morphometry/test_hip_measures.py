"""One call measures a hip of any rotation, side and spacing, or says what is missing."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus.morphometry.hip_measures import FACING, measure_hip
from hipus.morphometry.measures import as_json
from hipus.morphometry.section_quality import MET
from hipus.morphometry.shape_measures import UNITS
from hipus.morphometry.volume_uncertainty import Uncertainty

HIP = MadeHip()


def made(hip=HIP, seed=1, spacing=(0.8, 0.8, 0.8), change=None):
    """Return a made hip in a volume, changed by labels and places in the hip."""
    turn = np.eye(3) if seed is None else Rotation.random(random_state=seed).as_matrix()
    volume = put_in_volume(hip, turn, spacing)
    if change is not None:
        change(volume.labels, volume.places())
    return volume


def measured(volume, **options):
    given = {"scheme": "hip", "spacing_zyx_mm": volume.spacing_zyx_mm} | options
    return measure_hip(volume.labels, **given)


def value(found, name):
    return found.measures[name].value


class TestAnyVolume:
    @pytest.mark.parametrize(
        ("side", "alpha", "coverage", "seed", "spacing"),
        [
            ("left", 60.0, 55.0, None, (0.8, 0.8, 0.8)),
            ("right", 44.0, 35.0, 2, (0.6, 0.9, 0.7)),
            ("left", 72.0, 60.0, 4, (0.5, 0.6, 0.5)),
        ],
    )
    def test_numbers_are_those_it_was_made_with(self, side, alpha, coverage, seed, spacing):
        hip = MadeHip(alpha_deg=alpha, coverage_percent=coverage, side=side)
        found = measured(made(hip, seed, spacing))
        assert list(found.measures) == list(UNITS)
        assert found.side == side
        assert value(found, "alpha_deg") == pytest.approx(alpha, abs=2.0)
        assert value(found, "alpha_anterior_deg") == pytest.approx(alpha - 2.8, abs=2.5)
        assert value(found, "alpha_posterior_deg") == pytest.approx(alpha + 2.8, abs=2.5)
        assert value(found, "femoral_head_coverage_percent") == pytest.approx(coverage, abs=2.0)
        assert value(found, "head_radius_mm") == pytest.approx(8.0, abs=0.05)
        assert value(found, "head_sphericity") > 0.97
        assert value(found, "posterior_displacement_mm") == pytest.approx(0.0, abs=0.7)

    def test_coverage_in_3d_is_the_caps(self):
        found = measured(made())
        u = 2 * 0.55 - 1
        cap = 100 * (2 + 3 * u - u**3) / 4
        assert value(found, "femoral_head_coverage_3d_percent") == pytest.approx(cap, abs=2.5)
        assert value(found, "head_under_roof_percent") == pytest.approx(cap, abs=2.5)

    def test_a_doubled_spacing_would_be_another_hip(self):
        found = measure_hip(made().labels, scheme="hip", spacing_zyx_mm=(1.6, 1.6, 1.6))
        assert found.measures["alpha_deg"].value is None or value(found, "head_radius_mm") > 15

    def test_head_displaced_is_displaced_by_as_much(self):
        def move(labels, points):
            labels[labels == 2] = 0
            labels[np.linalg.norm(points - [4.0, 0.0, 1.5], axis=-1) < 8.0] = 2

        there, moved = measured(made()), measured(made(change=move))
        for name, by in (("lateral", 4.0), ("superior", 1.5), ("posterior", 0.0)):
            name = f"{name}_displacement_mm"
            assert value(moved, name) - value(there, name) == pytest.approx(by, abs=0.4)
        gone = value(there, "femoral_head_coverage_percent") - 100 * 4.0 / 16
        assert value(moved, "femoral_head_coverage_percent") == pytest.approx(gone, abs=1.5)


class TestPlace:
    def test_plane_and_landmarks_lie_in_the_world(self):
        volume = made()
        direction = Rotation.from_euler("xyz", [10, 80, -30], degrees=True).as_matrix()
        origin = (100.0, -20.0, 3.0)
        found = measured(volume, origin_xyz_mm=origin, direction=direction)

        def to_hip(point):
            return volume.to_hip((point - origin) @ direction)

        np.testing.assert_allclose(to_hip(found.landmarks_mm["head_centre"]), 0, atol=0.1)
        rim = to_hip(found.landmarks_mm["bony_rim"])
        np.testing.assert_allclose(rim, [HIP.face_mm - 0.3, 0, HIP.rim_mm], atol=0.8)
        limb = to_hip(found.landmarks_mm["lower_limb"])
        assert np.linalg.norm(limb - rim) == pytest.approx(HIP.roof_mm, abs=1.0)
        for name, height in (("wing_caudal", 14.0), ("wing_cranial", 22.0)):
            place = to_hip(found.landmarks_mm[name])
            np.testing.assert_allclose(place, [HIP.face_mm, 0, height], atol=1.2)
        axes = np.array([found.plane.lateral, found.plane.posterior, found.plane.superior])
        np.testing.assert_allclose(
            axes @ direction @ volume.axes.T, np.eye(3), atol=np.sin(np.radians(3.5))
        )
        assert found.plane.score.total > 0.85

    def test_numbers_do_not_depend_on_where_the_volume_lies(self):
        volume = made()
        here = measured(volume)
        there = measured(volume, origin_xyz_mm=(9.0, 9.0, 9.0), direction=np.eye(3)[[2, 0, 1]])
        assert here.measures == there.measures
        assert here.side == there.side

    def test_a_mirrored_world_shows_the_other_side(self):
        found = measured(made(), direction=np.diag([-1.0, 1.0, 1.0]))
        assert found.side == "right"
        assert value(found, "alpha_deg") == value(measured(made()), "alpha_deg")

    def test_the_graf_planes_section_is_judged(self):
        checks = {check.name: check.state for check in measured(made()).checks}
        assert checks["lower limb"] == MET
        assert checks["ilium straight"] == MET
        assert checks["labrum"] == "not assessable"


class TestSide:
    UNCLEAR = replace(HIP, femur_posterior_mm=0.0, alpha_growth_deg=0.0)

    def test_too_little_evidence_refuses_what_it_would_swap_and_no_more(self):
        found = measured(made(self.UNCLEAR))
        assert found.side is None
        for name in FACING:
            assert "front and back cannot be told apart" in found.measures[name].refusal
        assert value(found, "alpha_deg") == pytest.approx(60.0, abs=2.0)

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_a_stated_side_decides_then(self, side):
        found = measured(made(self.UNCLEAR), side=side)
        assert found.side == side
        assert not any(found.measures[name].is_refused for name in FACING)
        assert abs(found.side_log_odds) < 1.5

    def test_a_stated_side_against_strong_evidence_is_doubted(self):
        found = measured(made(), side="right")
        assert found.side == "right"
        assert found.side_log_odds < -3
        for name in FACING:
            assert "stated as right, anatomy says the other" in found.measures[name].refusal
        assert not found.measures["alpha_deg"].is_refused

    def test_a_stated_side_that_anatomy_confirms_changes_nothing(self):
        assert measured(made(), side="left").measures == measured(made()).measures


class TestMissing:
    def refusals(self, change, **options):
        found = measured(made(change=change), **options)
        return found, {name: one.refusal for name, one in found.measures.items() if one.refusal}

    def test_no_head_refuses_everything(self):
        found, why = self.refusals(lambda labels, _: labels.__setitem__(labels == 2, 0))
        assert set(why) == set(UNITS)
        assert set(why.values()) == {"no femoral head label"}
        assert found.plane is None
        assert found.checks == ()

    def test_no_ilium_leaves_the_head(self):
        _, why = self.refusals(lambda labels, _: labels.__setitem__(labels == 1, 0))
        assert set(UNITS) - set(why) == {"head_radius_mm", "head_sphericity"}
        assert why["alpha_deg"] == "no ilium label"

    def test_no_roof_leaves_coverage(self):
        def change(labels, points):
            labels[(labels == 1) & (points[..., 0] < HIP.face_mm - 1.2)] = 0

        found, why = self.refusals(change)
        assert "roof is missing" in why["alpha_deg"] or "lower limb" in why["alpha_deg"]
        assert "alpha_deg" in why
        assert "lateral_displacement_mm" in why
        assert "acetabular_contact_angle_deg" in why
        assert value(found, "femoral_head_coverage_percent") == pytest.approx(55.0, abs=2.0)
        assert "bony_rim" not in found.landmarks_mm

    def test_head_out_of_view_has_no_sphericity(self):
        def cut(labels, points):
            labels[(labels == 2) & (points[..., 2] < -3.0)] = 3

        found, why = self.refusals(cut)
        assert "the head is out of view" in why["head_sphericity"]
        assert value(found, "head_radius_mm") == pytest.approx(8.0, abs=0.1)

    def test_labrum_and_floor_are_asked_for_by_name(self):
        _, why = self.refusals(None)
        assert why["beta_deg"] == "no labrum label"
        assert why["acetabular_depth_mm"] == "no label of the acetabular floor"
        assert "show no rounding" in why["osculating_circle_radius_mm"]
        assert len(why) == 3

    def test_without_spacing_there_are_angles_and_no_millimetres(self):
        scaled = measured(made())
        found, why = self.refusals(None, spacing_zyx_mm=None)
        for name, unit in UNITS.items():
            if unit == "mm":
                assert why[name] == "no voxel spacing: lengths cannot be given"
        for name in ("alpha_deg", "femoral_head_coverage_percent"):
            assert value(found, name) == pytest.approx(value(scaled, name), abs=0.3)

    @pytest.mark.parametrize("labels", [np.zeros((5, 6, 7)), np.ones((3, 3, 3)),
                                        np.full((30, 30, 30), 2)])  # fmt: skip
    @pytest.mark.parametrize("spacing", [(0.8, 0.8, 0.8), None])
    def test_nonsense_is_refused_not_measured(self, labels, spacing):
        found = measure_hip(labels.astype(np.uint8), scheme="hip", spacing_zyx_mm=spacing)
        assert found.measures["alpha_deg"].is_refused

    def test_noise_is_refused_not_measured(self, rng):
        labels = rng.integers(0, 5, (30, 30, 30)).astype(np.uint8)
        found = measure_hip(labels, scheme="hip", spacing_zyx_mm=(0.8, 0.8, 0.8))
        assert found.measures["alpha_deg"].is_refused

    def test_masks_of_the_other_scheme_are_measured_too(self):
        volume = made(change=lambda labels, _: labels.__setitem__(labels > 2, 0))
        found = measured(volume, scheme="stills")
        assert value(found, "alpha_deg") == pytest.approx(60.0, abs=2.0)


class TestIntervals:
    def test_every_number_of_the_surfaces_has_one(self):
        rng = np.random.default_rng(0)
        found = measured(made(), rng=rng, uncertainty=Uncertainty(label_sd_mm=0.3, draws=20))
        assert found.measures["alpha_deg"].lower < 60.0 < found.measures["alpha_deg"].upper
        with_none = {n for n, one in found.measures.items() if one.value and one.lower is None}
        assert with_none == {"head_sphericity"}
        json.dumps(as_json(found.measures))

    def test_an_uncertainty_without_rng(self):
        with pytest.raises(ValueError, match="uncertainty needs an rng to draw with, got None"):
            measured(made(), uncertainty=Uncertainty())


class TestWrongArguments:
    def test_an_unknown_side(self):
        with pytest.raises(ValueError, match=r"side must be one of \('left', 'right'\), got 'L'"):
            measured(made(), side="L")

    def test_an_unknown_scheme(self):
        for spacing in ((1, 1, 1), None):
            with pytest.raises(ValueError, match="scheme must be one of"):
                measure_hip(made().labels, scheme="bones", spacing_zyx_mm=spacing)
