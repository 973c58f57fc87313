"""Training cases: what is refused, what is told of them, what nnU-Net will read."""

import dataclasses
import json

import numpy as np
import pytest

from hipus.segmentation.nnunet_dataset import write_dataset
from hipus.segmentation.training_cases import (
    TrainingCase,
    examine,
    facts_as_json,
    with_neighbours,
)

LABELS = {"ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3, "femoral_cortex": 4}


def case(case_id="S001_left_p_a_f000", **changes) -> TrainingCase:
    """Return a case of 5 x 7 px, changed."""
    channels, labels = np.full((1, 5, 7), 9, np.uint8), np.zeros((5, 7), np.uint8)
    labels[1, 2] = 4
    stock = TrainingCase(case_id, case_id[:4], "train", channels, labels, (0.3, 0.4))
    return dataclasses.replace(stock, **changes)


def other(**changes) -> TrainingCase:
    """Return a validation case of another subject, changed."""
    return case("S002_left_p_a_f000", split="validation", **changes)


def facts_of(*cases, **named):
    """Examine cases of a network with one channel."""
    return examine(cases, **{"channel_count": 1, "label_names": LABELS, **named})


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"split": "test"}, r"split must be one of \('train', 'validation'\), got 'test'"),
            (
                {"channels": np.zeros((2, 5, 7))},
                r"must be \(1, H, W\) or .* got \(2, 5, 7",
            ),
            ({"channels": np.zeros((1, 7, 5))}, r"labels must have the shape .* \(7, 5\), got \(5"),
            ({"spacing_mm": (0.3, 0.4, 0.5)}, r"spacing_mm must be 2 positive numbers"),
            ({"spacing_mm": (0.3, 0.0)}, r"spacing_mm must be 2 positive .* got \(0.3, 0.0\)"),
            ({"labels": np.zeros((5, 7))}, r"labels must be integers, got float64"),
            (
                {"labels": np.full((5, 7), 5)},
                r"must be 0 or one of \[1, 2, 3, 4\], got \[5\]",
            ),
            ({"channels": np.full((1, 5, 7), np.nan)}, r"channels must be finite, got NaN"),
        ],
    )
    def test_a_case_that_no_network_can_learn_from(self, changes, message):
        with pytest.raises(ValueError, match=r"case 'S001_left_p_a_f000': .*" + message):
            facts_of(case(**changes), other())

    def test_two_cases_of_one_name(self):
        with pytest.raises(ValueError, match="case_id must be unique, got 'S001_left_p_a_f000' tw"):
            facts_of(case(), case(), other())

    def test_a_case_in_two_splits(self):
        with pytest.raises(ValueError, match="case_id must be unique"):
            facts_of(case(), case(split="validation"))

    def test_a_subject_in_two_splits(self):
        with pytest.raises(ValueError, match="a subject must be in one split, got S001 in both"):
            facts_of(case(), other(subject_id="S001"))

    def test_a_subject_in_two_splits_is_what_splits_by_frame_are(self):
        facts = facts_of(case(), other(subject_id="S001"), splits_by="frame")
        assert facts.subjects == {"train": ("S001",), "validation": ("S001",)}

    def test_other_ways_to_split(self):
        with pytest.raises(ValueError, match="splits_by must be 'subject' or 'frame', got 'sweep'"):
            facts_of(case(), other(), splits_by="sweep")

    @pytest.mark.parametrize(("given", "empty"), [((case(),), "validation"), ((other(),), "train")])
    def test_an_empty_split(self, given, empty):
        with pytest.raises(ValueError, match=f"each split must have a case, got none for {empty}"):
            facts_of(*given)

    def test_mixed_spacings(self):
        with pytest.raises(ValueError, match=r"'S002.*that of the other cases, \(0.3, 0.4\), got"):
            facts_of(case(), other(spacing_mm=(0.3, 0.5)))


class TestFacts:
    def test_spacings_may_differ_where_all_are_resampled_to_the_network_s_own(self):
        facts = facts_of(case(), other(spacing_mm=(0.3, 0.5)), is_resampled=True)
        assert facts.spacing_mm == pytest.approx((0.3, 0.45))

    def test_intensities_are_those_of_training_alone_and_before_normalisation(self):
        bright = case(channels=np.full((1, 5, 7), 9, np.uint8))
        bright.channels[0, 1, 2] = 44  # the one labelled pixel
        (channel,) = facts_of(bright, other(channels=np.full((1, 5, 7), 200))).channels
        assert channel.mean == pytest.approx((34 * 9 + 44) / 35)
        assert channel.sd == pytest.approx(np.std([9] * 34 + [44]))
        assert (channel.labelled_mean, channel.labelled_sd) == (44, 0)

    def test_no_label_at_all_has_no_mean_and_is_null_in_json(self):
        facts = facts_of(case(labels=np.zeros((5, 7), int)), other())
        assert np.isnan(facts.channels[0].labelled_mean)
        assert facts_as_json(facts)["channels"][0]["labelled_mean"] is None

    def test_median_shape_and_counts(self):
        wide = case("S003_x", channels=np.ones((1, 5, 9)), labels=np.zeros((5, 9), int))
        facts = facts_of(case(), wide, other())
        assert facts.median_shape == (5, 7)
        assert facts.counts == {"train": 2, "validation": 1}
        assert facts.spacing_mm == (0.3, 0.4)

    def test_the_fingerprint_changes_with_anything_that_training_reads(self):
        digests = {
            facts_of(case(**changes), other()).digest
            for changes in (
                {},
                {"subject_id": "S009"},
                {"channels": np.full((1, 5, 7), 8, np.uint8)},
                {"labels": np.ones((5, 7), np.uint8)},
            )
        }
        assert len(digests) == 4
        assert facts_of(case(), other()).digest == facts_of(case(), other()).digest


