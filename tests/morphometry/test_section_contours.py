"""Outlines lie where the labels end, in the hip's directions, and dirt does not count."""

import numpy as np
import pytest
from made_sections import HEAD_RADIUS_MM, MadeSection

from hipus.labels import HipLabel
from hipus.morphometry.section_contours import (
    NOMINAL_HEAD_MM,
    OUTSIDE_PART,
    SectionRefused,
    find_contours,
)

FINE = (0.25, 0.25)


def found(labels, spacing_yx_mm=FINE, scheme="hip"):
    """Return the outlines of a mask."""
    return find_contours(labels, scheme=scheme, spacing_yx_mm=spacing_yx_mm)


class TestPlaces:
    @pytest.mark.parametrize("spacing", [(0.25, 0.25), (0.2, 0.35)])
    @pytest.mark.parametrize("cranial", ["left", "right"])
    def test_the_heads_outline_is_a_circle_of_its_radius(self, spacing, cranial):
        made = MadeSection(spacing_yx_mm=spacing, cranial=cranial)
        contours = found(made.labels(), spacing)
        u, v = contours.to_pixel(contours.head_mm).T
        away = np.linalg.norm(made.to_section(u, v) - made.landmarks()["head"], axis=1)
        assert np.abs(away - HEAD_RADIUS_MM).max() < 0.15
        assert away.mean() == pytest.approx(HEAD_RADIUS_MM, abs=0.03)

    def test_lateral_is_up_and_cranial_is_where_the_ilium_lies(self):
        for cranial, sign in (("left", -1), ("right", 1)):
            contours = found(MadeSection(cranial=cranial, turn_deg=0.0).labels())
            assert contours.cranial_sign == sign
            assert contours.labrum_mm[:, 0].mean() > contours.head_mm[:, 0].mean()
            assert contours.ilium_mm[:, 1].mean() > contours.head_mm[:, 1].mean()

    def test_the_band_is_as_thick_as_it_was_drawn(self):
        contours = found(MadeSection().labels())
        assert contours.band_mm == pytest.approx(1.25, abs=0.06)
        assert contours.inset_mm == pytest.approx(OUTSIDE_PART * contours.band_mm)

    def test_thin_bands_on_coarse_pixels_are_not_washed_away(self):
        made = MadeSection(spacing_yx_mm=(0.8, 0.8))
        contours = found(made.labels(), (0.8, 0.8))
        u, v = contours.to_pixel(contours.ilium_mm).T
        place = made.to_section(u, v)
        assert place[:, 1].max() > 20.0
        assert contours.band_mm == pytest.approx(1.25, abs=0.4)

    def test_stills_are_measured_along_the_middle_of_the_band(self):
        made = MadeSection(turn_deg=0.0)
        contours = found(made.still_labels(), scheme="stills")
        u, v = contours.to_pixel(contours.ilium_mm).T
        place = made.to_section(u, v)
        wing = place[(place[:, 1] > 4) & (place[:, 1] < 18)]
        assert wing[:, 0].mean() == pytest.approx(-0.325, abs=0.13)
        assert contours.inset_mm == pytest.approx(-0.26 * contours.band_mm)

    def test_without_a_spacing_the_head_is_the_scale(self):
        contours = found(MadeSection().labels(), None)
        assert not contours.is_scaled
        assert contours.spacing_yx_mm == pytest.approx(FINE, rel=0.01)
        assert np.ptp(contours.head_mm[:, 1]) == pytest.approx(NOMINAL_HEAD_MM, abs=0.15)


