"""Grey map, scan conversion and truth masks, on asymmetric pictures."""

from dataclasses import replace

import numpy as np
import pytest
from ultrasound_scene import image_to_hip

from hipus.phantom.ultrasound import scan
from hipus.phantom.ultrasound.settings import ProbeSettings

SETTINGS = ProbeSettings(
    footprint_mm=30.0,
    depth_mm=40.0,
    shape_px=(160, 200),
    line_count=90,
    sample_pitch_mm=0.2,
    gain_db=0.0,
    gamma=1.0,
    dynamic_range_db=50.0,
)


def native(function):
    """Return a function of (x, y) in mm on the native grid."""
    return function(SETTINGS.line_x_mm()[None], SETTINGS.sample_y_mm()[:, None]).astype(np.float32)


def pixels_mm():
    """Return x and y of all pixels."""
    u, v = np.meshgrid(np.arange(200), np.arange(160))
    T = SETTINGS.T_pixel_to_image
    return T[0, 0] * u + T[0, 3], T[1, 1] * v


class TestGreyMap:
    def test_range_and_saturation(self):
        shape = (SETTINGS.sample_count, SETTINGS.line_count)
        grey = [scan.map_grey(np.full(shape, db, np.float32), SETTINGS)[3, 4] for db in (-60, -50)]
        assert grey == [0, 0]
        half, top, above = (
            scan.map_grey(np.full(shape, db, np.float32), SETTINGS)[3, 4] for db in (-25, 0, 9)
        )
        assert half == pytest.approx(127.5)
        assert top == above == 255

    def test_gain_shifts_and_gamma_darkens_the_middle(self):
        db = np.full((SETTINGS.sample_count, SETTINGS.line_count), -30, np.float32)
        shifted = scan.map_grey(db, replace(SETTINGS, gain_db=5.0))[0, 0]
        assert shifted == pytest.approx(127.5)
        assert scan.map_grey(db, replace(SETTINGS, gain_db=5.0, gamma=2.0))[0, 0] == pytest.approx(
            63.75
        )

    def test_the_input_is_left_alone(self):
        db = np.full((SETTINGS.sample_count, SETTINGS.line_count), -30, np.float32)
        scan.map_grey(db, SETTINGS)
        assert (db == -30).all()


class TestScanConversion:
    def test_a_plane_is_reproduced_where_it_belongs(self):
        """Bilinear interpolation is exact for x and y themselves: no half pixel is lost."""
        picture = scan.scan_convert(native(lambda x, y: 100 + 2 * x + 0.5 * y), SETTINGS)
        x, y = pixels_mm()
        inside = np.abs(x) < SETTINGS.footprint_mm / 2 - SETTINGS.line_pitch_mm
        np.testing.assert_allclose(picture[inside], (100 + 2 * x + 0.5 * y)[inside], atol=2e-3)

    def test_beside_the_footprint_it_is_black(self):
        picture = scan.scan_convert(native(lambda x, y: 200 + 0 * x + 0 * y), SETTINGS)
        x, _ = pixels_mm()
        assert (picture[np.abs(x) > 15.01] == 0).all()
        assert (picture[np.abs(x) < 14.99] == 200).all()

    def test_a_small_frame_is_a_shrunk_picture(self):
        """Averaged over the pixel, not sampled: an alternating pattern turns grey."""
        small = replace(SETTINGS, shape_px=(40, 50))
        stripes = np.zeros((SETTINGS.sample_count, SETTINGS.line_count), np.float32)
        stripes[::2] = 200
        picture = scan.scan_convert(stripes, small)
        inside = picture[5:-5, 10:-10]
        assert inside.std() < 30
        assert inside.mean() == pytest.approx(100, abs=5)

    def test_another_grid_is_refused(self):
        with pytest.raises(ValueError, match=r"native must be \(201, 90\), got \(90, 201\)"):
            scan.scan_convert(np.zeros((90, 201), np.float32), SETTINGS)


class TestMasks:
    """Labels in the hip frame, read in a plane of the left hip: cranial (z > 0) at the left."""

    @staticmethod
    def label(points):
        """Return 1 cranially of z = 2, 3 caudally of z = -5, if deeper than x = 12."""
        x, _, z = points.T
        return np.where(x < 12, np.where(z > 2, 1, np.where(z < -5, 3, 0)), 0).astype(np.uint8)

    def passed(self, value=0.0):
        return np.full((SETTINGS.sample_count, SETTINGS.line_count), value, np.float32)

    def test_labels_lie_where_the_anatomy_says(self):
        mask = scan.insonified_mask(
            self.passed(), self.label, SETTINGS, T_image_to_hip=image_to_hip(0.0)
        )
        x, y = pixels_mm()
        inside = np.abs(x) < 15
        expected = np.where(inside & (y > 9.001), np.where(x < -2, 1, np.where(x > 5, 3, 0)), 0)
        np.testing.assert_array_equal(mask, expected)

    def test_a_volume_of_labels_gives_the_same(self):
        z, y, x = (np.arange(-25, 25, 0.2) for _ in range(3))
        y = y[::20]
        points = np.stack(np.meshgrid(z, np.repeat(0, 40), x, indexing="ij"), -1)[..., ::-1]
        values = self.label(points.reshape(-1, 3)).reshape(points.shape[:3])
        volume = scan.LabelVolume(values, (-25.0, -4.0, -25.0), 0.2)
        from_points, from_volume = (
            scan.insonified_mask(self.passed(), labels, SETTINGS, T_image_to_hip=image_to_hip(0.0))
            for labels in (self.label, volume)
        )
        assert (from_points != from_volume).mean() < 0.01
        assert from_volume.max() == 3

    def test_outside_a_volume_nothing_is_labelled(self):
        volume = scan.LabelVolume(np.ones((3, 3, 3), np.uint8), (200.0, 0.0, 0.0), 0.5)
        mask = scan.insonified_mask(
            self.passed(), volume, SETTINGS, T_image_to_hip=image_to_hip(0.0)
        )
        assert not mask.any()

    def test_the_threshold_is_19_db(self):
        def any_label(passed_db):
            return scan.insonified_mask(
                self.passed(passed_db), self.label, SETTINGS, T_image_to_hip=image_to_hip(0.0)
            ).any()

        assert any_label(-18.9)
        assert not any_label(-19.1)

    def test_shadow_hides_only_the_lines_it_lies_on(self):
        passed = self.passed()
        passed[100:, :20] = -40  # deeper than 20 mm, cranial lines
        mask = scan.insonified_mask(passed, self.label, SETTINGS, T_image_to_hip=image_to_hip(0.0))
        assert not mask[90:, 45:60].any()
        assert (mask[90:, 70:85] == 1).all()
        assert (mask[50:75, 45:60] == 1).all()
