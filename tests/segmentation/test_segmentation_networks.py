"""The five published segmentation networks."""

import json
from math import prod

import numpy as np
import pytest
import torch

from hipus.published import tables
from hipus.published.networks import ParameterCounts, count_parameters
from hipus.segmentation import networks

MODEL_IDS = list(networks.CONFIGURATIONS)


def counts_by_hand(plan: networks.NetworkPlan) -> ParameterCounts:
    """Count a plain convolutional U-Net from its widths, kernels and strides alone."""
    kwargs = plan.arch_kwargs
    widths, strides, kernels = (
        kwargs[name] for name in ("features_per_stage", "strides", "kernel_sizes")
    )

    def block(n_in: int, n_out: int, kernel: list[int]) -> int:
        return n_in * n_out * prod(kernel) + n_out + 2 * n_out

    inputs = [plan.in_channels, *widths[:-1]]
    stages = list(zip(inputs, widths, kernels, strict=True))
    encoder = sum(block(a, b, k) + block(b, b, k) for a, b, k in stages)
    decoder = sum(block(2 * b, b, k) + block(b, b, k) for _, b, k in stages[:-1])
    steps = zip(widths[1:], widths[:-1], strides[1:], strict=True)
    upward = sum(below * above * prod(stride) + above for below, above, stride in steps)
    heads = sum((width + 1) * networks.N_CLASSES for width in widths[:-1])
    once = encoder + decoder + upward + heads
    return ParameterCounts(once, 4 * encoder + 2 * decoder + upward + heads)


class TestPlans:
    @pytest.mark.parametrize("model_id", MODEL_IDS)
    def test_patches_are_divisible_by_their_strides(self, model_id):
        plan = networks.published_plan(model_id)
        factors = np.prod(plan.arch_kwargs["strides"], axis=0)
        assert (np.mod(plan.patch_size, factors) == 0).all()

    @pytest.mark.parametrize(
        ("model_id", "names"),
        [
            ("2.1", ("input_height", "input_width")),
            ("2.2", ("input_height", "input_width")),
            ("2.3", ("patch_height", "patch_width")),
            ("3.1", ("patch_0", "patch_1", "patch_2")),
            ("3.2", ("patch_0", "patch_1", "patch_2")),
        ],
    )
    def test_patches_are_the_printed_ones(self, model_id, names):
        rows = f"model_id={model_id};parameter="
        printed = tuple(int(tables.printed("midl_training", rows + name)) for name in names)
        assert networks.published_plan(model_id).patch_size == printed

    @pytest.mark.parametrize("model_id", ["2.1", "2.2", "3.1", "3.2"])
    def test_batches_are_the_printed_ones(self, model_id):
        rows = f"model_id={model_id};parameter=batch_size"
        printed = int(tables.printed("midl_training", rows))
        assert networks.published_plan(model_id).batch_size == printed

    @pytest.mark.parametrize(("model_id", "like"), [("2.2", "2.1"), ("2.2", "2.3"), ("3.2", "3.1")])
    def test_widths_are_the_printed_ones(self, model_id, like):
        rows = f"model_id={model_id};parameter=feature_widths"
        printed = [int(width) for width in tables.printed("midl_training", rows).split()]
        for model in (model_id, like):
            plan = networks.published_plan(model)
            assert plan.arch_kwargs["features_per_stage"] == printed
            assert plan.n_stages == len(printed)

    def test_only_the_model_with_context_has_five_channels(self):
        channels = {name: networks.published_plan(name).in_channels for name in MODEL_IDS}
        assert channels == {"2.1": 1, "2.2": 1, "2.3": 5, "3.1": 1, "3.2": 1}

    def test_an_unknown_model_names_the_known_ones(self):
        message = r"model_id must be one of \['2.1', '2.2', '2.3', '3.1', '3.2'\], got '3.3'"
        with pytest.raises(ValueError, match=message):
            networks.published_network("3.3")

    def test_missing_plans_say_how_to_get_them(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"plans.json is missing: run `dvc pull"):
            networks.published_plan("2.1", plans=tmp_path / "plans.json")

    def test_another_architecture_is_refused(self, tmp_path):
        plans = json.loads(networks.plans_file().read_text())
        plans["configurations"]["m32"]["architecture"]["network_class_name"] = "os.system"
        file = tmp_path / "plans.json"
        file.write_text(json.dumps(plans))
        with pytest.raises(
            ValueError, match="model 3.2: network_class_name must be .* got os.system"
        ):
            networks.published_plan("3.2", plans=file)


class TestLayerClass:
    def test_imports_a_layer(self):
        assert networks.layer_class("torch.nn.modules.conv.Conv3d") is torch.nn.Conv3d
        assert networks.layer_class(None) is None

    def test_refuses_anything_that_is_no_layer(self):
        with pytest.raises(ValueError, match=r"must be below torch.nn, got 'os.system'"):
            networks.layer_class("os.system")


class TestPublishedNetwork:
    @pytest.mark.parametrize("model_id", MODEL_IDS)
    def test_size_equals_the_count_by_hand(self, model_id):
        built = count_parameters(networks.published_network(model_id))
        assert built == counts_by_hand(networks.published_plan(model_id))

    @pytest.mark.parametrize("model_id", ["2.3", "3.1"])
    def test_equals_the_network_that_nnunet_builds(self, model_id):
        from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

        plan = networks.published_plan(model_id)
        theirs = get_network_from_plans(
            "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            plan.arch_kwargs,
            ["conv_op", "norm_op", "dropout_op", "nonlin"],
            plan.in_channels,
            networks.N_CLASSES,
            deep_supervision=True,
        )
        shapes = {name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()}
        ours = networks.published_network(model_id).state_dict()
        assert {name: tuple(tensor.shape) for name, tensor in ours.items()} == shapes

    def test_labels_every_pixel_of_five_frames_at_once(self):
        network = networks.published_network("2.3", deep_supervision=False).eval()
        with torch.inference_mode():
            logits = network(torch.zeros(1, 5, 128, 192))
        assert logits.shape == (1, 5, 128, 192)

    def test_deep_supervision_halves_each_axis_but_the_last_stride(self):
        network = networks.published_network("3.1").eval()
        with torch.inference_mode():
            logits = network(torch.zeros(1, 1, 16, 64, 32))
        sides = [tuple(scale.shape[2:]) for scale in logits]
        assert sides == [(16, 64, 32), (8, 32, 16), (4, 16, 8), (2, 8, 4), (1, 4, 2)]
