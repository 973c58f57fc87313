"""The networks beside the published one: what they promise to whoever trains them."""

import pytest
import torch
from torch import nn

from hipus.motion import convolutional_lstm, dcl_net, displacement_field, prevost
from hipus.published.networks import count_parameters

BUILDERS = {
    "prevost": (prevost.build, (6, 1, 9)),
    "dcl_net": (dcl_net.build, (18, 5, 9)),
    "convolutional_lstm": (convolutional_lstm.build, (18, 5, 9)),
    "displacement_field": (displacement_field.build, (18, 5, 9)),
}
PARAMETERS = {
    "prevost": 486_281,
    "dcl_net": 266_463,
    "convolutional_lstm": 396_697,
    "displacement_field": 400_965,
}
SMALL = [(6, 1, 6), (3, 2, 7), (18, 5, 9), (5, 4, 12)]

each_network = pytest.mark.parametrize("name", BUILDERS)


@pytest.fixture(autouse=True)
def _one_thread_and_a_seed():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(3)
    yield
    torch.set_num_threads(threads)


def built(name, ends=None):
    """Return a network and its ends."""
    build, usual = BUILDERS[name]
    return build(*(ends or usual)), ends or usual


def numbers(outputs):
    """Return the transform numbers of whatever a network returns."""
    return outputs.numbers if isinstance(outputs, tuple) else outputs


@each_network
class TestEveryNetwork:
    @pytest.mark.parametrize("ends", SMALL)
    @pytest.mark.parametrize("size", [(33, 47), (32, 32)])
    def test_maps_windows_of_any_shape_to_numbers_step_by_step(self, name, ends, size):
        network, (channels, steps, each) = built(name, ends)
        with torch.inference_mode():
            outputs = numbers(network.eval()(torch.randn(2, channels, *size)))
        assert outputs.shape == (2, steps * each)
        assert outputs.dtype == torch.float32
        assert torch.isfinite(outputs).all()

    def test_has_the_documented_number_of_parameters(self, name):
        network, _ = built(name)
        assert count_parameters(network).trainable == PARAMETERS[name]
        text = BUILDERS[name][0].__doc__
        assert f"{PARAMETERS[name]:,} parameters" in text

    def test_the_number_of_parameters_does_not_depend_on_the_picture(self, name):
        network, (channels, _, _) = built(name)
        before = count_parameters(network)
        network(torch.randn(2, channels, 40, 24))
        assert count_parameters(network) == before

    def test_predicts_one_window_as_it_does_among_others(self, name):
        network, (channels, _, _) = built(name)
        windows = torch.randn(3, channels, 32, 32)
        with torch.inference_mode():
            together = numbers(network.eval()(windows))
            alone = torch.cat([numbers(network(window[None])) for window in windows])
        torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)

    def test_does_not_depend_on_the_memory_layout(self, name):
        network, (channels, _, _) = built(name)
        windows = torch.randn(2, channels, 32, 32)
        inside_out = windows.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            torch.testing.assert_close(
                numbers(network.eval()(inside_out)),
                numbers(network(windows)),
                rtol=1e-4,
                atol=1e-5,
            )

    def test_the_gradient_reaches_all_parameters(self, name):
        network, (channels, _, _) = built(name)
        numbers(network(torch.randn(4, channels, 40, 40))).square().sum().backward()
        untouched = [
            label
            for label, parameter in network.named_parameters()
            if parameter.grad is None or not parameter.grad.abs().sum() > 0
        ]
        # A bias before batch normalisation would be removed by it; there is none.
        assert untouched == []

    def test_every_input_channel_reaches_the_numbers(self, name):
        network, (channels, _, _) = built(name)
        windows = torch.randn(1, channels, 40, 40, requires_grad=True)
        numbers(network.eval()(windows)).square().sum().backward()
        assert (windows.grad.abs().amax(dim=(0, 2, 3)) > 0).all()

    def test_a_head_of_zeros_predicts_the_mean_of_standardised_targets(self, name):
        network, (channels, _, _) = built(name)
        assert isinstance(network.head, nn.Linear)
        nn.init.zeros_(network.head.weight)
        nn.init.zeros_(network.head.bias)
        outputs = numbers(network.train()(torch.randn(4, channels, 32, 32)))
        assert torch.count_nonzero(outputs) == 0
        outputs.sum().backward()
        assert network.head.bias.grad.abs().min() > 0

    def test_the_weights_start_from_the_seed(self, name):
        first, again, other = (
            (torch.manual_seed(seed), built(name)[0])[1].state_dict() for seed in (5, 5, 6)
        )
        assert all(torch.equal(first[key], again[key]) for key in first)
        assert not torch.equal(first["head.weight"], other["head.weight"])

    def test_normalises_with_the_usual_momentum_and_drops_nothing_out(self, name):
        network, _ = built(name)
        norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        assert norms
        assert {norm.momentum for norm in norms} == {0.1}
        assert not any("Dropout" in type(module).__name__ for module in network.modules())

    @pytest.mark.parametrize(
        ("ends", "message"),
        [
            ((7, 1, 9), "in_channels must be a multiple of the 2 frames of 1 steps, got 7"),
            ((6, 1, 0), "numbers_per_step must be positive, got 0"),
            ((6, 0, 9), "step_count must be positive, got 0"),
        ],
    )
    def test_refuses_ends_that_do_not_fit(self, name, ends, message):
        with pytest.raises(ValueError, match=message):
            built(name, ends)


