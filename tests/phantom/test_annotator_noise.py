"""Smooth noise: variance and correlation as designed, on even and uneven grids."""

import numpy as np
import pytest

from hipus.phantom.annotator.noise import draw_noise, lattice


class TestDrawnNoise:
    def test_variance_is_one_everywhere_borders_included(self, rng):
        field = draw_noise(rng, [np.arange(6), np.arange(9)], lengths=[2.0, 3.0], channels=20_000)
        assert field.shape == (20_000, 6, 9)
        np.testing.assert_allclose(field.var(axis=0), 1, atol=0.06)
        np.testing.assert_allclose(field.mean(axis=0), 0, atol=0.04)

    def test_correlation_falls_as_a_gaussian_of_the_length_along_each_axis(self, rng):
        field = draw_noise(rng, [np.arange(8), np.arange(7)], lengths=[2.0, 0.8], channels=40_000)
        for distance in (1, 2, 4):
            along_rows = (field[:, 0, 3] * field[:, distance, 3]).mean()
            along_columns = (field[:, 4, 0] * field[:, 4, distance]).mean()
            assert along_rows == pytest.approx(np.exp(-(distance**2) / 8), abs=0.025)
            assert along_columns == pytest.approx(np.exp(-(distance**2) / 1.28), abs=0.025)

    def test_uneven_positions_keep_their_distances(self, rng):
        field = draw_noise(rng, [np.array([0.0, 3.0, 4.0])], lengths=[2.0], channels=40_000)
        near, far = (field[:, 1] * field[:, 2]).mean(), (field[:, 0] * field[:, 2]).mean()
        assert near == pytest.approx(np.exp(-1 / 8), abs=0.02)
        assert far == pytest.approx(np.exp(-2), abs=0.02)

    def test_length_zero_makes_an_axis_independent(self, rng):
        field = draw_noise(rng, [np.arange(2)], lengths=[0.0], channels=40_000)
        assert abs((field[:, 0] * field[:, 1]).mean()) < 0.02

    def test_equal_seeds_give_equal_fields(self):
        fields = [
            draw_noise(np.random.default_rng(3), [np.arange(4)], lengths=[1.0]) for _ in range(2)
        ]
        np.testing.assert_array_equal(*fields)

    @pytest.mark.parametrize("lengths", [[1.0], [1.0, -2.0]])
    def test_refuses_lengths_that_do_not_fit(self, rng, lengths):
        with pytest.raises(ValueError, match="lengths must be one number >= 0 for each of 2 axes"):
            draw_noise(rng, [np.arange(3), np.arange(3)], lengths=lengths)


class TestLattice:
    def test_nodes_are_the_centres_of_equal_shares(self):
        np.testing.assert_allclose(lattice(10, 5.0), [2.0, 7.0])
        np.testing.assert_allclose(lattice(4, 1.0), [0, 1, 2, 3])

    def test_there_are_always_two_nodes(self):
        np.testing.assert_allclose(lattice(8, 1000.0), [1.5, 5.5])
