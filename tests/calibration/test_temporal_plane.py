"""The line of a water tank's bottom: where it is, and when it is not there."""

import numpy as np
import pytest

from hipus.calibration.temporal_plane import plane_position


def draw_line(shape, row, slope, *, u_range=None, thickness_px=1.5, grey=200):
    """Return a frame with one Gaussian-profiled line that crosses the central column at `row`."""
    height, width = shape
    u, v = np.arange(width), np.arange(height)[:, None]
    centre = row + slope * (u - (width - 1) / 2)
    frame = grey * np.exp(-0.5 * ((v - centre) / thickness_px) ** 2)
    if u_range is not None:
        frame[:, (u < u_range[0]) | (u >= u_range[1])] = 0
    return frame.round().astype(np.uint8)


class TestPosition:
    def test_line_is_found_within_a_tenth_of_a_pixel_at_the_central_column(self):
        rows, slopes = [41.3, 70.0, 88.75], [0.0, 0.31, -0.22]
        frames = np.stack([draw_line((120, 161), *pair) for pair in zip(rows, slopes, strict=True)])
        track = plane_position(frames)
        assert track.position_px == pytest.approx(rows, abs=0.1)
        assert np.tan(np.radians(track.angle_deg)) == pytest.approx(slopes, abs=0.005)

    def test_angle_is_positive_when_the_line_falls_to_the_right(self):
        track = plane_position(draw_line((120, 161), 60.0, 0.2)[None])
        assert track.angle_deg[0] == pytest.approx(np.degrees(np.arctan(0.2)), abs=0.2)

    def test_line_that_misses_the_central_column_is_extended_to_it(self):
        frame = draw_line((120, 161), 60.0, 0.25, u_range=(100, 161))
        assert plane_position(frame[None]).position_px[0] == pytest.approx(60.0, abs=0.3)

    def test_brighter_clutter_in_a_third_of_the_columns_does_not_pull_the_line(self, rng):
        frame = draw_line((120, 160), 80.0, -0.15)
        columns = rng.choice(160, 53, replace=False)
        frame[rng.integers(0, 40, 53), columns] = 255
        track = plane_position(frame[None])
        assert track.position_px[0] == pytest.approx(80.0, abs=0.3)
        assert track.inlier_columns[0] == pytest.approx(107, abs=3)

    def test_equal_frames_give_equal_lines_bit_by_bit(self, rng):
        frame = np.maximum(draw_line((90, 130), 40.0, 0.1), rng.integers(0, 60, (90, 130)))
        frames = np.stack([frame, frame]).astype(np.uint8)
        first, second = plane_position(frames).position_px
        assert first == second


class TestAbsence:
    def test_frames_without_a_line_are_nan_and_counted(self, rng):
        noise = rng.integers(0, 256, (120, 161)).astype(np.uint8)
        dark = np.full((120, 161), 10, np.uint8)
        track = plane_position(np.stack([draw_line((120, 161), 60.0, 0.1), noise, dark]))
        assert track.is_found.tolist() == [True, False, False]
        assert np.isnan(track.angle_deg[1:]).all()
        assert track.bright_columns[2] == 0

    def test_dot_is_too_narrow_for_a_line(self):
        frame = draw_line((120, 161), 60.0, 0.0, u_range=(70, 82))
        track = plane_position(np.stack([frame, draw_line((120, 161), 60.0, 0.0)]))
        assert track.is_found.tolist() == [False, True]

    def test_line_steeper_than_the_limit_is_not_taken(self):
        frame = draw_line((400, 161), 200.0, 2.0, thickness_px=3)
        with pytest.raises(ValueError, match="no straight bright line in any of 1 frames"):
            plane_position(frame[None], max_angle_deg=50)

    @pytest.mark.parametrize("shape", [(5, 7), (0, 5, 7), (2, 5, 0)])
    def test_wrong_or_empty_stack_is_refused(self, shape):
        with pytest.raises(ValueError, match=r"frames must be \(N, H, W\) and not empty"):
            plane_position(np.zeros(shape, np.uint8))


@pytest.mark.real
class TestRealWaterTank:
    def test_all_frames_agree_with_the_published_lines(self, real_file):
        import defusedxml.ElementTree as ElementTree

        from hipus.formats import metafile

        video = metafile.read(real_file("plus/WaterTankBottomTranslationVideoBuffer.igs.mha"))
        listed = ElementTree.parse(real_file("plus/LineSegmentationResultsBaseline.xml"))
        rows = []
        for frame in listed.getroot().iter("Frame"):
            u, v = map(float, frame.get("LineOriginPointPx").split())
            along_u, along_v = map(float, frame.get("LineDirectionVectorPx").split())
            rows.append(v + (video.frames.shape[2] - 1 - 2 * u) / 2 * along_v / along_u)
        track = plane_position(video.frames)
        assert track.is_found.all()
        # The echo is up to 12 px thick and each method takes another part of it.
        assert np.abs(track.position_px - rows).max() < 4
        assert np.sqrt(np.mean((track.position_px - rows) ** 2)) < 1.5
