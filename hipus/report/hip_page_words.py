"""Words and small constructions of a hip's page: measures, alpha's gauge, poses, provenance.

Decides how a measure is called and explained to a reader. Measures nothing; every number comes
from a report of `hipus measure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from hipus.morphometry.graf_types import type_rows
from hipus.morphometry.measures import Measure

#: Title and meaning of every measure.
MEANINGS = {
    "alpha_deg": ("Alpha", "Graf's bony roof angle in the standard plane"),
    "alpha_anterior_deg": ("Alpha, anterior", "half a head radius in front of the plane"),
    "alpha_posterior_deg": ("Alpha, posterior", "half a head radius behind the plane"),
    "beta_deg": ("Beta", "Graf's cartilage roof angle; needs a labrum label"),
    "femoral_head_coverage_percent": ("Coverage d / D", "Morin's, in the standard plane"),
    "femoral_head_coverage_3d_percent": (
        "Coverage in 3D",
        "part of the head's volume medial of the iliac wing's plane",
    ),
    "head_under_roof_percent": (
        "Head under the roof",
        "part of the head's volume medial of the bony rim, all along it",
    ),
    "acetabular_contact_angle_deg": (
        "Contact angle",
        "between the planes of iliac wing and bony roof",
    ),
    "osculating_circle_radius_mm": ("Rim's radius", "of the circle that fits the bony rim"),
    "head_radius_mm": ("Head radius", "of the sphere through the head's free surface"),
    "head_sphericity": ("Head sphericity", "1 for a ball (Wadell 1932)"),
    "lateral_displacement_mm": ("Displacement, lateral", "of the head from the socket's middle"),
    "superior_displacement_mm": ("Displacement, superior", "of the head from the socket's middle"),
    "posterior_displacement_mm": (
        "Displacement, posterior",
        "of the head from the socket's middle",
    ),
    "acetabular_depth_mm": ("Acetabular depth", "needs a label of the acetabular floor"),
}
#: Alpha from the left to the right end of the gauge, and its ends on the page.
_GAUGE_DEG, _GAUGE_PX = (30.0, 80.0), (8.0, 632.0)


@dataclass(frozen=True)
class Gauge:
    """Alpha among the limits of Graf's types.

    Attributes
    ----------
    x : float
        Place of the value, in the drawing's units.
    arm : tuple of 2 float or None
        Ends of the interval.
    bounds : tuple of dict
        "x" and "deg" of each limit.
    bands : tuple of dict
        "middle" and "name" of what lies between limits.
    words : str
        The same for who does not see it.
    """

    x: float
    arm: tuple[float, float] | None
    bounds: tuple[dict, ...]
    bands: tuple[dict, ...]
    words: str


def measures_of(report: Mapping) -> dict[str, Measure]:
    """Return the measures of a report.

    Parameters
    ----------
    report : mapping
        As `hipus measure` writes it of a volume.

    Returns
    -------
    dict of str to Measure
    """
    return {name: Measure(**one) for name, one in report["measures"].items()}


def value_text(measure: Measure) -> str:
    """Return a value with its unit, without the interval."""
    bare = Measure(measure.value, measure.unit, refusal=measure.refusal)
    digits = {"1": f"{measure.value:.2f}"} if measure.value is not None else {}
    return digits.get(measure.unit, str(bare)).replace(" deg", "°")


def interval_text(measure: Measure) -> str:
    """Return an interval with its unit, "–" for none."""
    if measure.lower is None:
        return "–"
    unit = {"deg": "°", "percent": " %", "1": ""}.get(measure.unit, f" {measure.unit}")
    return f"{measure.lower:.1f} to {measure.upper:.1f}{unit}"


def gauge(alpha: Measure) -> Gauge | None:
    """Return where alpha lies among the limits of Graf's types.

    Parameters
    ----------
    alpha : Measure

    Returns
    -------
    Gauge or None
        None where alpha is refused. What lies beyond an end of the gauge is drawn there.
    """
    if alpha.is_refused:
        return None
    limits = sorted({one for row in type_rows() for one in row.alpha_deg if isfinite(one)})
    edges = [_GAUGE_DEG[0], *limits, _GAUGE_DEG[1]]
    names = [_band(low) for low in [-90.0, *limits]]
    arm = None if alpha.lower is None else (_place(alpha.lower), _place(alpha.upper))
    between = "" if alpha.lower is None else f", interval {interval_text(alpha)}"
    return Gauge(
        _place(alpha.value),
        arm,
        tuple({"x": _place(limit), "deg": f"{limit:g}"} for limit in limits),
        tuple(
            {"middle": (_place(a) + _place(b)) / 2, "name": name}
            for a, b, name in zip(edges, edges[1:], names, strict=False)
        ),
        f"Alpha {value_text(alpha)}{between}, among Graf's limits "
        f"{', '.join(f'{limit:g}°' for limit in limits)}.",
    )


def _band(alpha_deg: float) -> str:
    """Return the main types that an alpha from a limit on can have."""
    found = [row.name for row in type_rows() if row.alpha_deg[0] <= alpha_deg < row.alpha_deg[1]]
    short = {"Ia": "I", "Ib": "I", "IIa": "II a, b", "IIb": "II a, b", "IIc": "II c"}
    return ", ".join(dict.fromkeys(short.get(name, name) for name in found))


def _place(deg: float) -> float:
    """Return an angle's place on the gauge."""
    low, high = _GAUGE_DEG
    share = min(max((deg - low) / (high - low), 0.0), 1.0)
    return round(_GAUGE_PX[0] + share * (_GAUGE_PX[1] - _GAUGE_PX[0]), 1)


def poses_words(poses: Mapping) -> str:
    """Say where poses come from.

    Parameters
    ----------
    poses : mapping
        "poses" of a run's measurements.

    Returns
    -------
    str
    """
    text = (
        f"Poses by the {poses['told_by']}: {poses['frames_with_pose']} of "
        f"{poses['frames_total']} frames, a path of {poses['path_mm']:.0f} mm."
    )
    if poses.get("why_predicted"):
        text += f" Predicted because {poses['why_predicted']}."
    stretch = poses.get("made_round")
    if stretch is not None:
        turn = "longer" if stretch >= 1 else "shorter"
        text += (
            " They were then moved until the femoral head is round: the way became "
            f"{100 * abs(stretch - 1):.0f} % {turn}."
        )
    sd = poses.get("end_sd_mm")
    if sd and all(one is not None for one in sd):
        text += (
            f" At its end the model states a deviation of {sd[0]:.1f}, {sd[1]:.1f} and "
            f"{sd[2]:.1f} mm (lateral, axial, across the pictures)."
        )
    return text


def provenance_rows(made_by: Mapping) -> list[tuple[str, str]]:
    """Return what made a report, a line each.

    Parameters
    ----------
    made_by : mapping
        Of a run's measurements.

    Returns
    -------
    list of (str, str)
    """
    rows = [
        (f"input {name}", f"sha256 {one['sha256']}, {one['bytes']} bytes")
        for name, one in made_by["inputs"].items()
    ]
    rows += [
        (f"model of {what}", f"{one['name']}, sha256 {one['sha256']}")
        for what, one in made_by.get("models", {}).items()
    ]
    rows.append(("commit", made_by["commit"]))
    return rows + [(name, version) for name, version in made_by["versions"].items()]
