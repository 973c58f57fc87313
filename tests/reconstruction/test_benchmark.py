"""The benchmark's other implementations give what ours gives, on a small oblique scene."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.reconstruction.grid import grid_around
from hipus.reconstruction.region import ImageRegion

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "voxelisation.py"


@pytest.fixture(scope="module")
def benchmark():
    """Return the benchmark as a module."""
    specification = importlib.util.spec_from_file_location("voxelisation_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # its dataclasses look their module up
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def scene(benchmark, rng):
    """Return four oblique frames of 9 x 14 px on a grid that holds them with a margin."""
    frames = rng.integers(0, 256, (4, 9, 14), dtype=np.uint8)
    angles = np.linspace(5, 50, 4)[:, None] * [1.0, -0.7, 0.4]
    T = geometry.transform(rotations.from_euler(angles, "ZYX"), rng.random((4, 3)) * 3)
    T = geometry.compose(T, np.diag([0.3, 0.2, 1, 1]))
    grid = grid_around(T, ImageRegion.whole((9, 14)), spacing_xyz_mm=(0.5, 0.6, 0.4))
    origin = tuple(np.array(grid.origin_xyz_mm) - grid.spacing_xyz_mm)
    return benchmark.Scene(
        frames, T, replace(grid, origin_xyz_mm=origin, shape_zyx=[n + 3 for n in grid.shape_zyx])
    )


class TestImplementations:
    """Same frames, same volume."""

    @pytest.mark.parametrize(
        ("implementation", "interpolation"),
        [
            ("torch adjoint of grid_sample", "linear"),
            ("numpy bincount", "linear"),
            ("numpy bincount", "nearest"),
        ],
    )
    def test_agree_with_ours(self, benchmark, scene, implementation, interpolation):
        """The adjoint property included: what sampling reads, voxelisation writes."""
        case = benchmark.Case(implementation, interpolation, 1)
        volume, weight = benchmark.RUNNERS[implementation](scene, case)
        ours, our_weight = benchmark.run_hipus(scene, case)
        solid = our_weight >= benchmark.LEAST_WEIGHT
        assert solid.sum() > 50
        np.testing.assert_allclose(volume[solid], ours[solid], atol=0.05)
        np.testing.assert_allclose(weight[solid], our_weight[solid], atol=1e-4)

    def test_repeated_sweeps_are_streamed(self, benchmark, scene):
        """Thrice the weight, the same mean."""
        once, weight = benchmark.run_hipus(scene, benchmark.Case("hipus", "nearest", 1))
        thrice, more = benchmark.run_hipus(scene, benchmark.Case("hipus", "nearest", 1, sweeps=3))
        np.testing.assert_array_equal(more, 3 * weight)
        np.testing.assert_allclose(thrice, once)

    def test_every_case_has_a_runner_and_a_quoted_figure(self, benchmark):
        """The table has no empty cells."""
        for case in benchmark.CASES:
            assert case.implementation in benchmark.RUNNERS
            assert (case.interpolation, case.threads) in benchmark.IGSIO
