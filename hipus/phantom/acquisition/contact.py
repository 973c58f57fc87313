"""Where the transducer's face loses its contact with the skin, and when.

Decides how often, how long and how far from either end. Deliberately draws no picture: what
a lost contact looks like belongs to the ultrasound.
"""

from __future__ import annotations

import numpy as np

#: Ranges of a contact loss: duration in s, share of the footprint (assumed).
CONTACT_LOSS_S, CONTACT_LOSS_SHARE = (0.2, 0.8), (0.08, 0.45)
#: Places along the footprint where contact is stated; the width of a loss's edge (assumed).
CONTACT_PLACES, CONTACT_EDGE_SHARE = 64, 0.05


def draw_contact_losses(rng: np.random.Generator, rate_hz: float, total_s: float) -> np.ndarray:
    """Draw the contact losses of a sweep.

    Parameters
    ----------
    rng : numpy.random.Generator
    rate_hz : float
        Mean number per second.
    total_s : float
        From first to last frame.

    Returns
    -------
    numpy.ndarray (E, 4) float64
        Start and duration in s, greatest lost share of the footprint at the left and at the
        right end; one of the two is 0.
    """
    count = rng.poisson(rate_hz * total_s)
    duration_s = rng.uniform(*CONTACT_LOSS_S, count)
    share = rng.uniform(*CONTACT_LOSS_SHARE, count)
    is_left = rng.random(count) < 0.5
    start_s = rng.uniform(0, total_s, count) - duration_s / 2
    return np.column_stack([start_s, duration_s, share * is_left, share * ~is_left])


def contact_at(time_s, contact_losses: np.ndarray) -> np.ndarray:
    """Return the contact along the transducer's face at some times.

    Parameters
    ----------
    time_s : array-like (N,)
    contact_losses : numpy.ndarray (E, 4)
        As `draw_contact_losses` gives them.

    Returns
    -------
    numpy.ndarray (N, CONTACT_PLACES) float64
        0 to 1, from left (image x < 0) to right. 1 is full contact; it is lost from one end,
        smoothly in time and place.
    """
    place = (np.arange(CONTACT_PLACES) + 0.5) / CONTACT_PLACES
    lost = np.zeros((len(time_s), CONTACT_PLACES))
    for start_s, duration_s, *shares in contact_losses:
        share = np.clip((np.asarray(time_s) - start_s) / duration_s, 0, 1)
        grown = np.sin(np.pi * share)[:, None] ** 2
        for extent, away in zip(shares, (place, 1 - place), strict=True):
            lost = np.maximum(lost, np.clip((grown * extent - away) / CONTACT_EDGE_SHARE, 0, 1))
    return 1 - lost
