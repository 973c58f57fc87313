"""Whether path, duration or the infant's motion makes p_d sweeps drift more than p_a ones.

Decides the verdicts on two of the paper's statements (section 6.3) that a table of arms cannot
answer alone: S63d, p_a drifts less than p_d and most sideways; S63e, the infant's motion during
the longer p_d acquisition explains it. Deliberately fits nothing of its own (see
`factor_experiment`). Simulated data: the verdict is on our infants, whose motion is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus.motion.factor_experiment import PROTOCOL, sweeps_of
from hipus.motion.factor_fit import Fit, fitted, interval
from hipus.motion.findings import HOLDS, NOT_RUN, NOT_TOLD_APART, OPPOSITE
from hipus.motion.sweep_rows import TRUTHS

#: The longer acquisition according to the paper, and the one it is compared with.
LONGER, SHORTER = "p_d", "p_a"
IN_PART = "holds here in part"
_AXES = ("lateral", "axial", "elevational")
_MOTION = "infant_moved_mm"
_VALUES = ("final_mm", *(f"final_{axis}_mm" for axis in _AXES), *PROTOCOL.factors)


@dataclass(frozen=True, eq=False)
class TypeContrast:
    """How p_d sweeps differ from p_a ones, and what each factor's effect makes of it.

    Attributes
    ----------
    longer, shorter : dict of str to float
        Means of drift and factors over sweeps of each type.
    difference : dict of str to numpy.ndarray (3,)
        p_d minus p_a of each of them: value, low, high.
    share_mm : dict of str to numpy.ndarray (3,)
        Of each factor: its effect (design "protocol") times its own difference.
    motion_less_half : numpy.ndarray (3,)
        Share of the infant's motion minus half of the difference in drift.
    subject_count : int
    """

    longer: dict[str, float]
    shorter: dict[str, float]
    difference: dict[str, np.ndarray]
    share_mm: dict[str, np.ndarray]
    motion_less_half: np.ndarray
    subject_count: int


def factor_verdicts(
    table: pd.DataFrame,
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
) -> pd.DataFrame:
    """Say of the paper's two statements about p_a and p_d whether they hold here.

    Parameters
    ----------
    table : pandas.DataFrame
        As `factor_experiment.factor_table` returns it; the protocol's sweeps are looked at.
    rng : numpy.random.Generator
    resamples, level
        As for `factor_experiment.factor_effects`.

    Returns
    -------
    pandas.DataFrame
        A row a statement and truth: `claim_id`, `truth`, `verdict`, `difference_mm` with
        `low` and `high` (drift of p_d minus p_a), `path_share_mm`, `duration_share_mm` and
        `motion_share_mm` (each with `_low`, `_high`), `subject_count` and the `sentence` that
        says it. Without sweeps of both types the verdict is "arm not run".

    Notes
    -----
    A factor's share is its effect per unit times the mean difference of the factor between
    the types (the explained part of Oaxaca 1973 and Blinder 1973, with common effects): what
    is not shared out is what else differs between the types. The infant's motion explains the
    difference if its share is more than half of it, with the interval of (share - half) above
    zero; an interval below zero contradicts that. Where p_d sweeps do not drift more there is
    nothing to explain. S63d holds if p_d's excess is above zero and largest sideways, in part
    if another axis has more of it.
    """
    found = []
    for truth in TRUTHS:
        part = sweeps_of(table, PROTOCOL, truth)
        if {LONGER, SHORTER} <= set(part["sweep_type"]):
            seen = contrast(part, rng, resamples=resamples, level=level)
            found += [_row(name, truth, seen, tell(seen)) for name, tell in _TOLD.items()]
        else:
            found += [
                {"claim_id": name, "truth": truth, "verdict": NOT_RUN, "subject_count": 0}
                for name in _TOLD
            ]
    return pd.DataFrame(found)


def contrast(
    part: pd.DataFrame, rng: np.random.Generator, *, resamples: int = 10_000, level: float = 0.95
) -> TypeContrast:
    """Compare p_d with p_a sweeps.

    Parameters
    ----------
    part : pandas.DataFrame
        Protocol sweeps against one truth, of both types.
    rng : numpy.random.Generator
    resamples, level
        As for `factor_experiment.factor_effects`.

    Returns
    -------
    TypeContrast
        Effects and differences of one resample are of the same subjects.
    """
    fit = fitted(part, PROTOCOL, rng=rng, resamples=resamples)
    longer, shorter = (_means(part, kind, fit) for kind in (LONGER, SHORTER))
    gap = longer - shorter
    effects = np.vstack([fit.mm_per_unit[None], fit.resampled])
    shares = effects * gap[:, -effects.shape[1] :]
    motion = shares[:, PROTOCOL.factors.index(_MOTION)]
    return TypeContrast(
        longer=dict(zip(_VALUES, longer[0], strict=True)),
        shorter=dict(zip(_VALUES, shorter[0], strict=True)),
        difference=dict(zip(_VALUES, _with_ends(gap, level).T, strict=True)),
        share_mm=dict(zip(PROTOCOL.factors, _with_ends(shares, level).T, strict=True)),
        motion_less_half=_with_ends(motion - gap[:, 0] / 2, level),
        subject_count=part["subject_id"].nunique(),
    )


def _means(part: pd.DataFrame, kind: str, fit: Fit) -> np.ndarray:
    """Return the means of a type's sweeps: of all subjects, then of each resample."""
    owner = np.unique(part["subject_id"].to_numpy())
    own = part[part["sweep_type"] == kind].groupby("subject_id")[list(_VALUES)]
    sums = own.sum().reindex(owner, fill_value=0.0).to_numpy()
    counts = own.size().reindex(owner, fill_value=0).to_numpy(np.float64)
    draws = np.vstack([np.ones((1, len(owner)), int), fit.draws])
    drawn = (draws @ counts)[:, None]
    return np.divide(draws @ sums, drawn, out=np.full((len(draws), sums.shape[1]), np.nan),
                     where=drawn > 0)  # fmt: skip


