"""Linear models of values of which several come from one subject.

Decides that subjects are a random intercept, what stands in when their variance is nil, and that
a fit that failed has no numbers. Deliberately chooses no factors and scales none: a caller who
wants standardised coefficients standardises.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

log = logging.getLogger(__name__)

MIXED, CLUSTER_ROBUST = "mixed_reml", "ols_cluster_robust"
#: A random intercept with a smaller share of the variance sits at zero: optimisers end near
#: 1e-10 there.
_NIL_SHARE = 1e-6
#: Optimisers in the order of trial, the next where one fails. No L-BFGS: near a variance of zero it
#: steps to exactly zero, where the likelihood overflows to infinity, and calls that converged.
_METHODS = ("powell", "bfgs", "cg")
_POWELL = {"xtol": 1e-8, "ftol": 1e-10}


@dataclass(frozen=True)
class Term:
    """One coefficient.

    Attributes
    ----------
    name : str
        "intercept", a numeric factor's name, or "factor[level]" against its first level.
    coefficient, standard_error, low, high, p : float
        NaN where the fit failed.
    """

    name: str
    coefficient: float
    standard_error: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class MixedFit:
    """A fitted model.

    Attributes
    ----------
    terms : tuple of Term
    method : str
        `MIXED`: restricted maximum likelihood; `CLUSTER_ROBUST`: the random intercept's variance
        sat at zero, so plain least squares with errors robust to clusters.
    is_converged : bool
        False: every number of `terms` and both variances are NaN.
    note : str
        Why, where `method` is not `MIXED` or the fit failed; else empty.
    group_variance, residual_variance : float
        Of the random intercept and of the rest.
    level : float
        Coverage of the intervals.
    row_count, group_count : int
    """

    terms: tuple[Term, ...]
    method: str
    is_converged: bool
    note: str
    group_variance: float
    residual_variance: float
    level: float
    row_count: int
    group_count: int

    def table(self) -> pd.DataFrame:
        """Return one row per term, with what is known of the whole fit beside it."""
        whole = {name: value for name, value in vars(self).items() if name != "terms"}
        return pd.DataFrame([vars(term) for term in self.terms]).assign(**whole)


def fit_mixed(
    table: pd.DataFrame,
    outcome: str,
    *,
    factors: Sequence[str],
    group: str,
    level: float = 0.95,
    iterations: int = 500,
) -> MixedFit:
    """Fit a linear model with one random intercept per group.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per value, nothing missing in the columns used.
    outcome : str
        Column of finite numbers.
    factors : sequence of str
        Columns of fixed effects. Numbers enter as they are, booleans as 0 and 1, all else as
        treatment contrasts against the first category (or the first in sorted order).
    group : str
        Column whose values share an intercept, for example the subject.
    level : float
        Coverage of the intervals, between 0 and 1.
    iterations : int
        Most steps of the optimiser.

    Returns
    -------
    MixedFit

    Raises
    ------
    ValueError
        If a column is missing, named twice or incomplete, fewer than 3 groups are there, too few
        rows for the terms, factors determine each other, or a number is out of range.

    Notes
    -----
    Restricted maximum likelihood (Laird and Ware 1982; statsmodels MixedLM). p and intervals are
    of t with groups - 1 degrees of freedom, for either method: the normal that MixedLM uses
    claims too much of few subjects. It is conservative for a factor that varies within subjects.
    Where REML puts the random variance at zero, ordinary least squares with errors clustered by
    group (Liang and Zeger 1986, with the small-sample factor) gives the same coefficients and
    still admits what is shared within a group. Trap: with few groups its p is too small for a
    factor that is one per group (10 groups without variance between them: 10 % below 0.05).
    """
    _check(table, [outcome, *factors, group], level=level, iterations=iterations)
    design = _design(table, factors)
    values, groups = table[outcome].to_numpy(float), pd.factorize(table[group])[0]
    _check_design(design, groups, group)
    fitted, problem = _fit_reml(values, design, groups, iterations=iterations)
    counts = {"level": float(level), "row_count": len(table), "group_count": int(groups.max()) + 1}
    if problem and not _falls_from_zero(values, design.to_numpy(), groups):
        return _failed(outcome, design, problem, counts=counts)
    between, method, note = 0.0 if problem else float(fitted.cov_re[0, 0]), MIXED, ""
    if problem or between <= _NIL_SHARE * (between + float(fitted.scale)):
        note = f"the variance between {group} sits at zero"
        between, method, fitted = 0.0, CLUSTER_ROBUST, _fit_ols(values, design, groups)
    return MixedFit(
        terms=_terms(design, fitted, level=level, free=counts["group_count"] - 1),
        method=method,
        is_converged=True,
        note=note,
        group_variance=between,
        residual_variance=float(fitted.scale),
        **counts,
    )


def _fit_ols(values: np.ndarray, design: pd.DataFrame, groups: np.ndarray):
    """Return least squares whose errors are robust to clusters."""
    from statsmodels.regression.linear_model import OLS

    return OLS(values, design.to_numpy()).fit(cov_type="cluster", cov_kwds={"groups": groups})


def _fit_reml(values, design: pd.DataFrame, groups: np.ndarray, *, iterations: int):
    """Return statsmodels' fit, and what is wrong with it ("" if nothing is)."""
    from statsmodels.regression.mixed_linear_model import MixedLM  # seconds

    problem = ""
    for method in _METHODS:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # judged from the fit itself
            options = _POWELL if method == "powell" else {}
            try:
                fitted = MixedLM(values, design.to_numpy(), groups=groups).fit(
                    reml=True, method=[method], maxiter=iterations, **options
                )
                found = _problem(fitted, iterations)
            except np.linalg.LinAlgError as error:
                found = f"the fit is singular: {error}"
        if not found:
            return fitted, ""
        problem = problem or found
    return None, problem


