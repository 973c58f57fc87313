"""The numbers of `hipus measure`: a volume as a whole, or pictures each for itself.

Decides the random draws behind intervals, which of many pictures is the best plane, and when
nothing was measured. Definitions are those of `morphometry`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hipus.cli.measure_inputs import Measurable
from hipus.morphometry.graf_section import SectionMeasures
from hipus.morphometry.graf_types import GrafType, classify
from hipus.morphometry.hip_measures import HipMeasures, measure_hip
from hipus.morphometry.label_uncertainty import measure_with_intervals
from hipus.morphometry.measures import Measure
from hipus.morphometry.section_quality import MET
from hipus.morphometry.volume_uncertainty import Uncertainty
from hipus.seeds import generator

#: Intervals are drawn at random, always alike.
SEED = 0
#: Of a single picture; of volumes as many as `Uncertainty` says.
SECTION_DRAWS = 100


@dataclass(frozen=True)
class Asked:
    """What a person states beside the labels.

    Attributes
    ----------
    side : {"left", "right"} or None
    age_days : float or None
    frame : int or None
        The only picture to measure.
    uncertainty : Uncertainty
    """

    side: str | None
    age_days: float | None
    frame: int | None
    uncertainty: Uncertainty


@dataclass(frozen=True, eq=False)
class MeasuredSection:
    """One picture's measures.

    Attributes
    ----------
    index : int
    section : SectionMeasures
    graf_type : GrafType
    """

    index: int
    section: SectionMeasures
    graf_type: GrafType

    @property
    def rank(self) -> tuple:
        """Say how good a plane this is: larger is better."""
        section = self.section
        return (
            not section.alpha_deg.is_refused,
            section.is_standard_plane,
            sum(check.state == MET for check in section.checks),
            sum(not measure.is_refused for measure in section.measures.values()),
        )


def measure_volume(found: Measurable, asked: Asked) -> tuple[HipMeasures, GrafType]:
    """Measure a label volume.

    Parameters
    ----------
    found : Measurable
    asked : Asked

    Returns
    -------
    (HipMeasures, GrafType)
    """
    hip = measure_hip(
        found.labels,
        scheme=found.scheme,
        spacing_zyx_mm=found.spacing_zyx_mm,
        side=asked.side,
        origin_xyz_mm=found.origin_xyz_mm,
        direction=found.direction,
        rng=generator(SEED, "measure", "volume"),
        uncertainty=asked.uncertainty,
    )
    return hip, type_of(hip.measures, asked)


def measure_pictures(found: Measurable, asked: Asked) -> list[MeasuredSection]:
    """Measure single pictures, each for itself.

    Parameters
    ----------
    found : Measurable
    asked : Asked

    Returns
    -------
    list of MeasuredSection

    Raises
    ------
    ValueError
        If there is no picture of the number that was asked for.
    """
    count = len(found.labels)
    if asked.frame is not None and not 0 <= asked.frame < count:
        raise ValueError(f"--frames must be all or 0 to {count - 1}, got {asked.frame}")
    wanted = range(count) if asked.frame is None else [asked.frame]
    return [_measure_picture(found, asked, index) for index in wanted]


def _measure_picture(found: Measurable, asked: Asked, index: int) -> MeasuredSection:
    section = measure_with_intervals(
        found.labels[index],
        scheme=found.scheme,
        spacing_yx_mm=found.spacing_zyx_mm and found.spacing_zyx_mm[1:],
        sd_mm=asked.uncertainty.label_sd_mm,
        rng=generator(SEED, "measure", "picture", index),
        correlation_mm=asked.uncertainty.label_length_mm,
        draws=SECTION_DRAWS,
        level=asked.uncertainty.level,
    )
    return MeasuredSection(index, section, type_of(section.measures, asked))


def type_of(measures: Mapping[str, Measure], asked: Asked) -> GrafType:
    """Return the Graf type of measures, for the age that is stated."""
    return classify(measures["alpha_deg"], measures["beta_deg"], age_days=asked.age_days)


def best_of(sections: list[MeasuredSection]) -> MeasuredSection:
    """Return the picture that is most of a standard plane; the first of several.

    Parameters
    ----------
    sections : list of MeasuredSection
    """
    return max(sections, key=lambda one: one.rank)


def why_nothing(measured: list[Mapping[str, Measure]]) -> str:
    """Return the most frequent refusal where every measure is refused, else "".

    Parameters
    ----------
    measured : list of mapping of str to Measure
    """
    every = [one for measures in measured for one in measures.values()]
    if not all(one.is_refused for one in every):
        return ""
    return Counter(one.refusal for one in every).most_common(1)[0][0]
