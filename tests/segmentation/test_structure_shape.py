"""Shapes of structures: boxes and balls whose measures are known, on unequal spacings."""

import numpy as np
import pytest

from hipus.labels import HipLabel
from hipus.segmentation.structure_shape import STRUCTURES, measure_structures, shape_table

SPACING = (0.8, 0.5, 0.4)
HEAD = HipLabel.FEMORAL_HEAD


def ball(radii_mm, *, shape=(30, 44, 52), middle_mm=(12.1, 11.2, 10.3), spacing=SPACING):
    """Return labels with a head of given semi-axes (z, y, x)."""
    places = np.indices(shape).transpose(1, 2, 3, 0) * spacing
    inside = (((places - middle_mm) / np.asarray(radii_mm)) ** 2).sum(axis=-1) <= 1
    return (inside * int(HEAD)).astype(np.uint8)


def measured(labels, label=HEAD, spacing=SPACING):
    """Return one structure's measures."""
    return measure_structures(labels, spacing, structures=[label])[0]


@pytest.fixture
def box() -> np.ndarray:
    """Return an ilium of 6 x 4 x 5 voxels away from the sides."""
    labels = np.zeros((12, 10, 11), np.uint8)
    labels[3:9, 2:6, 4:9] = HipLabel.ILIUM
    return labels


class TestSizeAndWholeness:
    def test_a_box_has_its_volume_and_sides(self, box):
        found = measured(box, HipLabel.ILIUM)
        assert found.structure == "ilium"
        assert found.volume_mm3 == pytest.approx(6 * 4 * 5 * 0.16)
        sides = (found.extent_z_mm, found.extent_y_mm, found.extent_x_mm)
        assert sides == pytest.approx((4.8, 2.0, 2.0))
        assert (found.component_count, found.largest_component_share) == (1, 1.0)
        assert (found.hole_share, found.slice_gap_mm, found.slice_jump_mm) == (0, 0, 0)
        assert np.isnan(found.axis_ratio)

    def test_pieces_that_touch_by_a_corner_are_one(self, box):
        box[9, 6, 9] = HipLabel.ILIUM
        assert measured(box, HipLabel.ILIUM).component_count == 1
        box[9, 6, 9], box[11, 9, 10] = 0, HipLabel.ILIUM
        found = measured(box, HipLabel.ILIUM)
        assert (found.component_count, found.largest_component_share) == (2, 120 / 121)

    def test_holes_are_what_a_slice_encloses_whoever_fills_it(self, box):
        box[4, 3:5, 5:7] = 0
        box[5, 3, 5] = HipLabel.FEMORAL_HEAD
        box[6, 2, 6] = 0  # a notch at the rim is no hole
        found = measured(box, HipLabel.ILIUM)
        assert found.hole_share == pytest.approx(5 / (120 - 6))

    def test_a_gap_is_counted_along_the_sweep(self, box):
        box[5:7] = 0
        found = measured(box, HipLabel.ILIUM)
        assert found.slice_gap_mm == pytest.approx(1.6)
        assert found.component_count == 2

    def test_what_is_absent_has_no_measures_but_a_row(self, box):
        found = measure_structures(box, SPACING)
        assert [shape.structure for shape in found] == [label.name.lower() for label in STRUCTURES]
        assert (found[1].volume_mm3, found[1].component_count) == (0.0, 0)
        assert np.isnan(found[1].hole_share)

    def test_margins_and_position_do_not_matter(self, box):
        moved = np.roll(box, (3, 4, 2), axis=(0, 1, 2))  # now at three faces of the array
        assert shape_table(measure_structures(moved, SPACING)).equals(
            shape_table(measure_structures(box, SPACING))
        )


