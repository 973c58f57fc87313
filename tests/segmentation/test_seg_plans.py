"""Plans: the published networks to the parameter, others with changed numbers alone."""

import dataclasses
import json

import pytest

from hipus.published.networks import count_parameters
from hipus.segmentation import networks
from hipus.segmentation.planned_network import build_network
from hipus.segmentation.plans import (
    ModelNumbers,
    configuration_name,
    published_numbers,
    study_plans,
)

MODEL_IDS = list(networks.CONFIGURATIONS)
COUNTS = {"2.2": (33_476_350, 92_468_062), "3.1": (30_788_409, 88_213_209)}


def plan_of(plans: dict) -> dict:
    """Return the one configuration of plans."""
    return plans["configurations"][configuration_name(plans)]


def published(model_id: str) -> dict:
    """Return plans with the published numbers and the data's spacing."""
    numbers = published_numbers(model_id)
    spacing = (0.2483,) * 3 if model_id.startswith("3") else (0.098, 0.098)
    return study_plans(model_id, numbers, spacing_mm=spacing, median_shape=numbers.patch_size)


class TestPublishedNumbers:
    @pytest.mark.parametrize("model_id", COUNTS)
    def test_build_the_published_networks_in_both_counts(self, model_id):
        count = count_parameters(build_network(published(model_id), class_count=5))
        assert (count.trainable, count.state_dict) == COUNTS[model_id]

    @pytest.mark.parametrize("model_id", MODEL_IDS)
    def test_change_nothing_of_a_plan_but_its_data(self, model_id):
        theirs = json.loads(networks.plans_file().read_text())
        theirs = theirs["configurations"][networks.CONFIGURATIONS[model_id]]
        ours = plan_of(published(model_id))
        changed = {name for name in ours if name not in theirs or ours[name] != theirs[name]}
        about_data = {"data_identifier", "spacing", "median_image_size_in_voxels", "study"}
        assert changed <= about_data
        assert ours["architecture"] == theirs["architecture"]

    @pytest.mark.parametrize(("model_id", "rotation"), [("2.2", 180.0), ("3.2", 30.0)])
    def test_train_as_nnunet_does_by_default(self, model_id, rotation):
        study = plan_of(published(model_id))["study"]
        assert (study["epochs"], study["iterations_per_epoch"]) == (1000, 250)
        assert (study["optimiser"], study["momentum"], study["learning_rate"]) == (
            "sgd",
            0.99,
            0.01,
        )
        assert study["rotation_deg"] == rotation
        assert study["mirror_axes"] == ([0, 1] if model_id == "2.2" else [0, 1, 2])


class TestOtherNumbers:
    def test_cut_the_network_and_keep_the_last_stride_of_model_3_1(self, make_plans):
        kwargs = plan_of(make_plans("3.1"))["architecture"]["arch_kwargs"]
        assert kwargs["strides"] == [[1, 1, 1], [2, 2, 2], [1, 2, 2]]
        assert kwargs["kernel_sizes"] == [[3, 3, 3]] * 3
        assert (kwargs["n_stages"], kwargs["features_per_stage"]) == (3, [4, 6, 8])
        assert (kwargs["n_conv_per_stage"], kwargs["n_conv_per_stage_decoder"]) == (
            [2] * 3,
            [2] * 2,
        )

    def test_count_convolutions_down_and_up_again(self, make_plans):
        plans = make_plans("3.2", convolutions_per_stage=(1, 2, 3, 4, 5))
        kwargs = plan_of(plans)["architecture"]["arch_kwargs"]
        assert kwargs["n_conv_per_stage"] == [1, 2, 3]
        assert kwargs["n_conv_per_stage_decoder"] == [4, 5]

    def test_stand_in_the_study_block_with_the_seed(self, make_plans):
        study = plan_of(make_plans("2.3", seed=11, mirror_axes=(1,)))["study"]
        assert study["seed"] == 11
        assert study["model_id"] == "2.3"
        assert study["mirror_axes"] == [1]
        assert study["epochs"] == 5

    def test_leave_the_spacing_to_the_data_or_set_it(self, make_plans):
        assert plan_of(make_plans("2.1"))["spacing"] == [0.3, 0.4]
        halved = plan_of(make_plans("2.1", spacing_mm=(0.6, 0.8)))
        assert halved["spacing"] == [0.6, 0.8]
        assert halved["median_image_size_in_voxels"] == [20, 28]

    def test_survive_json(self, make_plans):
        plans = make_plans("3.2")
        assert json.loads(json.dumps(plans)) == plans


class TestRefusals:
    @pytest.mark.parametrize(
        ("model_id", "changes", "message"),
        [
            ("2.1", {"patch_size": (32, 50)}, r"divisible by its strides \(4, 4\), got \(32, 50\)"),
            ("3.1", {"patch_size": (17, 24, 16)}, r"strides \(2, 4, 4\), got \(17, 24, 16\)"),
            ("2.1", {"patch_size": (16, 32, 32)}, r"model 2.1: patch_size must have 2 sides"),
            ("2.1", {"features_per_stage": (4, 8)}, r"must have 3 to 7 entries, got 2"),
            ("3.2", {"features_per_stage": (4,) * 7}, r"must have 3 to 6 entries, got 7"),
            ("2.1", {"mirror_axes": (2,)}, r"mirror_axes must be below 2, got \(2,\)"),
            ("2.1", {"spacing_mm": (0.3,)}, r"numbers.spacing_mm must be 2 positive numbers"),
            ("3.2", {"spacing_mm": (0.5, 0.6, 0.8)}, r"model 3.2 .* never resampled"),
        ],
    )
    def test_numbers_that_do_not_fit_a_network(self, make_plans, model_id, changes, message):
        with pytest.raises(ValueError, match=message):
            make_plans(model_id, **changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"epochs": 0}, "epochs must be at least 1, got 0"),
            ({"optimiser": "adam"}, r"optimiser must be one of \('sgd', 'adamw'\), got 'adam'"),
            ({"schedule": "cosine"}, "schedule must be one of .* got 'cosine'"),
            ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
            ({"oversample_foreground_percent": 33.0}, "must be 0 to 1, got 33.0"),
            ({"convolutions_per_stage": (1, 2)}, r"must be 5 positive numbers .* got \(1, 2\)"),
            ({"convolutions_per_stage": (1, 2, 0, 2, 1)}, "positive numbers .* or none"),
        ],
    )
    def test_numbers_that_are_none(self, small_numbers, changes, message):
        with pytest.raises(ValueError, match=message):
            small_numbers(**changes)

    def test_an_unknown_model(self, small_numbers):
        with pytest.raises(ValueError, match="model_id must be one of"):
            study_plans("9.9", small_numbers(), spacing_mm=(1, 1), median_shape=(9, 9))

    def test_plans_of_several_networks(self):
        with pytest.raises(ValueError, match="plans must have one configuration, got"):
            configuration_name({"configurations": {"m21": {}, "m22": {}}})


def test_every_number_reaches_the_plans(make_plans, small_numbers):
    plan = plan_of(make_plans("2.1", spacing_mm=(0.5, 0.5)))
    flat = {**plan, **plan["study"], "features_per_stage": (4, 6, 8), "spacing_mm": (0.5, 0.5)}
    flat["convolutions_per_stage"] = ()  # as published; see TestOtherNumbers
    for field in dataclasses.fields(ModelNumbers):
        value = getattr(small_numbers(spacing_mm=(0.5, 0.5)), field.name)
        assert flat[field.name] == (list(value) if isinstance(value, tuple) else value) or (
            flat[field.name] == value
        )
