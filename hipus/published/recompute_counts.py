"""Recompute the paper's counts, splits, durations, drifts and cohort.

Decides which of the numbers in the running text must add up, and compares them with the
cohort of Table 6 and the settings of the appendices. Deliberately uses nothing but printed
numbers.
"""

from __future__ import annotations

import numpy as np

from hipus.published import tables
from hipus.published.audit import CheckVerdict
from hipus.published.rounding import Check, compare, half_unit, holds

SWEEPS_PER_INFANT = 6


def checks() -> list[Check]:
    """Recompute the checks on counts, splits, durations, drifts and the cohort.

    Returns
    -------
    list of Check
    """
    return [
        *_drift(),
        *_sweeps(),
        *_frames_and_volumes(),
        visual_grading(),
        _raters(),
        *_cohort(),
        graf_gap(),
        *_training_hours(),
        *_sizes(),
    ]


def visual_grading() -> Check:
    """Find the counts behind 74 sweeps graded 53, 39 and 8 percent.

    Returns
    -------
    Check
        Consistent if exactly one triple of counts rounds to the three percentages.
    """
    n, *percent = (int(_text(claim)) for claim in ("M081", "M082", "M083", "M084"))
    triples = [
        (good, adequate, n - good - adequate)
        for good in range(n + 1)
        for adequate in range(n + 1 - good)
    ]
    shares = 100 * np.array(triples) / n
    fits = np.flatnonzero((np.abs(shares - percent) <= 0.5).all(axis=1))
    shown = "; ".join(" + ".join(map(str, triples[i])) for i in fits)
    printed = "; ".join(map(str, percent))
    return Check("A064", f"{shown} = {n}", printed, holds(len(fits) == 1))


def graf_gap() -> Check:
    """Check that the Graf rules as stated cover every alpha.

    Returns
    -------
    Check
        Inconsistent: type II ends at 59 deg and type I starts at 60 deg.
    """
    graf = tables.load("midl_graf").set_index("type")
    end, start = graf.loc["II", "alpha_max_deg"], graf.loc["I", "alpha_min_deg"]
    computed = f"{end:g} < alpha < {start:g} is in no class"
    return Check("A073", computed, f"II to {end:g}; I from {start:g}", holds(start <= end))


def pooled_sd(sds: tuple[float, float], means: tuple[float, float], n: int) -> float:
    """Return the sample SD of two groups of n put together.

    Parameters
    ----------
    sds : tuple of float
        Sample SD of each group.
    means : tuple of float
        Mean of each group, same unit.
    n : int
        Size of each group, at least 1.

    Returns
    -------
    float
        Same unit; sum of squares within and between the groups over 2 n - 1.
    """
    within = (n - 1) * (sds[0] ** 2 + sds[1] ** 2)
    between = n * (means[0] - means[1]) ** 2 / 2
    return float(np.sqrt((within + between) / (2 * n - 1)))


def _text(claim: str, column: str = "value") -> str:
    """Return one printed cell of the running text."""
    return tables.printed("midl_text", f"claim_id={claim}", column)


def _count(claim: str) -> int:
    """Return one printed count of the running text."""
    return int(_text(claim))


def _setting(model: str, parameter: str) -> str:
    """Return one printed setting of the appendices."""
    return tables.printed("midl_training", f"model_id={model};parameter={parameter}")


def _equal(check_id: str, computed: int, printed: int) -> Check:
    """Compare two counts."""
    return Check(check_id, str(computed), str(printed), holds(computed == printed))


def _drift() -> list[Check]:
    """Compare drift by direction with the drift of all sweeps."""
    total = "metric=Final drift;column_as_printed=translation_total"
    lateral = "metric=Final drift;column_as_printed=translation_y"
    return [
        *_rotation(),
        _direction_mean("A041", ("M067", "M068"), total),
        _direction_mean("A042", ("M070", "M069"), lateral),
        _group_size(total, lateral),
        _up_to(total),
        _longer_sweep(),
    ]


def _rotation() -> list[Check]:
    """Compare Table 2's fourth column with the text, and try to read it as translation z."""
    printed = tables.printed("midl_table2", _fourth("Relative"), "mean")
    found = [compare("A037", float(printed), _text("M065"), digits=2)]
    rows = (("A038", "Relative"), ("A039", "Absolute (mean)"), ("A040", "Final drift"))
    table2 = tables.load("midl_table2")
    for check_id, metric in rows:
        total, *parts = table2.loc[table2["metric"] == metric, "mean"]
        low, high = np.sqrt(np.sum(np.square(parts))), np.sum(parts)
        possible = low <= total <= high
        verdict = CheckVerdict.NOT_CHECKABLE if possible else CheckVerdict.INCONSISTENT
        computed = f"lower bound {low:.2f}; upper bound {high:.2f}"
        found.append(Check(check_id, computed, f"total {total:g}", verdict))
    return found


def _fourth(metric: str) -> str:
    """Select the fourth value of a row of Table 2."""
    return f"metric={metric};column_as_printed=rotation_total_as_printed"


def _direction_mean(check_id: str, claims: tuple[str, str], rows: str) -> Check:
    """Compare the mean of the two directions, in groups of equal size, with Table 2."""
    texts = [_text(claim) for claim in claims]
    slack = max(half_unit(text) for text in texts)
    mean = np.mean([float(text) for text in texts])
    return compare(check_id, mean, tables.printed("midl_table2", rows, "mean"), slack=slack)


