"""The blocks of measuring and fusing hips: every profile has them, and sizes are sizes."""

import dataclasses

import pytest

from hipus import config
from hipus.measuring_settings import HipAngles, HipFusion, HipMeasures

BLOCKS = {"hip_measures": HipMeasures, "hip_angles": HipAngles, "hip_fusion": HipFusion}


@pytest.mark.parametrize("profile", config.profiles())
@pytest.mark.parametrize(("name", "block"), BLOCKS.items())
def test_every_profile_states_every_size(profile, name, block):
    found = getattr(config.load(profile), name)
    assert isinstance(found, block)
    assert all(type(value) is int for value in dataclasses.astuple(found))


@pytest.mark.parametrize("name", BLOCKS)
def test_larger_profiles_do_not_ask_for_less(name):
    sizes = [dataclasses.astuple(getattr(config.load(one), name)) for one in config.profiles()]
    for smaller, larger in zip(sizes[:-1], sizes[1:], strict=True):
        assert all(a <= b for a, b in zip(smaller, larger, strict=True))


@pytest.mark.parametrize("block", BLOCKS.values())
def test_a_size_of_nothing_is_refused_by_name(block):
    for field in dataclasses.fields(block):
        given = {other.name: 3 for other in dataclasses.fields(block)} | {field.name: 0}
        with pytest.raises(ValueError, match=f"{field.name} must be > 0 and finite, got 0"):
            block(**given)


def test_small_calibrates_on_enough_sweeps_for_an_interval():
    # 19 are the least for 95 %, and each of the two types of sweep needs its own.
    assert config.load("small").hip_measures.calibration_sweeps >= 2 * 19


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        HipAngles(resamples=10).resamples = 20
