"""The pages of the report that answer questions: which, in which order, from which notebooks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hipus.figures.origin_words import cohort_origin
from hipus.report import (
    content,
    fused_hips,
    hips,
    motion,
    segmentation,
    segmentation_reach,
    segmentation_rounds,
)
from hipus.report.cohort_words import told_section
from hipus.report.page import Section


@dataclass(frozen=True)
class Topic:
    """A page of the report.

    Attributes
    ----------
    slug : str
        Its file is `<slug>.html`.
    title : str
        In menus.
    makers : tuple of callable
        Each returns a section for a profile.
    """

    slug: str
    title: str
    makers: tuple[Callable[[str], Section], ...]


TOPICS = (
    Topic("cohort", "Cohort", (content.cohort,)),
    Topic("calibration", "Calibration", (content.calibration,)),
    Topic("motion", "Motion without tracking", (motion.predicted,)),
    Topic("reconstruction", "Reconstruction", (content.reconstruction, motion.volumes)),
    Topic("frames", "Labelling frames", (segmentation_rounds.frames, segmentation_reach.stills)),
    Topic("rounds", "Staged rounds", (segmentation_rounds.rounds, segmentation_rounds.refined)),
    Topic("models", "Five models compared", (segmentation.compared, segmentation.claims)),
    Topic("grades", "Grades of volumes", (segmentation_reach.grades,)),
    Topic("angles", "Hip angles", (hips.angles,)),
    Topic("fusion", "Two sweeps in one", (fused_hips.fusion,)),
    Topic("sensorless", "Findings of others", (motion.sensorless,)),
    Topic("arithmetic", "Arithmetic of the papers", (content.published,)),
)


def sections(profile: str) -> dict[str, tuple[Section, ...]]:
    """Return the sections of every topic.

    Parameters
    ----------
    profile : str

    Returns
    -------
    dict of str to tuple of Section
        By the topic's slug, in the order of the report; each says where the cohort comes from.
    """
    origin = cohort_origin(profile)
    return {
        topic.slug: tuple(told_section(make(profile), origin) for make in topic.makers)
        for topic in TOPICS
    }
