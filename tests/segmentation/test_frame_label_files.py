"""Frame labels on disk: they come back, and nothing else gets in."""

import numpy as np
import pytest

from hipus.segmentation.frame_label_files import (
    FrameLabels,
    label_file,
    read_frame_labels,
    write_frame_labels,
)


@pytest.fixture
def labels(rng) -> FrameLabels:
    """Return three labelled frames of 4 x 6 pixels."""
    masks = rng.integers(0, 5, (3, 4, 6), dtype=np.uint8)
    return FrameLabels(np.array([7, 10, 13]), masks)


def test_labels_come_back_as_they_were(labels, tmp_path):
    path = write_frame_labels(labels, label_file(tmp_path / "new", "S001", "left_p_a"))
    assert path.name == "S001_left_p_a.npz"
    found = read_frame_labels(path)
    np.testing.assert_array_equal(found.frame_index, [7, 10, 13])
    np.testing.assert_array_equal(found.masks, labels.masks)
    assert found.masks.dtype == np.uint8


def test_equal_labels_give_equal_bytes(labels, tmp_path):
    first, again = (write_frame_labels(labels, tmp_path / f"{name}.npz") for name in "ab")
    assert first.read_bytes() == again.read_bytes()


def test_labels_that_do_not_fit_are_refused(labels):
    with pytest.raises(ValueError, match=r"got \(3, 4, 6\) uint8 with \(2,\)"):
        FrameLabels(np.array([1, 2]), labels.masks)
    with pytest.raises(ValueError, match=r"increasing integers >= 0, got \[7 7 9\]"):
        FrameLabels(np.array([7, 7, 9]), labels.masks)
    with pytest.raises(ValueError, match="labels must be 0 to 4, got 5"):
        FrameLabels(labels.frame_index, labels.masks + np.uint8(5 - labels.masks.max()))


def test_other_files_are_refused(labels, tmp_path):
    with pytest.raises(FileNotFoundError, match="x.npz is missing: stage frame_labels makes it"):
        read_frame_labels(tmp_path / "x.npz")
    (tmp_path / "text.npz").write_text("no labels")
    with pytest.raises(ValueError, match=r"text.npz holds no frame labels"):
        read_frame_labels(tmp_path / "text.npz")
    np.savez(tmp_path / "bare.npz", masks=labels.masks)
    with pytest.raises(ValueError, match="bare.npz holds no frame labels: .*scheme"):
        read_frame_labels(tmp_path / "bare.npz")
    content = {"frame_index": labels.frame_index, "masks": labels.masks}
    np.savez(tmp_path / "other.npz", scheme=np.array("stills"), **content)
    with pytest.raises(ValueError, match="other.npz: scheme must be 'hip', got 'stills'"):
        read_frame_labels(tmp_path / "other.npz")
    content["masks"] = np.full((3, 4, 6), 9, np.uint8)
    np.savez(tmp_path / "nine.npz", scheme=np.array("hip"), **content)
    with pytest.raises(ValueError, match="nine.npz: labels must be 0 to 4, got 9"):
        read_frame_labels(tmp_path / "nine.npz")
