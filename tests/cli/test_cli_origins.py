"""What is simulated stays so, from the sweep to the mask of the volume made of it."""

import json

import pytest
from made_runs import write_swept
from made_segmenters import save_model

from hipus.cli.origins import facts_file, origin_of
from hipus.formats.mask_files import read_mask


@pytest.fixture
def model(tmp_path):
    """Return the folder of an untrained model of volumes."""
    return save_model(tmp_path / "models" / "3.2", "3.2")


@pytest.mark.parametrize("origin", ["simulated", "recorded"])
class TestOrigin:
    def test_a_sequence_tells(self, tmp_path, origin):
        sweep = write_swept(tmp_path / "left_p_d.igs.mha", origin=origin)
        assert origin_of(sweep, is_sequence=True) == origin

    def test_a_volume_of_a_sweep_and_its_mask_keep_it(self, hipus, tmp_path, model, origin):
        sweep = write_swept(tmp_path / "left_p_d.igs.mha", origin=origin)
        volume, mask = tmp_path / "volume.mha", tmp_path / "mask.mha"
        made = hipus("reconstruct", sweep, "--spacing-mm", "2", "-o", volume)
        assert made.json["origin"] == json.loads(facts_file(volume).read_text())["origin"] == origin
        assert hipus("segment", volume, "--model", model, "-o", mask).json["origin"] == origin
        assert read_mask(mask).origin == origin

    def test_grey_values_written_beside_a_mask_keep_it(self, hipus, tmp_path, model, origin):
        sweep = write_swept(tmp_path / "left_p_d.igs.mha", origin=origin)
        volume, mask = tmp_path / "grey.mha", tmp_path / "mask.mha"
        hipus("segment", sweep, "--model", model, "-o", mask, "--grey", volume)
        told = json.loads(facts_file(volume).read_text())
        assert told == {"volume": "grey.mha", "of": "left_p_d.igs.mha", "origin": origin}
        assert origin_of(volume, is_sequence=False) == origin


def test_a_volume_of_which_nothing_is_known_counts_as_recorded(tmp_path):
    assert origin_of(tmp_path / "volume.mha", is_sequence=False) == "recorded"