def _with_ends(values: np.ndarray, level: float) -> np.ndarray:
    """Return the first value and the interval of the others, (3, ...)."""
    return np.concatenate([values[:1], interval(values[1:], level)])


def _row(name: str, truth: str, seen: TypeContrast, told: tuple[str, str]) -> dict[str, object]:
    """Return the table's row of one statement."""
    row = {"claim_id": name, "truth": truth, "verdict": told[0]}
    row |= dict(zip(("difference_mm", "low", "high"), seen.difference["final_mm"], strict=True))
    for factor, label in zip(PROTOCOL.factors, ("path", "duration", "motion"), strict=True):
        names = [f"{label}_share_mm{end}" for end in ("", "_low", "_high")]
        row |= dict(zip(names, seen.share_mm[factor], strict=True))
    return row | {"subject_count": seen.subject_count, "sentence": told[1]}


def _drift_differs(seen: TypeContrast) -> tuple[str, str]:
    """Return verdict and sentence of S63d."""
    value, low, high = seen.difference["final_mm"]
    excess = {axis: seen.difference[f"final_{axis}_mm"][0] for axis in _AXES}
    most = max(excess, key=excess.get)
    verdict = OPPOSITE if high < 0 else NOT_TOLD_APART
    if low > 0:
        verdict = HOLDS if most == "lateral" else IN_PART
    listed = ", ".join(f"{axis} {number:+.1f}" for axis, number in excess.items())
    return verdict, (
        f"p_d sweeps end {value:+.1f} mm further off than p_a ones ({low:.1f} to {high:.1f}, "
        f"{seen.subject_count} simulated infants); by axis {listed} mm, most {most}: {verdict}."
    )


def _motion_explains(seen: TypeContrast) -> tuple[str, str]:
    """Return verdict and sentence of S63e."""
    _, low, high = seen.motion_less_half
    verdict = NOT_TOLD_APART
    if seen.difference["final_mm"][1] > 0:
        verdict = HOLDS if low > 0 else OPPOSITE if high < 0 else NOT_TOLD_APART
    nothing = "" if seen.difference["final_mm"][1] > 0 else ", and there is nothing sure to explain"
    shares = [f"{value[0]:+.1f} ({value[1]:.1f} to {value[2]:.1f})"
              for value in seen.share_mm.values()]  # fmt: skip
    return verdict, (
        f"p_d sweeps took {_pair(seen, 'duration_s')} s of p_a ones and went "
        f"{_pair(seen, 'path_mm')} mm, while the infant moved {_pair(seen, _MOTION)} mm. Of "
        f"{seen.difference['final_mm'][0]:+.1f} mm of drift, path gives {shares[0]} mm, duration "
        f"{shares[1]} mm and the infant's motion {shares[2]} mm{nothing}: {verdict}."
    )


def _pair(seen: TypeContrast, name: str) -> str:
    """Return the means of both types, p_d first."""
    return f"{seen.longer[name]:.1f} against {seen.shorter[name]:.1f}"


_TOLD = {"S63d": _drift_differs, "S63e": _motion_explains}