def _group_size(total: str, lateral: str) -> Check:
    """Find the number of sweeps per direction from the printed spreads."""
    claims = (("M067", "M068"), ("M069", "M070"))
    sds = [tuple(float(_text(claim, "spread")) for claim in pair) for pair in claims]
    means = [tuple(float(_text(claim)) for claim in pair) for pair in claims]
    printed = [tables.printed("midl_table2", rows, "spread_printed") for rows in (total, lateral)]
    fitting = []
    for n in range(2, 51):
        pooled = [pooled_sd(sd, mean, n) for sd, mean in zip(sds, means, strict=True)]
        if compare("A043", pooled, printed, slack=0.005).verdict == CheckVerdict.CONSISTENT:
            fitting.append(n)
    n_sweeps = _count("M047")
    computed = f"n per direction that fits both spreads: {', '.join(map(str, fitting))}"
    return Check("A043", computed, f"{n_sweeps} sweeps", holds([n_sweeps / 2] == fitting))


def _up_to(rows: str) -> Check:
    """Check whether a drift worded as a maximum is one."""
    mean = float(tables.printed("midl_table2", rows, "mean"))
    worded = float(_text("M066"))
    computed = f"{mean:.2f} is the mean over sweeps in Table 2"
    return Check("A044", computed, f"up to {worded:g}", holds(mean != worded))


def _longer_sweep() -> Check:
    """Check which sweep direction takes longer."""
    ratio = float(_text("M014")) / float(_text("M013"))
    computed = f"duration ratio proximal-distal / posterior-anterior {ratio:.2f}"
    return Check("A046", computed, "longer proximal-to-distal acquisition", holds(ratio > 1))


def _sweeps() -> list[Check]:
    """Add up infants and sweeps."""
    umg, uksh = _count("M016"), _count("M018") * SWEEPS_PER_INFANT
    train, validation = _count("M045"), _count("M047")
    infants = _count("M046"), _count("M048")
    per_infant = train / infants[0], validation / infants[1]
    untracked = holds(_count("M002") in (umg, uksh, umg + uksh))
    shown = f"UMG {umg}, plus UKSH {uksh} = {umg + uksh}"
    return [
        _equal("A047", _count("M015") * SWEEPS_PER_INFANT, umg),
        _equal("A048", _count("M015") * 2, _count("M017")),
        Check("A050", shown, _text("M002"), untracked),
        _equal("A051", train + validation, _count("M019")),
        Check(
            "A053",
            f"{per_infant[0]:.2f} training, {per_infant[1]:.2f} validation",
            _text("M030"),
            holds(max(per_infant) <= _count("M030")),
        ),
        _equal("A054", sum(infants), _count("M022")),
    ]


def _frames_and_volumes() -> list[Check]:
    """Add up the splits of frames and volumes."""
    frames, sweeps, step = _count("M033"), _count("M028"), _count("M032")
    train, validation, test = (_count(claim) for claim in ("M042", "M043", "M044"))
    share = train / (train + validation)
    per_sweep = frames * step / sweeps
    volumes = sum(_count(claim) for claim in ("M055", "M056", "M057"))
    n_cases = len(tables.load("midl_table4").query("is_printed_mean_row == '0'")) // 4
    return [
        _equal("A055", train + validation + test, frames),
        Check("A056", f"{share:.3f} : {1 - share:.3f}", "not printed", holds(share == 0.8)),
        compare("A057", per_sweep, _text("M031"), digits=2),
        _equal("A058", _count("M029") * _count("M030"), sweeps),
        _equal("A060", volumes, _count("M054")),
        _equal("A061", n_cases, _count("M057")),
    ]


def _raters() -> Check:
    """Check that the mean agreement of raters leaves room for the two structures not printed."""
    mean, lowest, highest = (float(_text(claim)) for claim in ("M039", "M040", "M041"))
    others = (4 * mean - lowest - highest) / 2
    computed = f"mean of the other two structures must be {others:.3f}"
    between = holds(lowest <= others <= highest)
    return Check("A065", computed, f"between {lowest:.2f} and {highest:.2f}", between)


def _cohort() -> list[Check]:
    """Compare Table 6 with the cohort described in the text."""
    frame = tables.load("midl_table6")
    age, sexes = frame["age_days"], frame["sex"].value_counts()
    graf = frame[["graf_right", "graf_left"]].stack().value_counts()
    hips = "; ".join(f"{name} {count}" for name, count in graf.items())
    unique = frame["patient_id"].nunique()
    spread = _text("M025", "spread").removeprefix("SD ")
    return [
        _equal("A067", min(len(frame), unique), _count("M022")),
        compare("A068", sexes[["f", "m"]], [_text("M023"), _text("M024")], digits=0),
        compare("A069", age.mean(), _text("M025")),
        compare("A070", age.std(ddof=1), spread),
        compare("A071", [age.min(), age.max()], [_text("M026"), _text("M027")], digits=0),
        Check("A072", hips, "not printed", CheckVerdict.NOT_CHECKABLE),
    ]


def _training_hours() -> list[Check]:
    """Compare durations of the text with those of the appendices."""
    found = []
    for check_id, claim, model in (
        ("A074", "M061", "2.2"),
        ("A075", "M063", "2.3"),
        ("A076", "M072", "3.1"),
        ("A077", "M075", "3.2"),
    ):
        hours, minutes = _setting(model, "training_duration").split(":")
        found.append(compare(check_id, int(hours) + int(minutes) / 60, _text(claim), digits=2))
    return found


def _sizes() -> list[Check]:
    """Compare image sizes and parameter counts with one another."""
    halves = [float(_text(claim)) / 2 for claim in ("M034", "M035")]
    median = [_setting("2.2", name) for name in ("median_height", "median_width")]
    refined, first = (int(_setting(model, "trainable_parameters")) for model in ("3.2", "3.1"))
    # One transposed convolution, 320 to 320 channels, with 2 x 2 x 2 or 1 x 2 x 2 weights.
    return [
        compare("A080", halves, median, digits=1),
        _equal("A086", 320 * 320 * (8 - 4), refined - first),
    ]
