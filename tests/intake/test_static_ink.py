"""Writing in pictures: found where it stands still, gone afterwards, left alone where none is."""

import numpy as np
import pytest
from made_hospital import speckle, written

from hipus.formats import dicom
from hipus.intake.static_ink import LEAST_INK_PX, has_writing, ink_map
from hipus.intake.writing_removal import without_writing

STILLS = ("167854", "167855", "171551", "171554", "171555", "172533", "172658", "72628")


class TestFinding:
    def test_strokes_that_stand_still_are_found_where_they_are(self, rng):
        found = ink_map(written(speckle(rng)))
        assert np.count_nonzero(found) >= LEAST_INK_PX
        v, u = np.nonzero(found)
        assert (v.min(), v.max(), u.min(), u.max()) >= (3, 13, 3, 32)
        assert not found[16:].any()

    def test_strokes_that_move_are_tissue(self, rng):
        frames = speckle(rng)
        for index, frame in enumerate(frames):
            frame[:] = np.roll(written(frame[None])[0], index, axis=0)
        assert not has_writing(frames)

    def test_strokes_that_flicker_are_tissue(self, rng):
        frames = written(speckle(rng))
        frames[::2] = np.where(frames[::2] == 255, 230, frames[::2])  # by more than 16
        assert has_writing(written(speckle(rng)))
        assert not has_writing(frames)

    def test_speckle_alone_is_none(self, rng):
        assert not has_writing(speckle(rng))

    def test_a_single_picture_cannot_tell_and_counts(self, rng):
        assert has_writing(written(speckle(rng, count=1)))

    @pytest.mark.real
    @pytest.mark.parametrize("case", STILLS[:7])
    def test_captions_of_real_scanners_are_found(self, real_file, case):
        assert has_writing(dicom.read(real_file(f"infant_hip_stills/dicom/{case}.dcm")).frames)


class TestRemoving:
    def test_what_has_no_writing_is_handed_back_untouched(self, rng):
        assert without_writing(speckle(rng)) == (None, False)

    def test_writing_is_black_afterwards_and_not_found_again(self, rng):
        frames = np.pad(written(speckle(rng, count=9, shape=(96, 80))), 8, mode="edge")[8:-8]
        clean, is_masked = without_writing(frames)
        assert is_masked
        assert clean[:, 12:22, 12:40].max() < 130
        assert not has_writing(clean)

    def test_far_from_writing_no_grey_level_changes(self, rng):
        frames = written(speckle(rng, count=9, shape=(120, 90)))
        clean, _ = without_writing(frames)
        middle = (slice(None), slice(45, 90), slice(20, 70))
        np.testing.assert_array_equal(clean[middle], frames[middle])

    def test_colour_is_reason_enough(self, rng):
        frames = speckle(rng, count=5, shape=(96, 80))
        is_coloured = np.zeros(frames.shape, bool)
        is_coloured[:, 40:46, 40:46] = True
        clean, is_masked = without_writing(frames, is_coloured=is_coloured)
        assert is_masked
        assert clean[:, 40:46, 40:46].max() == 0

    @pytest.mark.real
    @pytest.mark.parametrize("case", STILLS)
    def test_of_real_captions_nothing_is_found_again(self, real_file, case):
        cine = dicom.read(real_file(f"infant_hip_stills/dicom/{case}.dcm"))
        clean, is_masked = without_writing(cine.frames, is_coloured=cine.is_coloured)
        assert is_masked
        assert not ink_map(clean).any()
