"""Infants like the published fifty, in counts.

Decides sex, age and hip types so that fifty infants have exactly the published counts, every
first few of them are as alike to the fifty as their number allows, and no simulated infant
stands for a real one: the columns are shuffled apart from each other. Deliberately knows no
ids and draws no angle (see `anatomy.population`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Counts of the printed Table 6 (its demographics are printed in section 5.1: 16 female, 34
#: male, age 1.6 +- 0.78 d, 0 to 4). Hips are pairs (right, left): 87 Ib and 13 IIa.
SEXES = {"f": 16, "m": 34}
AGES_DAYS = {0: 2, 1: 22, 2: 21, 3: 4, 4: 1}
TYPE_PAIRS = {("Ib", "Ib"): 42, ("IIa", "IIa"): 5, ("Ib", "IIa"): 2, ("IIa", "Ib"): 1}
BLOCK = 50

#: Types of the dysplastic spectrum, from normal to worst (those of an infant's first weeks).
SPECTRUM = ("Ia", "Ib", "IIa", "IIc", "D", "III", "IV")


@dataclass(frozen=True)
class Infant:
    """One simulated infant.

    Attributes
    ----------
    sex : {"f", "m"}
    age_days : int
    right_type, left_type : str
        Graf types.
    """

    sex: str
    age_days: int
    right_type: str
    left_type: str

    def graf_type(self, side: str) -> str:
        """Return the type of a side's hip."""
        return self.left_type if side == "left" else self.right_type


def draw_block(rng: np.random.Generator) -> tuple[Infant, ...]:
    """Draw fifty infants with the published counts.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    tuple of 50 Infant
        In an order in which the first n hold every value within one of its share of n.
    """
    columns = zip(spread(rng, SEXES), spread(rng, AGES_DAYS), spread(rng, TYPE_PAIRS), strict=True)
    return tuple(Infant(sex, age, right, left) for sex, age, (right, left) in columns)


def spread(rng: np.random.Generator, counts: dict) -> list:
    """Return values repeated by their counts, each spread evenly over the list.

    Parameters
    ----------
    rng : numpy.random.Generator
    counts : dict of int

    Returns
    -------
    list

    Notes
    -----
    Value v takes the places nearest to (j + u) / n_v with one random u for each value.
    """
    places = []
    for value, count in counts.items():
        start = rng.random()
        places += [((index + start) / count, rng.random(), value) for index in range(count)]
    return [value for _, _, value in sorted(places, key=lambda place: place[:2])]


def spectrum_infant(rng: np.random.Generator, index: int) -> Infant:
    """Return an infant of the dysplastic spectrum.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of the subject.
    index : int
        From 0. Right and left hips go through `SPECTRUM` three types apart.

    Returns
    -------
    Infant
        Mostly female, as dysplasia is (assumed: 4 of 5).
    """
    sex = "f" if rng.random() < 0.8 else "m"
    age = int(rng.choice(list(AGES_DAYS), p=np.array(list(AGES_DAYS.values())) / BLOCK))
    right = SPECTRUM[(2 * index) % len(SPECTRUM)]
    left = SPECTRUM[(2 * index + 3) % len(SPECTRUM)]
    return Infant(sex, age, right, left)
