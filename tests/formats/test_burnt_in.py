"""Burnt-in drawings: found whatever their brightness, while speckle and bone stay."""

import numpy as np
import pytest

from hipus.formats.burnt_in import mask_burnt_in_text

BOX = (60, 40, 339, 259)


@pytest.fixture(scope="module")
def clean():
    """Return 3 frames of smooth speckle with a bright blurred bone line on a black screen."""
    import cv2

    rng = np.random.default_rng(7)
    frames = np.zeros((3, 300, 420), np.uint8)
    x0, y0, x1, y1 = BOX
    for frame in frames:
        noise = rng.normal(0, 1, (y1 - y0 + 1, x1 - x0 + 1)).astype(np.float32)
        speckle = cv2.GaussianBlur(noise, (0, 0), sigmaX=3, sigmaY=1.5)
        inside = 70 + 25 * speckle / speckle.std()
        rows = np.arange(len(inside))[:, None]
        inside += 185 * np.exp(-((rows - 120) ** 2) / (2 * 4.0**2))
        frame[y0 : y1 + 1, x0 : x1 + 1] = np.clip(inside, 6, 255)
    return frames


def stroke(frames, y, x, height=16, width=4, *, level=255, letters=5):
    """Draw upright strokes, as of letters, and return where."""
    drawn = np.zeros(frames.shape[1:], bool)
    for letter in range(letters):
        left = x + 3 * width * letter
        drawn[y : y + height, left : left + width] = True
    frames[:, drawn] = level
    return drawn


def inner(frames, margin=8):
    """Return the sonogram without its edge, where the screen begins."""
    x0, y0, x1, y1 = BOX
    mask = np.zeros(frames.shape[1:], bool)
    mask[y0 + margin : y1 + 1 - margin, x0 + margin : x1 + 1 - margin] = True
    return mask


class TestDrawings:
    def test_without_drawings_nothing_inside_is_touched(self, clean):
        found = mask_burnt_in_text(clean)
        assert not found.is_masked[:, inner(clean)].any()
        np.testing.assert_array_equal(found.frames[:, inner(clean)], clean[:, inner(clean)])

    @pytest.mark.parametrize("level", [255, 225, 0])
    def test_bright_grey_and_black_letters_are_masked_wholly(self, clean, level):
        frames = clean.copy()
        background_y = 170 if level else 150
        if level == 0:
            frames[:, 140:190, 100:200] = 170
        drawn = stroke(frames, background_y, 120, level=level)
        found = mask_burnt_in_text(frames)
        assert found.is_masked[:, drawn].all()
        assert (found.frames[:, drawn] == 0).all()

    def test_little_more_than_the_letters_is_lost(self, clean):
        frames = clean.copy()
        drawn = stroke(frames, 200, 120)
        lost = mask_burnt_in_text(frames).is_masked[0] & inner(clean)
        rows, columns = np.nonzero(drawn)
        box = np.zeros_like(drawn)
        box[rows.min() - 4 : rows.max() + 5, columns.min() - 4 : columns.max() + 5] = True
        assert not (lost & ~box).any()

    def test_no_letter_is_legible_from_its_silhouette(self, clean):
        frames = clean.copy()
        drawn = stroke(frames, 200, 120)
        rows, columns = np.nonzero(drawn)
        masked = mask_burnt_in_text(frames).is_masked[0]
        assert masked[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()

    def test_each_frame_is_judged_by_itself(self, clean):
        frames = clean.copy()
        drawn = stroke(frames[1:2], 200, 120)
        masked = mask_burnt_in_text(frames).is_masked
        assert [bool(frame[drawn].any()) for frame in masked] == [False, True, False]

    def test_the_frames_given_are_left_as_they_were(self, clean):
        frames = clean.copy()
        mask_burnt_in_text(frames)
        np.testing.assert_array_equal(frames, clean)

    def test_coloured_pixels_are_masked_where_told(self, clean):
        coloured = np.zeros(clean.shape, bool)
        coloured[2, 100, 200] = True
        masked = mask_burnt_in_text(clean, is_coloured=coloured).is_masked
        assert masked[2, 97:104, 197:204].all()
        assert masked[:, inner(clean)].sum() == 49


class TestSonogram:
    def test_the_rectangle_of_a_linear_probe_is_found(self, clean):
        found = mask_burnt_in_text(clean).is_sonogram
        rows, columns = np.nonzero(found)
        edges = (columns.min(), rows.min(), columns.max(), rows.max())
        np.testing.assert_allclose(edges, BOX, atol=8)
        assert found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()

    def test_soft_bars_and_logos_outside_are_blackened(self, clean):
        frames = clean.copy()
        frames[:, 60:200, 390:400] = np.linspace(200, 20, 140)[:, None].astype(np.uint8)
        found = mask_burnt_in_text(frames)
        assert (found.frames[:, :, 380:] == 0).all()

    def test_a_fan_becomes_its_hull_not_its_box(self, rng):
        v, u = np.mgrid[0:300, 0:400]
        radius, angle = np.hypot(u - 200, v + 40), np.arctan2(u - 200, v + 40)
        is_fan = (radius > 70) & (radius < 320) & (np.abs(angle) < 0.55)
        frames = np.where(is_fan, rng.integers(60, 90, (2, 300, 400)), 0).astype(np.uint8)
        found = mask_burnt_in_text(frames).is_sonogram
        assert found[is_fan].mean() > 0.97
        assert not found[:40, :60].any()
        assert not found[-40:, :60].any()

    def test_a_stated_box_is_taken_as_it_is(self, clean):
        found = mask_burnt_in_text(clean, box_xyxy=(100, 60, 199, 159)).is_sonogram
        assert found.sum() == 100 * 100
        assert found[60, 100]
        assert found[159, 199]


class TestBadInput:
    @pytest.mark.parametrize(
        "frames",
        [np.zeros((5, 5), np.uint8), np.zeros((1, 5, 5)), np.zeros((0, 5, 5), np.uint8)],
    )
    def test_frames_of_another_kind(self, frames):
        with pytest.raises(ValueError, match=r"frames must be \(N, H, W\) uint8, got"):
            mask_burnt_in_text(frames)

    def test_a_colour_mask_of_another_shape(self, clean):
        with pytest.raises(ValueError, match=r"is_coloured must be \(3, 300, 420\), got \(2,"):
            mask_burnt_in_text(clean, is_coloured=np.zeros((2, 300, 420), bool))

    @pytest.mark.parametrize("box", [(0, 0, 420, 10), (5, 5, 4, 9), (-1, 0, 9, 9)])
    def test_a_box_outside_the_picture(self, clean, box):
        with pytest.raises(ValueError, match="box_xyxy must lie within 420 x 300 px, got"):
            mask_burnt_in_text(clean, box_xyxy=box)

    def test_a_black_screen_shows_no_sonogram(self):
        with pytest.raises(ValueError, match="frames show no sonogram"):
            mask_burnt_in_text(np.zeros((1, 60, 60), np.uint8))