class TestNeighbours:
    def test_are_in_the_order_of_the_sweep(self):
        frames = np.arange(9)[:, None, None] * np.ones((1, 2, 3))
        assert with_neighbours(frames, 4, reach=2)[:, 0, 0].tolist() == [2, 3, 4, 5, 6]

    @pytest.mark.parametrize(("index", "seen"), [(0, [0, 0, 0, 1, 2]), (7, [5, 6, 7, 8, 8])])
    def test_repeat_the_end_frame_beyond_an_end(self, index, seen):
        frames = np.arange(9)[:, None, None] * np.ones((1, 2, 3))
        assert with_neighbours(frames, index, reach=2)[:, 0, 0].tolist() == seen

    def test_of_a_single_frame_are_the_frame(self):
        assert with_neighbours(np.full((1, 2, 3), 5), 0, reach=2).shape == (5, 2, 3)

    def test_of_a_frame_that_is_not_there(self):
        with pytest.raises(IndexError, match="index must be 0 to 2, got 3"):
            with_neighbours(np.zeros((3, 2, 2)), 3, reach=2)


class TestWriting:
    def written(self, folder, plans, cases):
        """Write a data set and return its folder and a reader of cases."""
        from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2

        base = write_dataset(cases, folder, plans=plans, label_names=LABELS)
        identifier = next(iter(plans["configurations"].values()))["data_identifier"]
        return base, nnUNetDatasetBlosc2(str(base / identifier))

    def test_five_channels_are_each_standardised_by_themselves(self, tmp_path, make_plans):
        rng = np.random.default_rng(3)
        scales = np.array([1.0, 5.0, 20.0, 40.0, 80.0])[:, None, None]
        channels = (scales * (1.5 + rng.random((5, 40, 56)))).astype(np.float32)
        labels = rng.integers(0, 5, (40, 56))
        given = [
            TrainingCase(f"S00{k}_f0", f"S00{k}", split, channels, labels, (0.3, 0.4))
            for k, split in enumerate(("train", "validation"))
        ]
        base, stored = self.written(tmp_path, make_plans("2.3"), given)
        data, written_labels, _, _ = stored.load_case("S000_f0")
        own = channels - channels.mean(axis=(1, 2), keepdims=True)
        own /= channels.std(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(data[:][:, 0], own, atol=1e-5)
        np.testing.assert_array_equal(written_labels[:][0, 0], labels)

    def test_the_split_is_the_cases_own(self, tmp_path, make_plans, make_cases):
        base, _ = self.written(tmp_path, make_plans("2.1"), make_cases(4))
        (fold,) = json.loads((base / "splits_final.json").read_text())
        assert [name[:4] for name in fold["train"]] == ["S000", "S001"]
        assert [name[:4] for name in fold["val"]] == ["S002", "S003"]

    def test_pictures_are_resampled_to_the_spacing_of_the_plans(
        self, tmp_path, make_plans, make_cases
    ):
        plans = make_plans("2.1", spacing_mm=(0.6, 0.4))
        _, stored = self.written(tmp_path, plans, make_cases(4))
        assert stored.load_case(stored.identifiers[0])[0].shape == (1, 1, 20, 56)

    def test_model_3_2_learns_from_voxels_that_were_not_resampled(
        self, tmp_path, make_plans, make_cases
    ):
        shape, spacing = (20, 30, 26), (0.5, 0.3, 0.4)
        given = list(make_cases(3, shape=shape, spacing_mm=spacing))
        _, stored = self.written(tmp_path, make_plans("3.2"), given)
        grey = given[0].channels.astype(np.float32)
        data = stored.load_case(given[0].case_id)[0][:]
        np.testing.assert_allclose(data, (grey - grey.mean()) / grey.std(), atol=1e-5)

    def test_a_data_set_that_is_there_is_replaced(self, tmp_path, make_plans, make_cases):
        self.written(tmp_path, make_plans("2.1"), make_cases(4))
        _, stored = self.written(tmp_path, make_plans("2.1"), make_cases(3))
        assert len(stored.identifiers) == 3
