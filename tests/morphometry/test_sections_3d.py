"""Sections are cut where they should be, and neighbours agree on a landmark."""

import numpy as np
import pytest
from made_hips import MadeHip
from test_iliac_wing import placed

from hipus.morphometry.sections_3d import (
    LATERAL_MM,
    SUPERIOR_MM,
    cut_section,
    from_pixel,
    measure_sections,
    smooth_at,
)


def labelled_labrum(labels, points):
    """Put a labrum beside the rim, bent around the head."""
    place = np.array([MadeHip().face_mm + 5.0, 0.0, 8.0])
    sunk = points + np.stack([0 * points[..., 1]] * 2 + [points[..., 1] ** 2 / 20], -1)
    ball = np.hypot(*(sunk[..., [0, 2]] - place[[0, 2]]).T).T < 1.3
    labels[ball & (np.abs(points[..., 1]) < 9)] = 5


class TestCut:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_rows_run_from_lateral_and_columns_from_superior(self, side):
        volume, axes = placed(MadeHip(side=side))
        labels, pixel = cut_section(volume, axes, 0.0)
        assert labels.shape == (
            np.ceil((LATERAL_MM[1] - LATERAL_MM[0]) / pixel),
            np.ceil((SUPERIOR_MM[1] - SUPERIOR_MM[0]) / pixel),
        )
        v, u = np.argwhere(labels == 2).mean(axis=0)
        np.testing.assert_allclose(from_pixel([u, v], pixel), [0, 0], atol=0.15)
        assert np.argwhere(labels == 1)[:, 1].mean() < u  # the ilium lies superior
        assert np.argwhere(labels == 4)[:, 0].mean() < v if (labels == 4).any() else True

    def test_pixels_are_a_third_of_a_voxel_within_limits(self):
        for spacing, pixel in [((0.9, 0.8, 0.8), 0.8 / 3), ((2.0, 2.0, 2.0), 0.35)]:
            assert cut_section(*placed(MadeHip(), spacing), 0.0)[1] == pytest.approx(pixel)

    def test_a_section_off_the_plane_cuts_a_smaller_head(self):
        volume, axes = placed(MadeHip())
        labels, pixel = cut_section(volume, axes, -4.8)
        radius = np.sqrt((labels == 2).sum() * pixel**2 / np.pi)
        assert radius == pytest.approx(6.4, abs=0.15)

    def test_pixels_map_back_to_millimetres(self):
        corner = from_pixel([0, 0], 0.25)
        assert corner.tolist() == [LATERAL_MM[1], SUPERIOR_MM[1]]
        step = from_pixel([[0, 0], [4, 0], [0, 8]], 0.25) - corner
        assert step.tolist() == [[0, 0], [0, -1], [-2, 0]]


class TestLandmarks:
    def test_neighbours_agree_on_rim_and_labrum(self):
        hip = MadeHip(alpha_growth_deg=0.0)
        sections = measure_sections(*placed(hip, (0.4, 0.4, 0.4), change=labelled_labrum))
        rim, labrum = sections.middle_mm("bony_rim"), sections.middle_mm("labrum")
        np.testing.assert_allclose(rim, [hip.face_mm, hip.rim_mm], atol=0.5)
        np.testing.assert_allclose(labrum, [hip.face_mm + 5.0, 8.0], atol=0.15)
        assert sections.refusals == ()
        assert sections.posterior_mm.tolist() == (0.5 * np.arange(-5, 6)).tolist()

    def test_sections_without_a_landmark_say_why(self):
        def change(labels, points):
            labels[(labels == 1) & (points[..., 2] < 11)] = 0

        sections = measure_sections(*placed(MadeHip(), change=change))
        assert len(sections.refusals) == len(sections.posterior_mm)
        assert all("missing" in why for why in sections.refusals)
        assert np.isnan(sections.middle_mm("bony_rim")).all()


class TestSmoothing:
    def test_a_parabola_comes_back_through_gaps_and_strays(self):
        places = np.linspace(-5, 5, 21)
        values = 2.0 + 0.3 * places - 0.1 * places**2
        values[3], values[8], values[15] = np.nan, 9.0, -7.0
        found = smooth_at(places, values, [-4.0, 0.0, 4.0], degree=2)
        np.testing.assert_allclose(found, [-0.8, 2.0, 1.6], atol=1e-3)

    def test_few_values_get_a_lower_degree(self):
        values = [np.nan, 1.0, np.nan, 3.0, np.nan]
        assert smooth_at(range(5), values, [4.0], degree=2) == pytest.approx(2.0)
        assert smooth_at(range(4), [0.0, 1.0, 2.0, 3.0], [5.0], degree=3) == pytest.approx(5.0)

    def test_no_value_gives_none(self):
        assert np.isnan(smooth_at([0, 1], [np.nan, np.nan], [0.0, 3.0], degree=2)).all()
