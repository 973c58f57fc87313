"""Labels of frames and volumes, beside nnU-Net's own predictor and resampling."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from skimage.transform import resize

from hipus.segmentation import network_grid, planned_network, sliding_windows
from hipus.segmentation.components import keep_largest
from hipus.segmentation.model_files import SegmentationModel
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.sliding_windows import Windows, logits_of
from hipus.segmentation.training_cases import with_neighbours

LABELS = {"ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3, "femoral_cortex": 4}


@pytest.fixture
def segmenter(make_plans):
    """Return a function giving a segmenter with random weights."""

    def made(model_id: str, *, is_mirrored: bool = False, **changes) -> Segmenter:
        plans = make_plans(model_id, **changes)
        torch.manual_seed(3)
        network = planned_network.build_network(plans, class_count=5).eval()
        model = SegmentationModel(model_id, network, plans, LABELS, {})
        axes = tuple(model.plan["study"]["mirror_axes"]) if is_mirrored else ()
        return Segmenter(model, Windows(tuple(model.plan["patch_size"]), 0.5, axes))

    return made


def smooth(rng, shape) -> np.ndarray:
    """Return a picture with structure, black at two of its edges."""
    from scipy.ndimage import gaussian_filter

    picture = gaussian_filter(rng.normal(size=shape), [0] * (len(shape) - 2) + [2, 2])
    picture = (128 + 300 * picture).clip(1, 255).astype(np.uint8)
    picture[..., :3, :] = 0
    picture[..., -5:] = 0
    return picture


@pytest.fixture
def full_precision(monkeypatch):
    """Let nnU-Net's predictor add up overlapping patches in float32 instead of float16."""
    from nnunetv2.inference import predict_from_raw_data, sliding_window_prediction

    def gaussian(*arguments, **named):
        return sliding_window_prediction.compute_gaussian(*arguments, dtype=torch.float32, **named)

    monkeypatch.setattr(predict_from_raw_data, "compute_gaussian", gaussian)
    monkeypatch.setattr(torch, "half", torch.float32)