def _problem(fitted, iterations: int) -> str:
    """Say what is wrong with a fit, "" if nothing is."""
    if not fitted.converged:
        return f"the fit did not converge in {iterations} iterations"
    if not np.isfinite([fitted.llf, *np.asarray(fitted.bse_fe)]).all():
        return "the fit is singular: its likelihood or a standard error is not finite"
    return ""


def _falls_from_zero(values: np.ndarray, design: np.ndarray, groups: np.ndarray) -> bool:
    """Return whether the restricted likelihood falls as the random variance leaves zero.

    Its slope at zero is, but for a factor, r'ZZ'r / s^2 - tr(Z'PZ), with r the residuals and s^2
    the variance of least squares, Z the groups and P what projects onto residuals (Searle,
    Casella and McCulloch 1992, chapter 6). Where optimisers stumble next to zero this decides.
    """
    bread = np.linalg.pinv(design)
    residual = values - design @ (bread @ values)
    square = float(residual @ residual)
    if square <= 1e-20 * float(values @ values):
        return False  # an exact fit has no variance to share out
    member = np.eye(groups.max() + 1)[groups]
    shared = member.T @ residual
    trace = len(values) - float(np.sum((member.T @ design) * (bread @ member).T))
    return float(shared @ shared) * (len(values) - design.shape[1]) / square <= trace


def _terms(design: pd.DataFrame, fitted, *, level: float, free: int) -> tuple[Term, ...]:
    """Return the fixed effects with intervals and p of t with so many degrees of freedom."""
    from scipy import stats

    count = design.shape[1]
    coefficients = np.asarray(fitted.params, np.float64)[:count]
    errors = np.asarray(fitted.bse, np.float64)[:count]
    reach = stats.t.ppf((1 + level) / 2, free) * errors
    p = 2 * stats.t.sf(np.abs(coefficients / errors), free)
    columns = (coefficients, errors, coefficients - reach, coefficients + reach, p)
    rows = zip(design.columns, *(column.tolist() for column in columns), strict=True)
    return tuple(Term(*row) for row in rows)


def _failed(outcome: str, design: pd.DataFrame, problem: str, *, counts: dict) -> MixedFit:
    """Return a fit that has no numbers, only why."""
    log.warning("model of %s: %s", outcome, problem)
    return MixedFit(
        terms=tuple(Term(name, *[np.nan] * 5) for name in design.columns),
        method=MIXED,
        is_converged=False,
        note=problem,
        group_variance=np.nan,
        residual_variance=np.nan,
        **counts,
    )


def _design(table: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Return the design matrix, its columns named as terms."""
    columns = {"intercept": np.ones(len(table))}
    for name in factors:
        factor = table[name]
        if pd.api.types.is_numeric_dtype(factor):  # booleans are
            columns[name] = factor.to_numpy(float)
            continue
        known = factor.astype("category").cat.remove_unused_categories()
        for category in known.cat.categories[1:]:
            columns[f"{name}[{category}]"] = (known == category).to_numpy(float)
    return pd.DataFrame(columns)


def _check(table: pd.DataFrame, names: list[str], *, level: float, iterations: int) -> None:
    """Raise unless the columns are there, once and complete, and the numbers in range."""
    if not 0 < level < 1 or iterations < 1:
        raise ValueError(
            f"level must be between 0 and 1 and iterations >= 1, got {level} and {iterations}"
        )
    if len(set(names)) != len(names):
        raise ValueError(f"outcome, factors and group must be different columns, got {names}")
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ValueError(f"table needs columns {missing}, has {list(table.columns)}")
    for name in names:
        bad = table[name].isna()
        if pd.api.types.is_numeric_dtype(table[name]):
            bad |= ~np.isfinite(table[name].astype(float))
        if bad.any():
            raise ValueError(
                f"column {name} must be complete and finite, {bad.sum()} of {len(table)} rows "
                "are not; leave them out and count them"
            )


def _check_design(design: pd.DataFrame, groups: np.ndarray, group: str) -> None:
    """Raise where so many terms cannot be told apart from so few rows or groups."""
    group_count = len(np.unique(groups))
    if group_count < 3:
        raise ValueError(f"needs at least 3 different {group}, got {group_count}")
    rows, terms = design.shape
    if rows < terms + 2:
        raise ValueError(f"{terms} terms need at least {terms + 2} rows, got {rows}")
    lengths = np.linalg.norm(design.to_numpy(), axis=0)
    if (lengths == 0).any() or np.linalg.matrix_rank(design.to_numpy() / lengths) < terms:
        raise ValueError(
            f"factors must not determine each other or be constant, got terms {list(design)}"
        )
