"""Volumes on the grid of the first 3D round, and back on their own."""

import numpy as np
import pytest
import torch

from hipus.metrics import dice
from hipus.segmentation import network_grid, prediction
from hipus.segmentation.first_round import resized_labels, resized_volume, segment_resized
from hipus.segmentation.model_files import SegmentationModel
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sliding_windows import Windows

LABELS = {"ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3, "femoral_cortex": 4}
#: Three different sides, and what they are resized to: wider one way, narrower the other.
OWN, WANTED = (7, 22, 45), (31, 18)


def made_volume(rng) -> tuple[np.ndarray, np.ndarray]:
    """Return a volume without black margins, and the labels of two boxes in it."""
    labels = np.zeros(OWN, np.uint8)
    labels[2:6, 3:12, 24:40] = 2
    labels[1:4, 14:20, 5:17] = 4
    grey = np.array([60.0, 0, 130, 0, 200])[labels] + rng.normal(0, 3, OWN)
    return grey.clip(1, 255).astype(np.uint8), labels


@pytest.fixture
def segmenter(make_plans, monkeypatch):
    """Return a segmenter that tells structures by grey value, and the list of what it was shown."""
    shown = []

    def logits(network, inputs, windows):
        shown.extend(inputs)
        return [_told(one[0]) for one in inputs]

    monkeypatch.setattr(prediction, "logits_of", logits)
    model = SegmentationModel("3.1", torch.nn.Identity(), make_plans("3.1"), LABELS, {})
    return Segmenter(model, Windows((16, 24, 16), 0.5, ())), shown


def _told(grey: torch.Tensor) -> torch.Tensor:
    """Return logits (5, D, H, W): the darkest third is background, the brightest the cortex."""
    span = (grey - grey.min()) / (grey.max() - grey.min())
    return torch.stack([-((span - level) ** 2) for level in (0.0, 9.0, 0.5, 9.0, 1.0)])


class TestPictures:
    def test_depth_stays_and_every_slice_is_resized_alone(self, rng):
        volume, _ = made_volume(rng)
        resized = resized_volume(volume, WANTED)
        assert resized.shape == (OWN[0], *WANTED)
        assert resized.dtype == np.float32
        alone = resized_volume(np.repeat(volume[3:4], OWN[0], axis=0), WANTED)
        # one slice copied has a range of its own, which splines are clipped to
        inside = (resized[3] > alone.min()) & (resized[3] < alone.max())
        np.testing.assert_allclose(resized[3][inside], alone[3][inside], atol=1e-3)

    def test_a_ramp_stays_one_with_rows_and_columns_told_apart(self):
        v, u = np.meshgrid(np.arange(12.0), np.arange(30.0), indexing="ij")
        resized = resized_volume((10 * v + u)[None].astype(np.float32), (24, 10))
        # half a row and three columns a step, where edges no longer matter
        assert np.diff(resized[0], axis=0)[8:15, 2:-2] == pytest.approx(5.0, abs=0.05)
        assert np.diff(resized[0], axis=1)[8:15, 3:-3] == pytest.approx(3.0, abs=0.05)

    def test_its_own_size_changes_nothing(self, rng):
        volume, labels = made_volume(rng)
        np.testing.assert_array_equal(resized_volume(volume, OWN[1:]), volume)
        np.testing.assert_array_equal(resized_labels(labels, OWN[1:]), labels)


class TestLabels:
    def test_twice_the_size_repeats_every_voxel(self, rng):
        labels = rng.integers(0, 5, (2, 3, 4)).astype(np.uint8)
        doubled = resized_labels(labels, (6, 8))
        np.testing.assert_array_equal(doubled, labels.repeat(2, axis=1).repeat(2, axis=2))
        assert doubled.dtype == np.uint8

    def test_between_1_and_3_there_is_no_2(self):
        labels = np.full((1, 4, 9), 1, np.uint8)
        labels[:, :, 5:] = 3
        resized = resized_labels(labels, (7, 20))
        assert set(np.unique(resized)) == {1, 3}
        # the border lies at 5 of 9 columns: 11.1 of 20
        assert (resized[0] == 3).argmax(axis=1).tolist() == [11] * 7

    def test_a_structure_keeps_its_share_and_comes_back(self, rng):
        _, labels = made_volume(rng)
        resized = resized_labels(labels, WANTED)
        for label in (2, 4):
            share = (labels == label).mean()
            assert (resized == label).mean() == pytest.approx(share, rel=0.15)
            assert dice(resized_labels(resized, OWN[1:]) == label, labels == label) > 0.9


class TestSegmenting:
    def test_the_network_sees_the_size_and_the_grey_values_of_training(self, rng, segmenter):
        own, shown = segmenter
        volume, _ = made_volume(rng)
        segment_resized(own, volume, shape_yx=WANTED)
        seen = shown[0].numpy()
        assert seen.shape == (1, OWN[0], *WANTED)
        learned = network_grid.standardised(resized_volume(volume, WANTED)[None])
        # normalised before or after the resizing: the same up to one offset and one factor
        assert np.corrcoef(seen.ravel(), learned.ravel())[0, 1] > 0.9999

    def test_labels_come_back_on_the_volumes_own_grid(self, rng, segmenter):
        volume, labels = made_volume(rng)
        found = segment_resized(segmenter[0], volume, shape_yx=WANTED)
        assert found.shape == OWN
        assert found.dtype == np.uint8
        # in the middle of each box and far from any, nothing is lost
        assert (found[3:5, 5:10, 27:37] == 2).all()
        assert (found[2, 16:18, 8:14] == 4).all()
        assert not found[:, :2, :].any()
        assert dice(found > 0, labels > 0) > 0.9

    def test_every_size_is_shown_at_the_same_one(self, rng, segmenter):
        own, shown = segmenter
        for shape in ((5, 40, 20), (5, 31, 18), (5, 13, 37)):
            volume = rng.integers(1, 255, shape).astype(np.uint8)
            assert segment_resized(own, volume, shape_yx=WANTED).shape == shape
        assert {tuple(one.shape) for one in shown} == {(1, 5, *WANTED)}

    def test_a_network_of_frames_is_refused(self, make_plans):
        model = SegmentationModel("2.1", torch.nn.Identity(), make_plans("2.1"), LABELS, {})
        model.plan["spacing"] = [0.5, 0.3, 0.4]
        frames = Segmenter(model, Windows((32, 48), 0.5, ()))
        with pytest.raises(ValueError, match=r"model 2.1 labels frames .*, not volumes"):
            segment_resized(frames, np.ones(OWN), shape_yx=WANTED)


@pytest.mark.parametrize("what", ["volume", "labels", "segmented"])
class TestRefusals:
    def resize(self, what, shape, wanted, segmenter):
        """Resize an empty volume in one of three ways."""
        volume = np.zeros(shape, np.uint8)
        if what == "segmented":
            return segment_resized(segmenter[0], volume, shape_yx=wanted)
        return {"volume": resized_volume, "labels": resized_labels}[what](volume, wanted)

    @pytest.mark.parametrize("shape", [(22, 45), (1, 7, 22, 45), (7, 0, 45)])
    def test_what_is_no_volume(self, what, shape, segmenter):
        with pytest.raises(ValueError, match=r"volume must be \(D, H, W\), none of them 0, got"):
            self.resize(what, shape, WANTED, segmenter)

    @pytest.mark.parametrize("wanted", [(31,), (7, 31, 18), (31, 0), (-1, 18)])
    def test_rows_and_columns_that_are_none(self, what, wanted, segmenter):
        with pytest.raises(ValueError, match="shape_yx must be 2 positive numbers, got"):
            self.resize(what, OWN, wanted, segmenter)
