"""Fixtures of the calibration tests: a made-up phantom, and a probe moved over it."""

import pytest
from wire_scenes import Scene, make_phantom, make_scene

from hipus.calibration.wires import NWirePhantom


@pytest.fixture
def phantom() -> NWirePhantom:
    """Return three layers, the lowest narrower on one side only."""
    return make_phantom(
        [[10, 33, 36], [10, 13, 36], [15, 32, 36]], [[10, 13, 36], [10, 33, 36], [15, 19, 36]]
    )


@pytest.fixture
def scene(phantom, rng) -> Scene:
    """Return 40 exact frames with 4 degrees of rotation."""
    return make_scene(phantom, rng)