class TestPrevost:
    def test_its_encoder_ends_at_an_eighth_of_the_side(self):
        maps = prevost.ConvolutionalEncoder(6, 8)(torch.zeros(2, 6, 33, 48))
        assert maps.shape == (2, 8, 5, 6)

    def test_its_parameters_add_up_by_hand(self):
        convolutions = 64 * (6 * 25 + 64 * 25 + 64 * 9 + 64 * 9)
        norms, hidden, head = 4 * 2 * 64, 9 * 64 * 512 + 512, 512 * 9 + 9
        assert convolutions + norms + hidden + head == PARAMETERS["prevost"]

    def test_the_width_is_a_choice(self):
        wide, narrow = (prevost.build(6, 1, 9, width=width) for width in (64, 16))
        assert count_parameters(narrow).trainable < count_parameters(wide).trainable / 4


class TestDclNet:
    def test_the_frame_axis_is_never_strided(self):
        trunk = dcl_net.DclTrunk(18, 5, width=4, cardinality=4)
        frames = torch.zeros(2, 3, 6, 33, 65)
        maps = trunk.reduce(trunk.blocks(trunk.stem(frames)))
        # 33 x 65 px: strides 4, 2, 2 leave 3 x 5 places of each of 6 frames.
        assert maps.shape == (2, 8, 6, 3, 5)
        assert trunk.feature_count == 8 * 6

    def test_its_memory_layout_survives_weights_that_are_loaded(self):
        weights = {
            name: values.contiguous()
            for name, values in dcl_net.build(6, 1, 9, width=4).state_dict().items()
        }
        network = dcl_net.build(6, 1, 9, width=4)
        network.load_state_dict(weights)
        filters = network.trunk.stem[0].weight
        assert filters.is_contiguous(memory_format=torch.channels_last_3d)
        assert torch.equal(filters, weights["trunk.stem.0.weight"])

    def test_its_attention_is_one_weight_between_0_and_1_for_all_channels(self):
        attention = dcl_net.Attention(4).eval()
        features = torch.randn(2, 4, 3, 5, 6)
        weights = attention.weights(features)
        assert weights.shape == (2, 1, 3, 5, 6)
        assert (weights > 0).all()
        assert (weights < 1).all()
        torch.testing.assert_close(attention(features), features * weights)

    def test_without_scores_the_attention_halves_everything(self):
        attention = dcl_net.Attention(4).eval()
        nn.init.zeros_(attention.score[3].weight)
        features = torch.randn(1, 4, 2, 3, 3)
        torch.testing.assert_close(attention(features), features / 2)

    def test_a_block_whose_branch_is_silent_passes_its_input_on(self):
        block = dcl_net.ResidualBlock(8, 4, cardinality=2).eval()
        nn.init.zeros_(block.branch[-1].weight)
        features = torch.randn(1, 8, 2, 3, 3)
        torch.testing.assert_close(block(features), torch.relu(features))

    def test_its_middle_convolution_is_grouped(self):
        block = dcl_net.ResidualBlock(8, 16, cardinality=4, stride=2)
        assert block.branch[3].weight.shape == (16, 4, 3, 3, 3)
        assert block(torch.zeros(2, 8, 3, 6, 10)).shape == (2, 32, 3, 3, 5)

    def test_depth_adds_blocks(self):
        shallow, deep = (
            dcl_net.DclTrunk(6, 1, width=4, cardinality=4, depths=depths)
            for depths in ((1, 1), (2, 3))
        )
        assert len(deep.blocks) == len(shallow.blocks) + 3
        assert deep(torch.zeros(1, 6, 32, 32)).shape == (1, deep.feature_count)

    @pytest.mark.parametrize(("width", "cardinality"), [(5, 2), (6, 8), (0, 1)])
    def test_refuses_a_width_that_does_not_divide_into_groups(self, width, cardinality):
        message = f"got width={width}, cardinality={cardinality}"
        with pytest.raises(ValueError, match=message):
            dcl_net.DclTrunk(6, 1, width=width, cardinality=cardinality)


