"""Drawing the clinical parameters of newborns, by side, Graf type, age and sex.

Decides which distributions the parameters come from. A published mean and SD is an input
here: it can never be confirmed by what comes out. Who is in a cohort is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.truth import HipTruth, construct_truth

SEXES = ("f", "m")
#: Bone & Joint Open 2022 (literature.csv): mean and SD of alpha, infants of 1 to 8 weeks, and
#: the means of anterior and posterior sections. SDs between sections of a hip are assumed.
ALPHA_MEAN_DEG, ALPHA_SD_DEG = 62.2, 5.7
ALPHA_ANTERIOR_DEG, ALPHA_POSTERIOR_DEG = 58.2, 63.8
SECTION_SD_DEG = 1.5
#: Head diameter of a newborn girl, mm (stills: radius 7.4 to 8.6), what boys have more, growth
#: a day, SD between children (all but the range assumed).
HEAD_DIAMETER_MM, BOYS_MM, GROWTH_MM_DAY, HEAD_SD_MM = 15.8, 0.4, 0.035, 0.45
#: Ossific nuclei appear at 4 months on average (assumed: logistic, 120 +- 25 days), and grow.
NUCLEUS_DAYS, NUCLEUS_SPREAD_DAYS, NUCLEUS_MM_DAY = 120.0, 25.0, 0.04
ATTEMPTS = 200


@dataclass(frozen=True)
class GrafType:
    """How a Graf type is drawn.

    Attributes
    ----------
    alpha_deg, beta_deg : tuple of 2 float
        Range [low, high) of the type (Graf 2006; data/published/graf_classification.csv for I
        and II). III and IV differ by where the labrum is pressed, not by alpha.
    beta_mean_deg : float
        Centre of the drawn beta (assumed), SD 3 deg.
    lateral_mm, superior_mm : float
        Mean displacement of the head (assumed): centred in I and IIa/b, decentring from IIc.
    rim_radius_mm, depth_mm, cartilage_roof_mm : float
        Mean rounding of the rim, depth, length of the cartilage roof (assumed).
    """

    alpha_deg: tuple[float, float]
    beta_deg: tuple[float, float]
    beta_mean_deg: float
    lateral_mm: float = 0.0
    superior_mm: float = 0.0
    rim_radius_mm: float = 0.8
    depth_mm: float = 7.5
    cartilage_roof_mm: float = 5.6


GRAF_TYPES = {
    "Ia": GrafType((60.0, 90.0), (45.0, 55.0), 52.0),
    "Ib": GrafType((60.0, 90.0), (55.0, 77.0), 62.0),
    "IIa": GrafType((50.0, 60.0), (55.0, 77.0), 66.0, 0.2, 0.1, 1.5, 7.0),
    "IIb": GrafType((50.0, 60.0), (55.0, 77.0), 66.0, 0.4, 0.2, 1.6, 7.0),
    "IIc": GrafType((43.0, 50.0), (55.0, 77.0), 71.0, 1.0, 0.5, 2.0, 6.5),
    "D": GrafType((43.0, 50.0), (77.0, 100.0), 83.0, 2.0, 1.2, 2.2, 6.5),
    "III": GrafType((36.0, 43.0), (77.0, 110.0), 90.0, 3.5, 2.5, 2.8, 6.0),
    "IV": GrafType((34.0, 43.0), (5.0, 40.0), 18.0, 9.5, 3.0, 2.8, 6.0, 5.0),
}


def draw_parameters(
    rng: np.random.Generator,
    *,
    side: str,
    graf_type: str = "Ib",
    age_days: float = 2.0,
    sex: str = "f",
) -> HipParameters:
    """Draw the parameters of one hip.

    Parameters
    ----------
    rng : numpy.random.Generator
    side : str
        "left" or "right".
    graf_type : str
        One of `GRAF_TYPES`. Alpha is the published norm truncated to the type's range; for
        III and IV, which the norm hardly reaches, uniform within it (assumed).
    age_days : float
    sex : str
        "f" or "m".

    Returns
    -------
    HipParameters

    Raises
    ------
    ValueError
        If type or sex is unknown or the age is negative.

    Notes
    -----
    What is asked for, not what comes out: deformation moves alpha by about 1 deg (SD). Use
    `draw_hip` for a hip whose constructed alpha and beta lie in the type.
    """
    kind = _check(graf_type, age_days, sex)
    alpha = _alpha(rng, kind)
    diameter = HEAD_DIAMETER_MM + BOYS_MM * (sex == "m") + GROWTH_MM_DAY * age_days
    diameter = rng.normal(diameter, HEAD_SD_MM)
    centred = kind.lateral_mm < 0.1
    return HipParameters(
        side=side,
        alpha_deg=alpha,
        alpha_anterior_deg=_section(rng, alpha, ALPHA_ANTERIOR_DEG),
        alpha_posterior_deg=_section(rng, alpha, ALPHA_POSTERIOR_DEG),
        beta_deg=_within(rng, kind.beta_mean_deg, 3.0, kind.beta_deg),
        head_diameter_mm=diameter,
        lateral_displacement_mm=0.0 if centred else rng.gamma(16.0, kind.lateral_mm / 16.0),
        superior_displacement_mm=0.0 if centred else rng.gamma(16.0, kind.superior_mm / 16.0),
        # Coverage grows with alpha: 55 % at 62 deg, 1 % per degree (assumed slope).
        iliac_offset_mm=diameter * (0.05 + 0.009 * (alpha - 62.2)) + rng.normal(0, 0.3),
        acetabular_depth_mm=kind.depth_mm * diameter / 16.0 + rng.normal(0, 0.25),
        acetabular_cartilage_mm=_within(rng, 1.6, 0.15, (1.2, 2.0)),
        rim_radius_mm=kind.rim_radius_mm * np.exp(rng.normal(0, 0.15)),
        cartilage_roof_mm=kind.cartilage_roof_mm * diameter / 16.0 + rng.normal(0, 0.25),
        soft_tissue_mm=_within(rng, 13.0, 1.2, (10.0, 17.0)) + 0.02 * age_days,
        nucleus_diameter_mm=_nucleus(rng, age_days),
        **_posture(rng),
        deformation_seed=int(rng.integers(2**31)),
    )


def _check(graf_type: str, age_days: float, sex: str) -> GrafType:
    if graf_type not in GRAF_TYPES:
        raise ValueError(f"graf_type must be one of {tuple(GRAF_TYPES)}, got {graf_type!r}")
    if not age_days >= 0:
        raise ValueError(f"age_days must be >= 0, got {age_days}")
    if sex not in SEXES:
        raise ValueError(f"sex must be one of {SEXES}, got {sex!r}")
    return GRAF_TYPES[graf_type]


def _within(rng, mean: float, sd: float, limits: tuple[float, float]) -> float:
    """Draw from a normal distribution truncated to [low, high), by rejection."""
    while True:
        value = rng.normal(mean, sd)
        if limits[0] <= value < limits[1]:
            return float(value)


def _alpha(rng, kind: GrafType) -> float:
    if kind.alpha_deg[1] <= 43.0:
        return float(rng.uniform(*kind.alpha_deg))
    return _within(rng, ALPHA_MEAN_DEG, ALPHA_SD_DEG, kind.alpha_deg)


def _section(rng, alpha_deg: float, mean_deg: float) -> float:
    """Draw alpha of another section: its mean difference, and a spread of its own."""
    value = alpha_deg + mean_deg - ALPHA_MEAN_DEG + rng.normal(0, SECTION_SD_DEG)
    return float(np.clip(value, 22.0, 88.0))


def _nucleus(rng, age_days: float) -> float:
    onset = rng.logistic(NUCLEUS_DAYS, NUCLEUS_SPREAD_DAYS * np.sqrt(3) / np.pi)
    return float(np.clip(NUCLEUS_MM_DAY * (age_days - onset), 0.0, 10.0))


def _posture(rng) -> dict:
    """Draw femur and pose: means of `HipParameters`, SDs assumed (anteversion: Fabry 1973)."""
    return {
        "anteversion_deg": _within(rng, 31.0, 9.0, (5.0, 60.0)),
        "neck_shaft_deg": _within(rng, 137.0, 4.0, (125.0, 150.0)),
        "flexion_deg": _within(rng, 20.0, 6.0, (0.0, 45.0)),
        "internal_rotation_deg": _within(rng, 10.0, 5.0, (-10.0, 30.0)),
        "iliac_inclination_deg": _within(rng, 0.0, 3.0, (-10.0, 10.0)),
    }


@dataclass(frozen=True)
class DrawnHip:
    """A hip, and what it really measures."""

    hip: Hip
    truth: HipTruth


def draw_hip(
    rng: np.random.Generator,
    *,
    side: str,
    graf_type: str = "Ib",
    age_days: float = 2.0,
    sex: str = "f",
) -> DrawnHip:
    """Draw hips until one's constructed alpha and beta lie in its Graf type.

    Parameters
    ----------
    rng, side, graf_type, age_days, sex
        As in `draw_parameters`.

    Returns
    -------
    DrawnHip

    Raises
    ------
    ValueError
        If an argument is unknown.
    RuntimeError
        If no hip of the type comes out in `ATTEMPTS` draws.
    """
    kind = _check(graf_type, age_days, sex)
    for _ in range(ATTEMPTS):
        parameters = draw_parameters(
            rng, side=side, graf_type=graf_type, age_days=age_days, sex=sex
        )
        try:
            hip = Hip(parameters)
            truth = construct_truth(hip)
        except ValueError:
            continue  # Rarely, drawn numbers contradict each other (labrum inside the head).
        if _is_of(truth, kind):
            return DrawnHip(hip, truth)
    raise RuntimeError(f"no hip of Graf type {graf_type} in {ATTEMPTS} draws")


def _is_of(truth: HipTruth, kind: GrafType) -> bool:
    angles = ((truth.alpha_deg, kind.alpha_deg), (truth.beta_deg, kind.beta_deg))
    return all(low <= value < high for value, (low, high) in angles)