class TestSteadiness:
    def test_a_section_that_jumps_is_measured_in_the_slice_plane(self, box):
        box[6:9] = np.roll(box[6:9], (3, 2), axis=(1, 2))
        found = measured(box, HipLabel.ILIUM)
        assert found.slice_jump_mm == pytest.approx(np.hypot(3 * 0.5, 2 * 0.4))

    def test_small_sections_have_no_steady_centre(self, box):
        box[9, 2, 4] = HipLabel.ILIUM  # one voxel far from the section's centre
        assert measured(box, HipLabel.ILIUM).slice_jump_mm == 0
        alone = np.zeros((3, 4, 5), np.uint8)
        alone[1, 1, 1] = HipLabel.ILIUM
        assert np.isnan(measured(alone, HipLabel.ILIUM).slice_jump_mm)

    def test_streaks_are_voxels_that_their_neighbours_outvote(self, box):
        clean = measured(box, HipLabel.ILIUM).streak_share
        assert clean == 0  # a run of six slices has its majority everywhere
        box[5, 2, 4:9] = 0  # five voxels missing in one slice
        box[6, 6, 4:7] = HipLabel.ILIUM  # three more in another
        assert measured(box, HipLabel.ILIUM).streak_share == pytest.approx(8 / 118)

    def test_jitter_of_slices_shows_in_streaks_jumps_and_form(self, rng):
        smooth = ball((8.0, 8.0, 8.0), spacing=SPACING)
        torn = np.stack(
            [np.roll(section, rng.integers(-2, 3, 2), axis=(0, 1)) for section in smooth]
        )
        before, after = measured(smooth), measured(torn)
        assert after.volume_mm3 == before.volume_mm3
        assert after.streak_share > 3 * before.streak_share
        assert after.slice_jump_mm > before.slice_jump_mm + 0.5
        assert after.ellipsoid_overlap < before.ellipsoid_overlap - 0.02


class TestFormOfTheHead:
    def test_a_ball_is_a_sphere_of_its_radius(self):
        found = measured(ball((8.0, 8.0, 8.0)))
        assert found.sphere_radius_mm == pytest.approx(8.0, abs=0.1)
        assert found.sphere_residual_share < 0.03
        assert found.sphere_volume_ratio == pytest.approx(1.0, abs=0.03)
        assert found.axis_ratio == pytest.approx(1.0, abs=0.01)
        assert found.ellipsoid_overlap > 0.985

    def test_an_ovoid_is_no_ball_but_whole(self):
        found = measured(ball((6.0, 9.0, 7.5)))
        assert found.axis_ratio == pytest.approx(1.5, abs=0.02)
        assert found.ellipsoid_overlap > 0.98
        assert found.sphere_residual_share > 0.08

    def test_half_a_ball_is_deformed(self):
        """Variances of half a ball of radius R: R^2 / 5 along the cut, 19/320 R^2 across."""
        half = ball((8.0, 8.0, 8.0))
        half[:, :, 26:] = 0  # the middle lies at 25.75
        found = measured(half)
        assert found.axis_ratio == pytest.approx(np.sqrt((1 / 5) / (19 / 320)), rel=0.05)
        assert found.ellipsoid_overlap < 0.92

    def test_moving_and_turning_about_right_angles_changes_nothing(self):
        iso = (0.5, 0.5, 0.5)
        labels = ball((6.0, 8.0, 7.0), shape=(40, 40, 40), middle_mm=(9, 10, 10.5), spacing=iso)
        here = measured(labels, spacing=iso)
        there = measured(np.transpose(labels, (1, 2, 0))[::-1], spacing=iso)
        for name in ("sphere_radius_mm", "axis_ratio", "ellipsoid_overlap", "volume_mm3"):
            assert getattr(there, name) == pytest.approx(getattr(here, name))

    def test_doubled_spacing_doubles_lengths_and_leaves_shares(self):
        labels = ball((6.0, 8.0, 7.0))
        one, two = measured(labels), measured(labels, spacing=[2 * side for side in SPACING])
        assert two.sphere_radius_mm == pytest.approx(2 * one.sphere_radius_mm)
        assert two.volume_mm3 == pytest.approx(8 * one.volume_mm3)
        assert two.ellipsoid_overlap == pytest.approx(one.ellipsoid_overlap)

    def test_a_single_voxel_is_measured_without_warning(self):
        labels = np.zeros((3, 4, 5), np.uint8)
        labels[1, 2, 3] = HEAD
        found = measured(labels)
        assert found.axis_ratio == pytest.approx(2.0)  # 0.8 against 0.4 mm
        assert np.isfinite(found.sphere_radius_mm)


class TestRefusals:
    @pytest.mark.parametrize(
        ("labels", "spacing", "message"),
        [
            (np.zeros((4, 5), np.uint8), SPACING, r"must be \(D, H, W\) integer, got \(4, 5\)"),
            (np.zeros((4, 5, 6)), SPACING, "integer, got .* float64"),
            (np.full((4, 5, 6), 7, np.uint8), SPACING, r"labels must be of .* got \[7\]"),
            (np.zeros((4, 5, 6), np.uint8), (0.5, 0.0, 1.0), "3 positive numbers"),
            (np.zeros((4, 5, 6), np.uint8), (0.5, 1.0), "3 positive numbers"),
        ],
    )
    def test_what_is_no_label_volume_is_named(self, labels, spacing, message):
        with pytest.raises(ValueError, match=message):
            measure_structures(labels, spacing)
