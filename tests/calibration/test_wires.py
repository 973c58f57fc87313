import re

import numpy as np
import pytest
from wire_scenes import make_phantom

from hipus import geometry
from hipus.calibration.wires import NWirePhantom, SegmentationSettings

FRONT = [[0, 20, 30], [5, 8, 25]]
BACK = [[0, 10, 30], [5, 22, 25]]


def two_layers(front=FRONT, back=BACK) -> NWirePhantom:
    return make_phantom(front, back, heights=(10.0, 0.0))


class TestMiddlePoints:
    def test_the_ratio_on_the_n_places_the_middle_dot_on_its_wire(self):
        # Layer 0: middle at half the width (x = 15), half-way from 20 to 10, so y = 18.
        # Layer 1: middle at 5 + 0.325 * 20 = 11.5, a quarter of the way from 8 to 22: y = 9.
        points = np.array([[0, 0], [50, 0], [100, 0], [300, 40], [365, 40], [500, 40.0]])
        expected = [[15, 18, 10], [11.5, 9, 0]]
        np.testing.assert_allclose(two_layers().middle_points_mm(points), expected, atol=1e-12)

    def test_pixels_need_not_be_square_nor_lines_level(self, scene):
        placed = scene.phantom.middle_points_mm(scene.points_px)
        T = geometry.relative(scene.phantom.T_phantom_to_reference, scene.T_probe_to_reference)
        flat = np.pad(scene.points_px[:, 1::3], ((0, 0), (0, 0), (0, 1)))
        np.testing.assert_allclose(
            placed, geometry.apply(T @ scene.T_pixel_to_probe, flat), atol=1e-9
        )

    def test_missing_dots_stay_missing(self, phantom):
        assert np.isnan(phantom.middle_points_mm(np.full((4, 9, 2), np.nan))).all()


class TestNormals:
    def test_normals_are_unit_and_square_to_the_wire_and_each_other(self, phantom):
        axes = np.concatenate([phantom.normals, phantom.directions[:, None]], axis=1)
        gram = axes @ np.swapaxes(axes, 1, 2)
        np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-12)


class TestBadPhantoms:
    @pytest.mark.parametrize(
        ("front", "back", "message"),
        [
            (FRONT[:1], BACK[:1], ">= 2 patterns of 3 wires, got 3"),
            (FRONT, [[0, 10, 31], BACK[1]], "outer wires must be parallel"),
            ([[0, 20, 0.5], FRONT[1]], [[0, 10, 0.5], BACK[1]], "must be >= 1 mm apart"),
            (FRONT, [[0, 20, 30], BACK[1]], "must run obliquely"),
            (FRONT, [[0, 35, 30], BACK[1]], "must run obliquely"),
        ],
    )
    def test_what_is_no_n_is_refused(self, front, back, message):
        heights = (10.0, 0.0)[: len(front)]
        with pytest.raises(ValueError, match=re.escape(message)):
            make_phantom(front, back, heights=heights)

    def changed(self, **fields):
        whole = two_layers()
        known = {
            name: getattr(whole, name)
            for name in ("names", "front_mm", "back_mm", "T_phantom_to_reference", "segmentation")
        }
        return NWirePhantom(**(known | fields))

    def test_a_middle_wire_out_of_the_plane_is_refused(self):
        back = two_layers().back_mm.copy()
        back[1, 2] += 0.5
        with pytest.raises(ValueError, match=r"wires must lie in one plane, got 0\.5 mm off"):
            self.changed(back_mm=back)

    def test_a_wire_without_length_is_refused(self):
        whole = two_layers()
        back = whole.back_mm.copy()
        back[4] = whole.front_mm[4]
        with pytest.raises(ValueError, match=r"wire 3, wire 4, wire 5: every wire must be"):
            self.changed(back_mm=back)

    def test_two_wires_of_one_name_are_refused(self):
        with pytest.raises(ValueError, match="wire names must differ, got a, b, a, d, e, f"):
            self.changed(names=("a", "b", "a", "d", "e", "f"))

    def test_wrong_shapes_and_nan_are_refused(self):
        with pytest.raises(ValueError, match=re.escape("front_mm must be finite (6, 3), got (5")):
            self.changed(front_mm=two_layers().front_mm[:5])
        with pytest.raises(ValueError, match="back_mm must be finite"):
            self.changed(back_mm=np.full((6, 3), np.nan))

    def test_a_mirrored_registration_is_refused(self):
        with pytest.raises(ValueError, match="T_phantom_to_reference is a reflection"):
            self.changed(T_phantom_to_reference=np.diag([1.0, 1, -1, 1]))


class TestBadSettings:
    @pytest.mark.parametrize(
        "name", ["approximate_spacing_mm", "opening_radius_mm", "collinear_distance_mm"]
    )
    def test_sizes_must_be_positive(self, name):
        with pytest.raises(ValueError, match=f"{name} must be a positive number, got 0"):
            SegmentationSettings(**({"approximate_spacing_mm": 0.1} | {name: 0.0}))

    def test_half_a_clip_rectangle_is_refused(self):
        with pytest.raises(ValueError, match="must be given together"):
            SegmentationSettings(0.1, clip_origin_px=(3, 4))
