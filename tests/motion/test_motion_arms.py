"""The learned arms, and the networks their names stand for."""

import json

import pytest
import torch

from hipus.motion import networks
from hipus.motion.arms import ARMS, FIELD_NETWORKS, Arm, build_network, named
from hipus.motion.two_networks import TwoNetworks
from hipus.published.networks import count_parameters


def small_window(arm, batch=2, px=32):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(batch, arm.in_channels, px, px, generator=generator)


class TestRegistry:
    def test_names_are_the_arms_own_and_unknown_ones_are_refused(self):
        assert all(name == arm.name for name, arm in ARMS.items())
        assert named("published") is ARMS["published"]
        with pytest.raises(ValueError, match=r"arm must be one of published, .* got 'publishd'"):
            named("publishd")

    def test_the_published_arm_has_the_printed_ends(self):
        arm = named("published")
        assert (arm.in_channels, arm.step_count * arm.numbers_per_step) == (18, 45)

    def test_a_correlation_map_in_place_of_flow_v_keeps_the_printed_count(self):
        arm = named("published_with_correlation")
        assert "correlation" in arm.channels
        assert "flow_v" not in arm.channels
        assert count_parameters(build_network(arm)).trainable == 4_069_513

    def test_holds_every_comparison_of_the_study(self):
        rotations = {arm.rotation_numbers for arm in ARMS.values() if arm.network == "dcl_net"}
        assert rotations == {3, 4, 6, 9}
        without = [ARMS[f"published_without_{what}"] for what in ("imu", "flow", "both")]
        assert [(arm.uses_imu, arm.channels == ("intensity",)) for arm in without] == [
            (False, False),
            (True, True),
            (False, True),
        ]
        assert {arm.network for arm in ARMS.values()} >= {"prevost", "convolutional_lstm"}
        assert any(arm.augment for arm in ARMS.values())
        assert any(arm.targets == "apart" for arm in ARMS.values())
        assert any(arm.rigidity_weight > 0 for arm in ARMS.values())

    def test_arms_that_differ_at_prediction_only_share_one_training(self):
        with_imu, without = named("published"), named("published_without_imu")
        assert with_imu.trained_settings() == without.trained_settings()
        overlapping = named("cnn_convlstm").trained_settings()
        assert overlapping == named("cnn_convlstm_without_overlap").trained_settings()
        trained = [json.dumps(arm.trained_settings(), sort_keys=True) for arm in ARMS.values()]
        assert len(set(trained)) == len(ARMS) - 3


class TestArm:
    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({"network": "resnet"}, r"arm 'a': network must be one of efficientnet_b0, .*'resnet'"),
            ({"rotation_numbers": 5}, r"rotation_numbers must be one of 3, 4, 6, 9, got 5"),
            ({"targets": "rotation"}, r"targets must be one of both, apart, got 'rotation'"),
            ({"frames": 1}, r"frames must be at least 2, got 1"),
            ({"channels": ()}, r"channels must be different ones of intensity, .* got \(\)"),
            ({"channels": ("depth",)}, r"channels must be different ones .*'depth'"),
            ({"channels": ("intensity",) * 2}, r"channels must be different ones"),
            ({"correlation_weight": 1.5}, r"correlation_weight must be from 0 to 1, got 1.5"),
            ({"field_weight": -1.0}, r"must not be negative, got -1.0 and 0.0"),
            ({"rigidity_weight": 1.0}, r"network 'efficientnet_b0' has no displacement field"),
            (
                {"network": "displacement_field", "targets": "apart"},
                r"a displacement field moves and turns at once, so targets must be 'both'",
            ),
        ],
    )
    def test_refuses_what_does_not_exist_or_go_together(self, choices, message):
        with pytest.raises(ValueError, match=message):
            Arm("a", **choices)


class TestBuildNetwork:
    @pytest.mark.parametrize(
        "name",
        ["prevost", "dcl_net_9_numbers", "dcl_net_two_networks", "cnn_convlstm", "published"],
    )
    def test_maps_a_window_to_the_numbers_of_its_steps(self, name):
        arm = named(name)
        with torch.inference_mode():
            numbers = build_network(arm).eval()(small_window(arm))
        assert numbers.shape == (2, arm.step_count * arm.numbers_per_step)

    def test_a_field_network_says_numbers_and_field(self):
        arm = named("dcl_net_displacement_field")
        assert arm.network in FIELD_NETWORKS
        with torch.inference_mode():
            numbers, field_mm = build_network(arm).eval()(small_window(arm))
        assert numbers.shape == (2, arm.step_count * arm.numbers_per_step)
        assert field_mm.shape[:2] == (2, arm.step_count)


class TestTwoNetworks:
    def test_puts_each_steps_rotation_before_its_translation(self):
        rotation, translation = torch.nn.Linear(1, 8), torch.nn.Linear(1, 6)
        for part, first in ((rotation, 0.0), (translation, 100.0)):
            torch.nn.init.zeros_(part.weight)
            part.bias.data = first + torch.arange(len(part.bias), dtype=torch.float32)
        both = TwoNetworks(rotation, translation, step_count=2)
        expected = [0, 1, 2, 3, 100, 101, 102, 4, 5, 6, 7, 103, 104, 105]
        assert both(torch.zeros(1, 1)).tolist() == [expected]

    def test_each_networks_gradient_is_that_of_training_it_alone(self):
        both = TwoNetworks(torch.nn.Linear(2, 3), torch.nn.Linear(2, 3), step_count=1)
        inputs, targets = torch.tensor([[1.0, -2.0]]), torch.arange(6.0)[None]
        (both(inputs) - targets).square().sum().backward()
        beside = both.rotation.weight.grad.clone()
        both.zero_grad()
        (both.rotation(inputs) - targets[:, :3]).square().sum().backward()
        assert torch.equal(beside, both.rotation.weight.grad)


class TestMakeReady:
    @pytest.mark.parametrize("name", ["published", "dcl_net_two_networks", "cnn_convlstm"])
    def test_a_ready_network_says_zero_whatever_it_sees(self, name):
        arm = named(name)
        network = networks.make_ready(build_network(arm))
        with torch.inference_mode():
            assert not network.train()(small_window(arm)).any()

    def test_nothing_is_dropped_and_statistics_follow(self):
        network = networks.make_ready(networks.published_network()).train()
        torch.nn.init.ones_(network._fc.weight)
        first, second = (network(small_window(named("published"))) for _ in range(2))
        assert torch.equal(first, second)
        momenta = {m.momentum for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)}
        assert momenta == {0.1}

    def test_what_makes_it_fast_changes_no_answer(self):
        network = networks.published_network().eval()
        before = network(small_window(named("published"))).detach()
        bias, weight = network._fc.bias.detach().clone(), network._fc.weight.detach().clone()
        networks.make_ready(network)
        network._fc.bias.data, network._fc.weight.data = bias, weight
        after = network(small_window(named("published"))).detach()
        padded = [m for m in network.modules() if isinstance(m, torch.nn.ConstantPad2d)]
        assert len(padded) == 5  # the uneven ones of the strides
        assert torch.allclose(after, before, atol=1e-5 * float(before.abs().max()))

    def test_parameters_stay_as_printed(self):
        network = networks.make_ready(networks.published_network())
        assert count_parameters(network).trainable == 4_069_513

    def test_refuses_a_network_without_a_last_layer(self):
        with pytest.raises(ValueError, match="Sequential has no last layer named head or _fc"):
            networks.make_ready(torch.nn.Sequential(torch.nn.Linear(2, 2)))
