"""The Graf plane's picture shows what was measured, where it was measured."""

from dataclasses import replace

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus.images import Volume
from hipus.labels import HipLabel
from hipus.morphometry.hip_measures import measure_hip
from hipus.morphometry.measures import refused
from hipus.morphometry.plane_section import cut_plane, nominal_side_mm

ORIGIN_MM, DIRECTION = (5.0, -20.0, 11.0), Rotation.from_euler("z", 30, degrees=True).as_matrix()
#: Of the made volume: a left hip in the world, because the direction is a rotation.
MADE = put_in_volume(
    MadeHip(), Rotation.random(random_state=3).as_matrix(), (0.9, 1.1, 1.0), half_mm=25.0
)
WORLD = Volume(MADE.labels, MADE.spacing_zyx_mm, ORIGIN_MM, DIRECTION)


def measured(**options):
    """Return what the made hip measures, without intervals."""
    given = {"spacing_zyx_mm": MADE.spacing_zyx_mm, "scheme": "hip"} | options
    return measure_hip(MADE.labels, **given)


@pytest.fixture(scope="module")
def hip():
    """Return the made hip as it lies in the world."""
    return measured(origin_xyz_mm=ORIGIN_MM, direction=DIRECTION)


@pytest.fixture(scope="module")
def cut(hip):
    """Return its plane; grey levels tell the world's x, mm."""
    index = np.stack(np.meshgrid(*map(np.arange, MADE.labels.shape), indexing="ij")[::-1], -1)
    places = index * np.array(MADE.spacing_zyx_mm[::-1]) @ DIRECTION.T + ORIGIN_MM
    return cut_plane(hip, WORLD, scheme="hip", grey=places[..., 0])


def angle_deg(a, b):
    """Return the angle between two directions."""
    return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def point(cut, name):
    """Return a landmark, mm from the picture's corner."""
    return np.array(cut.section.landmarks_px[name]) * cut.spacing_yx_mm[0]


class TestConstruction:
    def test_drawn_lines_have_the_angle_that_the_report_states(self, hip, cut):
        wing = point(cut, "wing_cranial") - point(cut, "wing_caudal")
        roof = point(cut, "bony_rim") - point(cut, "lower_limb")
        drawn = 180.0 - angle_deg(wing, -roof)
        assert drawn == pytest.approx(hip.measures["alpha_deg"].value, abs=0.2)

    def test_drawn_d_over_diameter_is_the_reported_coverage(self, hip, cut):
        d = np.linalg.norm(point(cut, "head_medial") - point(cut, "head_baseline"))
        diameter = np.linalg.norm(point(cut, "head_medial") - point(cut, "head_lateral"))
        reported = hip.measures["femoral_head_coverage_percent"].value
        assert 100 * d / diameter == pytest.approx(reported, abs=0.2)

    def test_landmarks_lie_on_their_structures(self, cut):
        v, u = np.nonzero(cut.labels == HipLabel.ILIUM)
        for name in ("bony_rim", "lower_limb", "wing_cranial", "wing_caudal"):
            away = np.hypot(*(np.array([u, v]) - np.array(cut.section.landmarks_px[name])[:, None]))
            assert away.min() * cut.spacing_yx_mm[0] < 1.2, name
        middle = [np.mean(axis) for axis in np.nonzero(cut.labels == HipLabel.FEMORAL_HEAD)]
        ends = [cut.section.landmarks_px[f"head_{name}"] for name in ("lateral", "medial")]
        np.testing.assert_allclose(np.mean(ends, axis=0)[::-1], middle, atol=2.0)

    def test_lateral_is_up_and_cranial_left(self, cut):
        at = cut.section.landmarks_px
        assert at["head_lateral"][1] < at["head_medial"][1]
        assert at["wing_cranial"][0] < at["wing_caudal"][0] < at["lower_limb"][0]
        assert cut.section.cranial == "left"

    def test_numbers_are_those_of_the_volume(self, hip, cut):
        assert cut.section.alpha_deg is hip.measures["alpha_deg"]
        assert cut.section.beta_deg.refusal == "no labrum label"
        diameter = cut.section.head_diameter_mm
        assert diameter.value == 2 * hip.measures["head_radius_mm"].value
        assert cut.section.checks == hip.checks

    def test_what_is_refused_is_not_drawn(self, hip):
        why = {name: refused("made so", "deg") for name in ("alpha_deg",)}
        why["femoral_head_coverage_percent"] = refused("made so", "percent")
        without = replace(hip, measures={**hip.measures, **why})
        found = cut_plane(without, WORLD, scheme="hip")
        assert set(found.section.landmarks_px) == {"wing_caudal", "wing_cranial"}