class TestDirt:
    def test_islands_and_holes_do_not_count(self):
        labels = MadeSection().labels()
        clean = found(labels)
        v, u = np.argwhere(labels == HipLabel.FEMORAL_HEAD).mean(axis=0).astype(int)
        labels[v - 4 : v + 4, u - 4 : u + 4] = 0
        labels[2:5, 2:5] = HipLabel.ILIUM
        labels[-5:-2, -5:-2] = HipLabel.FEMORAL_HEAD
        dirty = found(labels)
        np.testing.assert_allclose(np.ptp(dirty.head_mm, axis=0), np.ptp(clean.head_mm, axis=0))
        for corner in ("min", "max"):
            places = [getattr(one.to_pixel(one.ilium_mm), corner)(axis=0) for one in (dirty, clean)]
            np.testing.assert_allclose(*places, atol=0.3)

    def test_a_large_piece_of_ilium_beyond_the_head_is_none(self):
        labels = MadeSection(turn_deg=0.0, cranial="left").labels()
        clean = found(labels)
        labels[-20:-2, -30:-10] = HipLabel.ILIUM
        dirty = found(labels)
        assert len(dirty.ilium_mm) == len(clean.ilium_mm)

    def test_both_parts_of_a_torn_ilium_count(self):
        made = MadeSection(turn_deg=0.0)
        labels = made.labels()
        v, u = np.mgrid[: labels.shape[0], : labels.shape[1]]
        place = made.to_section(u, v)
        gap = (place[..., 1] > 1.0) & (place[..., 1] < 3.0)
        labels[gap & (labels == HipLabel.ILIUM)] = 0
        spread = np.ptp(found(labels).ilium_mm, axis=0)
        np.testing.assert_allclose(spread, np.ptp(found(made.labels()).ilium_mm, axis=0), atol=0.1)

    def test_what_the_border_cuts_is_named(self):
        contours = found(MadeSection(size_mm=(46.0, 44.0)).labels())
        assert contours.cut == {"ILIUM", "FEMORAL_HEAD"}
        assert found(MadeSection().labels()).cut == frozenset()
        assert {"LABRUM", "FEMORAL_HEAD", "ILIUM"} == contours.present


class TestRefusals:
    def test_nothing_at_all(self):
        with pytest.raises(SectionRefused, match="no ilium label: nothing is labelled"):
            found(np.zeros((40, 50), np.uint8))

    def test_no_ilium(self):
        labels = MadeSection().labels()
        labels[labels == HipLabel.ILIUM] = 0
        with pytest.raises(SectionRefused, match="no ilium label"):
            found(labels)

    def test_nothing_caudal(self):
        labels = MadeSection().labels()
        labels[labels == HipLabel.FEMORAL_HEAD] = 0
        with pytest.raises(SectionRefused, match="no label tells the caudal end of the ilium"):
            found(labels)

    def test_the_femur_tells_the_caudal_end_without_a_head(self):
        labels = MadeSection(cranial="right").labels()
        labels[labels == HipLabel.FEMORAL_HEAD] = HipLabel.FEMORAL_CORTEX
        assert found(labels).cranial_sign == 1

    def test_an_ilium_above_the_head(self):
        labels = np.zeros((60, 80), np.uint8)
        labels[10:14, 20:60] = HipLabel.ILIUM
        labels[30:50, 30:50] = HipLabel.FEMORAL_HEAD
        with pytest.raises(SectionRefused, match="neither side of the femoral head"):
            found(labels)

    def test_no_scale(self):
        labels = MadeSection().labels()
        labels[labels == HipLabel.FEMORAL_HEAD] = HipLabel.FEMORAL_CORTEX
        with pytest.raises(SectionRefused, match="no scale: neither a pixel spacing nor"):
            found(labels, None)


class TestInput:
    def test_labels_are_a_picture_of_whole_numbers(self):
        with pytest.raises(ValueError, match=r"labels must be \(H, W\), got \(2, 3, 4\)"):
            found(np.zeros((2, 3, 4), np.uint8))
        with pytest.raises(ValueError, match="labels must be whole numbers, got float64"):
            found(np.zeros((3, 4)))

    def test_schemes_are_known_and_kept(self):
        with pytest.raises(ValueError, match=r"scheme must be one of \('hip', 'stills'\), got 'x'"):
            found(np.zeros((3, 4), np.uint8), scheme="x")
        with pytest.raises(ValueError, match=r"labels must be of the scheme 'stills' \(0 to 3\)"):
            found(np.full((3, 4), 4, np.uint8), scheme="stills")

    @pytest.mark.parametrize("spacing", [(0.0, 1.0), (1.0,), (np.nan, 1.0), (-1.0, 1.0)])
    def test_spacings_are_positive(self, spacing):
        with pytest.raises(ValueError, match="spacing_yx_mm must be 2 positive numbers"):
            found(MadeSection().labels(), spacing)
