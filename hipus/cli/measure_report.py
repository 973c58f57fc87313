"""What `hipus measure` reports: every number with its unit, interval or refusal, and its makers.

Decides the report's form. Measures nothing; every report says that this is no medical device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from hipus.cli.measure_inputs import Measurable
from hipus.cli.measure_numbers import SECTION_DRAWS, SEED, Asked, MeasuredSection, best_of
from hipus.files import sha256
from hipus.morphometry.graf_types import GrafType
from hipus.morphometry.hip_measures import DOUBT_LOG_ODDS, SIDES, HipMeasures
from hipus.morphometry.measures import Measure, as_json
from hipus.morphometry.section_quality import NOT_MET

DISCLAIMER = "Not a medical device."


def volume_report(hip: HipMeasures, graf_type: GrafType, asked: Asked) -> dict:
    """Return what a volume measures.

    Parameters
    ----------
    hip : HipMeasures
    graf_type : GrafType
    asked : Asked

    Returns
    -------
    dict
    """
    return {
        "side": side_report(hip, asked.side),
        **_numbers(hip.measures, graf_type, hip.checks),
        "graf_plane": _plane(hip),
        "landmarks_xyz_mm": dict(hip.landmarks_mm),
        "uncertainty": asdict(asked.uncertainty) | {"seed": SEED},
    }


def pictures_report(sections: list[MeasuredSection], asked: Asked) -> dict:
    """Return what single pictures measure.

    Parameters
    ----------
    sections : list of MeasuredSection
    asked : Asked

    Returns
    -------
    dict
    """
    kept = ("label_sd_mm", "label_length_mm", "level")
    told = {name: value for name, value in asdict(asked.uncertainty).items() if name in kept}
    return {
        "side": {"stated": asked.side, "by_anatomy": None, "note": "one picture does not tell it"},
        "best_frame_index": best_of(sections).index,
        "frames": [
            {
                "frame_index": one.index,
                **_numbers(one.section.measures, one.graf_type, one.section.checks),
                "cranial": one.section.cranial,
                "landmarks_uv_px": dict(one.section.landmarks_px),
            }
            for one in sections
        ],
        "uncertainty": told | {"draws": SECTION_DRAWS, "seed": SEED},
    }


def side_report(hip: HipMeasures, stated: str | None) -> dict:
    """Return what was stated and what anatomy says of the side.

    Parameters
    ----------
    hip : HipMeasures
    stated : {"left", "right"} or None

    Returns
    -------
    dict
        "contradicts" where anatomy speaks strongly against what was stated.
    """
    if stated is None or hip.side is None:
        return {"stated": stated, "by_anatomy": hip.side, "log_odds": hip.side_log_odds}
    doubted = hip.side_log_odds <= -DOUBT_LOG_ODDS
    sure = abs(hip.side_log_odds) >= DOUBT_LOG_ODDS
    other = SIDES[1 - SIDES.index(stated)]
    by_anatomy = (other if doubted else stated) if sure else None
    told = {"stated": stated, "by_anatomy": by_anatomy, "log_odds": hip.side_log_odds}
    if doubted:
        told["contradicts"] = f"stated as {stated}, anatomy says {other}: is this the right file?"
    return told


def _numbers(measures: Mapping[str, Measure], graf_type: GrafType, checks) -> dict:
    """Return numbers, type and checklist."""
    return {
        "measures": as_json(measures),
        "graf_type": asdict(graf_type),
        "is_standard_plane": bool(checks) and all(check.state != NOT_MET for check in checks),
        "checks": [asdict(check) for check in checks],
    }


def _plane(hip: HipMeasures) -> dict | None:
    """Return where the Graf plane lies in the world, and how good it is."""
    if hip.plane is None:
        return None
    axes = ("lateral", "posterior", "superior")
    return {
        "origin_xyz_mm": hip.plane.origin_mm,
        **{f"{name}_xyz": getattr(hip.plane, name) for name in axes},
        "score": asdict(hip.plane.score) | {"total": hip.plane.score.total},
    }


def about(found: Measurable, *files: Path | None) -> dict:
    """Return what was measured and what made the report.

    Parameters
    ----------
    found : Measurable
    *files : Path or None
        Inputs; None for one that was not named.

    Returns
    -------
    dict
    """
    from hipus import provenance

    spacing = found.spacing_zyx_mm and found.spacing_zyx_mm[::-1]
    shown = spacing if found.is_volume else spacing and spacing[:2]
    return {
        "kind": "volume" if found.is_volume else "pictures",
        "origin": found.origin or "not stated",
        "scheme": found.scheme,
        "shape": found.labels.shape,
        "spacing_xyz_mm" if found.is_volume else "spacing_xy_mm": shown,
        "spacing_from": found.spacing_from,
        "labelled_by": found.labelled_by,
        "made_by": {
            "command": "hipus measure",
            "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": provenance.commit(),
            "versions": provenance.versions(),
            "inputs": {
                path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
                for path in files
                if path is not None
            },
        },
    }
