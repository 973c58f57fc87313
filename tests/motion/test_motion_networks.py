"""The published reconstruction network."""

import pytest
import torch

from hipus.motion import networks
from hipus.published import tables
from hipus.published.networks import count_parameters

PRINTED = int(tables.printed("midl_text", "claim_id=M050"))


@pytest.fixture(scope="module")
def network():
    return networks.published_network()


class TestPublishedNetwork:
    def test_has_the_printed_number_of_trainable_parameters(self, network):
        assert PRINTED == 4_069_513
        assert count_parameters(network).trainable == PRINTED

    @pytest.mark.parametrize("size", [(64, 96), (96, 64)])
    def test_maps_six_frames_to_five_transforms_for_any_image_shape(self, network, size):
        with torch.inference_mode():
            outputs = network.eval()(torch.zeros(2, 18, *size))
        assert outputs.shape == (2, 5 * 9)
        assert torch.isfinite(outputs).all()

    def test_every_input_channel_reaches_the_outputs(self, network):
        generator = torch.Generator().manual_seed(7)
        images = torch.randn(1, 18, 64, 64, generator=generator, requires_grad=True)
        network.eval()(images).sum().backward()
        assert (images.grad.abs().amax(dim=(0, 2, 3)) > 0).all()


class TestParameterCount:
    def test_only_18_channels_and_45_outputs_give_the_printed_number(self):
        fitting = [
            (channels, outputs)
            for channels in range(1, 301)
            for outputs in range(1, 141)
            if networks.parameter_count(channels, outputs) == PRINTED
        ]
        assert fitting == [(networks.IN_CHANNELS, networks.N_OUTPUTS)] == [(18, 45)]

    def test_no_larger_pair_can_fit(self):
        assert networks.parameter_count(301, 1) > PRINTED
        assert networks.parameter_count(1, 141) > PRINTED

    @pytest.mark.parametrize(("channels", "outputs"), [(1, 7), (5, 2)])
    def test_agrees_with_networks_that_are_built(self, channels, outputs):
        from monai.networks.nets import EfficientNetBN

        built = EfficientNetBN(
            "efficientnet-b0", pretrained=False, in_channels=channels, num_classes=outputs
        )
        expected = count_parameters(built).trainable
        assert networks.parameter_count(channels, outputs) == expected

    @pytest.mark.parametrize(("channels", "outputs"), [(0, 45), (18, -1)])
    def test_refuses_empty_ends(self, channels, outputs):
        message = f"must be positive, got in_channels={channels}, n_outputs={outputs}"
        with pytest.raises(ValueError, match=message):
            networks.parameter_count(channels, outputs)