class TestConvLstmCell:
    @staticmethod
    def scalar_cell():
        """Return a cell on one pixel, its gates set by hand."""
        cell = convolutional_lstm.ConvLstmCell(1, 1)
        nn.init.zeros_(cell.gates.weight)
        with torch.no_grad():
            # Input, forget, output, candidate: weights on x and on h, and a bias.
            cell.gates.weight[:, 0, 1, 1] = torch.tensor([1.0, -2.0, 0.5, 3.0])
            cell.gates.weight[:, 1, 1, 1] = torch.tensor([0.25, 1.0, -1.0, 2.0])
            cell.gates.bias[:] = torch.tensor([0.1, 0.2, 0.3, 0.4])
        return cell

    def test_takes_one_step_as_worked_by_hand(self):
        x, h, c = (torch.full((1, 1, 1, 1), value) for value in (0.5, -0.4, 2.0))
        next_h, next_c = self.scalar_cell()(x, (h, c))
        # i = s(0.5 - 0.1 + 0.1) = s(0.5), f = s(-1 - 0.4 + 0.2) = s(-1.2),
        # o = s(0.25 + 0.4 + 0.3) = s(0.95), g = tanh(1.5 - 0.8 + 0.4) = tanh(1.1)
        # c' = 0.2314752 * 2 + 0.6224593 * 0.8004990 = 0.9612285
        # h' = 0.7211152 * tanh(0.9612285) = 0.7211152 * 0.7448243
        assert next_c.item() == pytest.approx(0.9612285, abs=1e-6)
        assert next_h.item() == pytest.approx(0.5371041, abs=1e-6)

    def test_equals_torchs_lstm_cell_where_convolutions_see_one_pixel(self):
        cell = convolutional_lstm.ConvLstmCell(3, 4)
        reference = nn.LSTMCell(3, 4)
        order = [0, 1, 3, 2]  # torch: input, forget, candidate, output
        middle = cell.gates.weight[:, :, 1, 1].unflatten(0, (4, 4))[order].flatten(0, 1)
        with torch.no_grad():
            reference.weight_ih[:] = middle[:, :3]
            reference.weight_hh[:] = middle[:, 3:]
            reference.bias_ih[:] = cell.gates.bias.unflatten(0, (4, 4))[order].flatten()
            reference.bias_hh.zero_()
        x, h, c = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)
        found = cell(x[..., None, None], (h[..., None, None], c[..., None, None]))
        for ours, theirs in zip(found, reference(x, (h, c)), strict=True):
            torch.testing.assert_close(ours[..., 0, 0], theirs)

    def test_begins_with_an_open_forget_gate(self):
        biases = convolutional_lstm.ConvLstmCell(3, 4).gates.bias
        assert biases[4:8].tolist() == [1.0] * 4
        assert not (biases[:4] == 1).any()


class TestConvLstm:
    def test_equals_a_slow_loop_over_time_then_layers(self):
        memory = convolutional_lstm.ConvLstm(2, 3, 2)
        sequence = torch.randn(2, 4, 2, 5, 3)
        zero = torch.zeros(2, 3, 5, 3)
        states, expected = [(zero, zero), (zero, zero)], []
        for instant in range(4):
            x = sequence[:, instant]
            for layer, cell in enumerate(memory.cells):
                states[layer] = cell(x, states[layer])
                x = states[layer][0]
            expected.append(x)
        torch.testing.assert_close(memory(sequence), torch.stack(expected, dim=1))

    def test_what_comes_later_changes_nothing_before(self):
        memory = convolutional_lstm.ConvLstm(2, 3, 2)
        sequence = torch.randn(1, 4, 2, 5, 3)
        changed = sequence.clone()
        changed[:, 2] += 1
        before, after = memory(sequence), memory(changed)
        assert torch.equal(before[:, :2], after[:, :2])
        assert not torch.allclose(before[:, 2], after[:, 2])
        assert not torch.allclose(before[:, 3], after[:, 3])

    def test_five_layers_shrink_what_they_see_before_training(self):
        memory = convolutional_lstm.ConvLstm(16, 16, 5)
        sequence = torch.randn(8, 4, 16, 4, 4)
        assert memory(sequence).std(dim=0).mean() < 1e-3 * sequence.std(dim=0).mean()


class TestCnnConvLstm:
    def test_has_five_layers(self):
        network, _ = built("convolutional_lstm")
        assert len(network.memory.cells) == convolutional_lstm.LAYERS == 5

    def test_the_last_layer_sees_the_features_past_the_memory(self):
        network = convolutional_lstm.CnnConvLstm(6, 1, 6, width=4, hidden=3, layers=2).eval()
        for cell in network.memory.cells:
            nn.init.zeros_(cell.gates.weight)
        first, second = network(torch.randn(2, 6, 16, 16)).unbind()
        assert not torch.allclose(first, second)

    def test_as_printed_everything_passes_through_the_memory(self):
        network = convolutional_lstm.CnnConvLstm(
            6, 1, 6, width=4, hidden=3, layers=2, skip=False
        ).eval()
        for cell in network.memory.cells:
            nn.init.zeros_(cell.gates.weight)
        first, second = network(torch.randn(2, 6, 16, 16)).unbind()
        assert torch.equal(first, second)

    def test_a_step_sees_earlier_frames_and_none_later_than_its_own(self):
        network = convolutional_lstm.CnnConvLstm(4, 3, 6, width=4, hidden=3, layers=2).eval()
        windows = torch.randn(1, 4, 16, 16)
        last, first = windows.clone(), windows.clone()
        last[:, 3] += 1
        first[:, 0] += 1
        with torch.inference_mode():
            usual, late, early = (
                network(x).unflatten(1, (3, 6))[0] for x in (windows, last, first)
            )
        assert torch.equal(usual[:2], late[:2])
        assert not torch.allclose(usual[2], late[2])
        assert not torch.allclose(usual[2], early[2])