class TestPicture:
    def test_grey_levels_come_from_the_place_that_is_drawn(self, hip, cut):
        u, v = (int(round(one)) for one in cut.section.landmarks_px["head_baseline"])
        corner = np.array([16.0, 27.0])  # lateral, superior of the first pixel
        lateral, superior = corner - cut.spacing_yx_mm[0] * np.array([v, u])
        place = hip.plane.origin_mm + lateral * hip.plane.lateral + superior * hip.plane.superior
        assert cut.picture[v, u] == pytest.approx(place[0], abs=1e-3)

    def test_no_grey_levels_make_no_picture(self, hip):
        assert cut_plane(hip, WORLD, scheme="hip").picture is None

    def test_grey_levels_of_another_shape_are_refused(self, hip):
        with pytest.raises(ValueError, match=r"grey must be \(\d+, \d+, \d+\) like labels"):
            cut_plane(hip, WORLD, scheme="hip", grey=np.zeros((2, 3, 4)))


class TestWithoutSpacing:
    def test_a_nominal_head_is_the_scale(self):
        labels = np.zeros((40, 40, 40), np.uint8)
        places = np.moveaxis(np.indices(labels.shape), 0, -1) - 19.5
        labels[np.linalg.norm(places, axis=-1) < 16.0] = HipLabel.FEMORAL_HEAD
        assert nominal_side_mm(labels, "hip") == pytest.approx(0.5, rel=0.01)
        assert np.isfinite(nominal_side_mm(np.zeros((2, 2, 2)), "hip"))

    def test_the_construction_fits_the_labels_all_the_same(self):
        made = put_in_volume(MadeHip(side="right"), np.eye(3), (1.0, 1.0, 1.0), half_mm=24.0)
        hip = measure_hip(made.labels, scheme="hip", spacing_zyx_mm=None)
        sides = (nominal_side_mm(made.labels, "hip"),) * 3
        cut = cut_plane(hip, Volume(made.labels, sides), scheme="hip")
        v, u = np.nonzero(cut.labels == HipLabel.FEMORAL_HEAD)
        assert cut.section.head_diameter_mm.refusal.startswith("no voxel spacing")
        assert cut.section.landmarks_px["head_lateral"][1] == pytest.approx(v.min(), abs=4)
        assert cut.section.landmarks_px["head_medial"][1] == pytest.approx(v.max(), abs=4)


def test_without_a_plane_the_fullest_slice_says_what_is_missing():
    labels = np.zeros((5, 30, 40), np.uint8)
    labels[3, 4:9, 6:20] = HipLabel.ILIUM
    labels[1, 4:6, 6:9] = HipLabel.ILIUM
    hip = measure_hip(labels, scheme="hip", spacing_zyx_mm=(1.0, 0.5, 0.7))
    grey = np.arange(labels.size).reshape(labels.shape)
    cut = cut_plane(hip, Volume(labels, (1.0, 0.5, 0.7)), scheme="hip", grey=grey)
    assert cut.spacing_yx_mm == (0.5, 0.7)
    np.testing.assert_array_equal(cut.picture, grey[3])
    assert not cut.section.landmarks_px
    assert "femoral head" in cut.section.alpha_deg.refusal
