"""One generator per named unit."""

import numpy as np
import pytest

from hipus.seeds import generator

#: Generator of the study's seed for "phantom", "S001": a change moves every simulated number.
PINNED = [898, 691, 471]


def draw(*arguments):
    """Return the first numbers of a generator."""
    return generator(*arguments).integers(0, 2**62, 4).tolist()


class TestStreams:
    def test_equal_units_give_equal_numbers(self):
        assert draw(7, "phantom", "S001") == draw(7, "phantom", "S001")

    @pytest.mark.parametrize(
        "other",
        [
            (8, "phantom", "S001"),
            (7, "phantom", "S002"),
            (7, "sweep", "S001"),
            (7, "phantom"),
            (7, "S001", "phantom"),
            (7, "phantom", "S001", 0),
        ],
    )
    def test_another_seed_or_unit_gives_other_numbers(self, other):
        assert draw(7, "phantom", "S001") != draw(*other)

    def test_a_number_is_not_its_text(self):
        assert draw(7, 1) != draw(7, "1")

    def test_numpy_scalars_are_the_numbers_and_texts_they_stand_for(self):
        assert draw(np.int64(7), np.str_("S001"), np.int32(3)) == draw(7, "S001", 3)

    def test_joining_names_differently_is_another_unit(self):
        assert draw(7, "ab", "c") != draw(7, "a", "bc")

    def test_streams_of_neighbouring_units_are_uncorrelated(self):
        first = generator(7, "unit", 1).normal(size=20_000)
        second = generator(7, "unit", 2).normal(size=20_000)
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.03

    def test_numbers_are_pinned_across_machines_and_versions(self):
        assert generator(20260711, "phantom", "S001").integers(0, 1000, 3).tolist() == PINNED


class TestErrors:
    def test_negative_seed_is_refused(self):
        with pytest.raises(ValueError, match="seed must be >= 0, got -1"):
            generator(-1, "phantom")

    def test_unnamed_unit_is_refused(self):
        with pytest.raises(ValueError, match="unit must name what the generator is for"):
            generator(7)
