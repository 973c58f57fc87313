"""The row walk against pixel-by-pixel arithmetic in exact integers."""

import numpy as np
import pytest

from hipus.reconstruction import rows

STRIDES = (1000, 50, 1)


def exact(P, D, u):
    """Return the cell of column u with Python's unbounded integers."""
    return tuple((p + u * d) >> rows.FRACTION_BITS for p, d in zip(P, D, strict=True))


def fixed(*values):
    """Return values as fixed-point numbers."""
    return tuple(np.int64(round(value * rows.ONE)) for value in values)


class TestCutting:
    """Every column belongs to the run of its own cell."""

    @pytest.mark.parametrize("trial", range(40))
    def test_runs_are_cells(self, trial):
        """Slow, fast, backward and standing axes."""
        rng = np.random.default_rng(trial)
        speed = rng.choice([0, 1e-6, 0.1, 0.16, 1, 2.7], 3) * rng.choice([-1, 1], 3)
        P = fixed(*rng.uniform(5, 40, 3).round(rng.integers(0, 9)))
        D = fixed(*(speed * rng.uniform(0.5, 1, 3)))
        ends, cells = np.empty(62, np.int64), np.empty(62, np.int64)
        count = rows.cut_row(P, D, STRIDES, 3, 60, ends, cells)
        u = 3
        for run in range(count):
            expected = exact([int(p) for p in P], [int(d) for d in D], u)
            for column in range(u, ends[run]):
                assert exact([int(p) for p in P], [int(d) for d in D], column) == expected
            assert cells[run] == np.dot(expected, STRIDES)
            if run:
                assert cells[run] != cells[run - 1]
            u = ends[run]
        assert u == 60

    @pytest.mark.parametrize("step", [0.25, -0.25, 0.5, -1.0, 2.0, 0.75])
    def test_pixels_exactly_on_borders_belong_to_the_upper_cell(self, step):
        """Steps that divide a cell, from a whole position: the remainders are all 0 or equal."""
        P, D = fixed(20, 20, 20), fixed(step, 0.5, 0)
        ends, cells = np.empty(40, np.int64), np.empty(40, np.int64)
        count = rows.cut_row(P, D, STRIDES, 0, 16, ends, cells)
        u = np.arange(16)
        expected = (
            np.floor(20 + step * u) * STRIDES[0] + np.floor(20 + u / 2) * STRIDES[1] + 20
        ).astype(int)
        found = np.repeat(cells[:count], np.diff(ends[:count], prepend=0))
        np.testing.assert_array_equal(found, expected)

    def test_a_start_in_the_middle_cuts_the_same_runs(self):
        """What makes slabs independent of each other."""
        P, D = fixed(10.2, 20.9, 5.0), fixed(0.17, -0.113, 0.31)
        ends, cells = np.empty((2, 200), np.int64), np.empty((2, 200), np.int64)
        whole = rows.cut_row(P, D, STRIDES, 0, 100, ends[0], cells[0])
        start = ends[0, 20]
        part = rows.cut_row(P, D, STRIDES, start, 100, ends[1], cells[1])
        np.testing.assert_array_equal(ends[0, 21:whole], ends[1, :part])
        np.testing.assert_array_equal(cells[0, 21:whole], cells[1, :part])


class TestClipping:
    """Columns inside a box, in closed form."""

    @pytest.mark.parametrize("trial", range(40))
    def test_columns_inside_are_those_whose_cells_are_inside(self, trial):
        """Including rows that never enter."""
        rng = np.random.default_rng(1000 + trial)
        P = fixed(*rng.uniform(-6, 12, 3).round(rng.integers(0, 9)))
        D = fixed(*(rng.choice([0, 0.1, 1.5], 3) * rng.choice([-1, 1], 3)))
        shape, slab = (9, 7, 8), (2, 6)
        u0, u1 = rows.inside(P, D, shape, slab, np.array([4, 3, 50]))
        low, high = (2, 0, 0), (6, 7, 8)
        for u in range(3, 50):
            cell = exact([int(p) for p in P], [int(d) for d in D], u)
            is_inside = all(a <= c < b for a, c, b in zip(low, cell, high, strict=True))
            assert is_inside == (u0 <= u < u1)