def of_nnunet(segmenter: Segmenter, channels: np.ndarray, spacing_mm):
    """Return labels and probabilities by nnU-Net's own predictor."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    model = segmenter.model
    manager = PlansManager(json.loads(json.dumps(model.plans)))
    predictor = nnUNetPredictor(
        use_mirroring=bool(segmenter.windows.mirror_axes),
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    dataset = {
        "channel_names": {str(k): "ultrasound" for k in range(len(channels))},
        "labels": {"background": 0, **LABELS},
        "file_ending": ".nii.gz",
    }
    predictor.manual_initialization(
        model.network,
        manager,
        manager.get_configuration(next(iter(model.plans["configurations"]))),
        [model.network.state_dict()],
        dataset,
        "StudyTrainer",
        segmenter.windows.mirror_axes or None,
    )
    is_picture = channels.ndim == 3
    picture = channels[:, None] if is_picture else channels
    spacing = [999.0, *spacing_mm] if is_picture else list(spacing_mm)
    labels, probabilities = predictor.predict_single_npy_array(
        picture.astype(np.float32), {"spacing": spacing}, None, None, True
    )
    return (labels[0], probabilities[:, 0]) if is_picture else (labels, probabilities)


class TestAgainstNnunet:
    @pytest.mark.parametrize(
        ("model_id", "spacing", "changes"),
        [
            ("2.1", (0.3, 0.4), {"patch_size": (64, 80)}),  # one padded patch
            ("2.1", (0.2, 0.3), {"patch_size": (24, 32)}),  # windows, resampled
            ("2.3", (0.45, 0.4), {"patch_size": (64, 80)}),
        ],
    )
    def test_frames_are_labelled_as_by_its_predictor(
        self, rng, segmenter, model_id, spacing, changes
    ):
        own = segmenter(model_id, **changes)
        frames = smooth(rng, (3, 45, 61))
        labels = own.segment_frames(frames, spacing_yx_mm=spacing)
        probabilities = own.frame_probabilities(frames, spacing_yx_mm=spacing)
        reach = 2 if model_id == "2.3" else 0
        for index in range(len(frames)):
            channels = with_neighbours(frames, index, reach=reach)
            theirs, their_probabilities = of_nnunet(own, channels, spacing)
            assert np.mean(labels[index] == theirs) > 0.999
            inner = (slice(None), slice(3, None), slice(0, -5))
            difference = np.abs(probabilities[index] - their_probabilities)[inner]
            assert difference.mean() < 1e-3
        assert len(np.unique(labels)) >= 3

    @pytest.mark.parametrize("spacing", [(0.5, 0.3, 0.4), (1.5, 0.35, 0.3)])
    def test_volumes_are_labelled_as_by_its_predictor(
        self, rng, segmenter, full_precision, spacing
    ):
        own = segmenter("3.1")
        volume = smooth(rng, (18, 33, 29))
        labels = own.segment_volume(volume, spacing_zyx_mm=spacing)
        theirs, their_probabilities = of_nnunet(own, volume[None], spacing)
        probabilities = own.volume_probabilities(volume, spacing_zyx_mm=spacing)
        assert np.mean(labels == theirs) > 0.999
        inner = (slice(None), slice(None), slice(3, None), slice(0, -5))
        difference = np.abs(probabilities - their_probabilities)[inner]
        assert difference.max() < 0.02
        assert difference.mean() < 5e-4
        assert len(np.unique(labels)) >= 3

    def test_mirrored_pictures_are_averaged_as_by_its_predictor(self, rng, segmenter):
        own = segmenter("2.1", is_mirrored=True, mirror_axes=(0, 1), patch_size=(48, 64))
        frames = smooth(rng, (1, 45, 61))
        labels = own.segment_frames(frames, spacing_yx_mm=(0.3, 0.4))
        theirs, _ = of_nnunet(own, frames, (0.3, 0.4))
        plain = segmenter("2.1", patch_size=(48, 64))
        assert np.mean(labels[0] == theirs) > 0.999
        assert (plain.segment_frames(frames, spacing_yx_mm=(0.3, 0.4)) != labels).any()


class TestResampling:
    @pytest.mark.parametrize(("old", "new"), [((37, 52), (19, 31)), ((21, 20), (40, 55))])
    def test_of_pictures_is_that_of_skimage(self, rng, old, new):
        picture = rng.normal(size=(2, *old)).astype(np.float32)
        ours = network_grid.resampled_pictures(torch.from_numpy(picture), new).numpy()
        for mine, channel in zip(ours, picture, strict=True):
            theirs = resize(channel.astype(float), new, 3, mode="edge", anti_aliasing=False)
            np.testing.assert_allclose(mine, theirs, atol=2e-5)

    def test_of_logits_is_that_of_skimage(self, rng):
        logits = rng.normal(size=(2, 9, 14, 11)).astype(np.float32)
        ours = network_grid.resampled_logits(torch.from_numpy(logits), (17, 10, 23)).numpy()
        theirs = resize(logits[1].astype(float), (17, 10, 23), 1, mode="edge", anti_aliasing=False)
        np.testing.assert_allclose(ours[1], theirs, atol=1e-5)

    def test_leaves_a_picture_of_the_right_shape_alone(self):
        picture = torch.rand(1, 4, 5)
        assert network_grid.resampled_pictures(picture, (4, 5)) is picture
        assert network_grid.resampled_logits(picture, (4, 5)) is picture

    @pytest.mark.parametrize(
        ("spacing", "target", "axis"),
        [
            ((1.0, 0.3, 0.3), (0.5, 0.5, 0.5), 0),
            ((0.3, 0.3, 0.3), (0.3, 0.3, 1.0), 2),
            ((0.3, 1.0, 1.0), (0.5, 0.5, 0.5), None),  # two thick axes
            ((0.5, 0.3, 0.3), (0.5, 0.5, 0.5), None),
        ],
    )
    def test_a_thick_axis_is_one_of_over_three_times_the_smallest(self, spacing, target, axis):
        assert network_grid.thick_axis(spacing, target) == axis

    def test_shapes_are_rounded(self):
        assert network_grid.resampled_shape((232, 256), (0.194, 0.2), (0.388, 0.3)) == (116, 171)

    def test_content_is_all_that_any_channel_shows(self):
        channels = np.zeros((2, 6, 8))
        channels[0, 2, 5], channels[1, 4, 3] = 1, 1
        assert network_grid.content_box(channels) == (slice(2, 5), slice(3, 6))
        assert network_grid.content_box(0 * channels) == (slice(0, 6), slice(0, 8))

    def test_a_channel_of_one_value_becomes_zero(self):
        assert (network_grid.standardised(np.full((1, 3, 3), 7)) == 0).all()


class TestWindows:
    @pytest.mark.parametrize(
        ("size", "starts"), [(64, [0]), (65, [0, 1]), (110, [0, 23, 46]), (128, [0, 32, 64])]
    )
    def test_are_at_most_half_a_patch_apart(self, size, starts):
        assert Windows((64,)).starts((size,)) == [(start,) for start in starts]

    def test_of_a_network_that_copies_give_the_picture_back(self, rng):
        pictures = [torch.from_numpy(rng.normal(size=(1, *s))) for s in ((9, 31), (5, 6), (20, 8))]
        copy = torch.nn.Conv2d(1, 1, 1, bias=False).double()
        torch.nn.init.ones_(copy.weight)
        for picture, logits in zip(
            pictures, logits_of(copy, pictures, Windows((8, 12))), strict=True
        ):
            torch.testing.assert_close(logits, picture)

    def test_weights_are_largest_in_the_middle_and_nowhere_zero(self):
        weight = sliding_windows._gaussian((128, 128, 128))
        assert weight[64, 64, 64] == weight.max() == 1
        assert weight.min() > 0


class TestAnswers:
    def test_probabilities_sum_to_one_and_are_background_outside_the_picture(self, rng, segmenter):
        frames = smooth(rng, (2, 45, 61))
        own = segmenter("2.1")
        probabilities = own.frame_probabilities(frames, spacing_yx_mm=(0.3, 0.4))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert (probabilities[:, 0, :3] == 1).all()
        labels = own.segment_frames(frames, spacing_yx_mm=(0.3, 0.4))
        assert (labels[:, :, -5:] == 0).all()
        assert (labels == probabilities.argmax(axis=1)).mean() > 0.9999

    def test_a_frame_alone_is_labelled_as_among_others(self, rng, segmenter):
        frames = smooth(rng, (11, 45, 61))
        own = segmenter("2.1")
        together = own.segment_frames(frames, spacing_yx_mm=(0.3, 0.4))
        alone = own.segment_frames(frames[9:10], spacing_yx_mm=(0.3, 0.4))
        assert (together[9] == alone[0]).mean() > 0.999

    @pytest.mark.parametrize(
        ("model_id", "shape", "spacing", "message"),
        [
            ("3.1", (4, 9, 9), (0.3, 0.4), r"labels volumes \(D, H, W\), not frames"),
            ("2.1", (9, 9), (0.3, 0.4), r"frames \(N, H, W\), none of them 0, got \(9, 9\)"),
            ("2.1", (2, 9, 9), (0.3, 0.0), r"spacing must be 2 positive numbers of mm, got"),
        ],
    )
    def test_frames_that_are_none_are_refused(self, segmenter, model_id, shape, spacing, message):
        with pytest.raises(ValueError, match=message):
            segmenter(model_id).segment_frames(np.zeros(shape), spacing_yx_mm=spacing)

    def test_volumes_for_a_network_of_frames_or_with_nan_are_refused(self, segmenter):
        volume = np.zeros((8, 9, 9))
        with pytest.raises(ValueError, match=r"model 2.1 labels frames \(N, H, W\), not volumes"):
            segmenter("2.1").segment_volume(volume, spacing_zyx_mm=(1, 1, 1))
        volume[1, 2, 3] = np.nan
        with pytest.raises(ValueError, match="must be finite, got NaN"):
            segmenter("3.2").segment_volume(volume, spacing_zyx_mm=(1, 1, 1))

    def test_mirroring_needs_a_network_that_was_mirrored(self, segmenter, monkeypatch):
        model = segmenter("2.1").model
        monkeypatch.setattr("hipus.segmentation.model_files.load", lambda _: model)
        assert Segmenter.load("folder").windows == Windows((32, 48))
        with pytest.raises(ValueError, match="model 2.1 was trained without mirrored pictures"):
            Segmenter.load("folder", is_mirrored=True)


class TestPieces:
    def whole(self, segmenter: Segmenter, *names: str) -> Segmenter:
        """Return a segmenter whose validation cases spoke against stray pieces of structures."""
        pieces = {name: {"is_better": name in names} for name in LABELS}
        model = dataclasses.replace(segmenter.model, about={"pieces": pieces})
        return dataclasses.replace(segmenter, model=model)

    def test_volumes_keep_the_largest_piece_of_what_the_model_names(self, segmenter):
        plain = segmenter("3.2")
        volume = smooth(np.random.default_rng(2), (20, 30, 26))
        labels = plain.segment_volume(volume, spacing_zyx_mm=(0.5, 0.3, 0.4))
        present = [name for name, value in LABELS.items() if (labels == value).any()]
        own = self.whole(plain, *present[:1])
        found = own.segment_volume(volume, spacing_zyx_mm=(0.5, 0.3, 0.4))
        np.testing.assert_array_equal(found, keep_largest(labels, [LABELS[present[0]]]))
        assert (found != labels).any()

    def test_frames_are_each_a_case_of_their_own(self, segmenter):
        plain = segmenter("2.1")
        frames = smooth(np.random.default_rng(2), (3, 40, 56))
        labels = plain.segment_frames(frames, spacing_yx_mm=(0.3, 0.4))
        own = self.whole(plain, *LABELS)
        found = own.segment_frames(frames, spacing_yx_mm=(0.3, 0.4))
        for one, mask in zip(found, labels, strict=True):
            np.testing.assert_array_equal(one, keep_largest(mask, LABELS.values()))
        assert (found != labels).any()
