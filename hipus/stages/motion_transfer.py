"""Stage `motion_transfer`: what do models of simulated motion say of real tracked recordings?

The trained arms predict three public recordings of another probe, untuned, and are judged by
its tracker. None is a hip: a spine phantom in one sweep, and wires in water, which have no
speckle, to and fro. Pictures are cut to the sonogram and squeezed as every sweep is; nothing
is fitted to a recording, but two things are told, because pictures cannot tell them: which way
the probe goes along its normal, and, in rows that say so, the mean length of a step.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.motion import stored_models
from hipus.motion.averaging import mean_transform
from hipus.motion.baselines import ANY_TYPE, ConstantStep, Identity
from hipus.motion.poses import centre_poses, chain, mirrored, steps
from hipus.motion.prediction import Predictor
from hipus.motion.preparation import PreparedSweep, prepare
from hipus.motion.stored_models import StoredModel
from hipus.motion.sweep_rows import SweepKey, sweep_row
from hipus.stages import runner
from hipus.stages.motion_recordings import (
    RECORDINGS,
    Recording,
    direction,
    files_of,
    read,
    training,
)
from hipus.sweep import Sweep

log = logging.getLogger(__name__)

STAGE = "motion_transfer"
#: Folders of the trained models of stage `motion`.
ARMS = ("published", "sweep_context")
ORACLE_STEP = "constant step, this recording's own"
AS_PREDICTED, ORACLE_SCALE = "as predicted", "oracle scale"
_MEASURES = (
    "path_mm",
    "final_mm",
    "final_rate_of_path_percent",
    "final_lateral_mm",
    "final_axial_mm",
    "final_elevational_mm",
    "final_deg",
    "relative_mm",
    "relative_deg",
    "bias_elevational_mm",
)
_OF_STEPS = ("step_length_ratio", "elevational_correlation")
_COLUMNS = {
    "motion_transfer": [
        *("recording", "arm", "scale", "scale_factor", "frames", "frame_spacing_mm"),
        *(*_MEASURES, *_OF_STEPS),
    ],
    "motion_transfer_recordings": [
        *("recording", "content", "frames", "rows_px", "columns_px", "width_mm", "height_mm"),
        *("duration_s", "rate_hz", "path_mm", "frame_spacing_mm"),
    ],
    "motion_transfer_steps": ["recording", "arm", "frame_index", "tracked_mm", "predicted_mm"],
}
_KEYS = {
    "motion_transfer": ["recording", "arm", "scale"],
    "motion_transfer_recordings": ["recording"],
    "motion_transfer_steps": ["recording", "arm", "frame_index"],
}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables and metrics; return the inputs."""
    found = runner.real_inputs(study, STAGE, files_of(RECORDINGS))
    folder = paths.results_dir(study.profile) / "models" / "motion"
    if found is None or not any(folder.glob("*/model.json")):
        log.warning("%s SKIPPED: no real recording, or no motion was learned", STAGE)
        runner.write_empty(study, _COLUMNS)
        tables.write_metrics({"recordings_total": 0}, paths.metrics_file(study.profile, STAGE))
        return []
    folders = [stored_models.find(arm, (study.profile,)) for arm in ARMS]
    models = [stored_models.load(folder) for folder in folders]
    sweeps = [(recording, read(recording, found)) for recording in RECORDINGS]
    judged = [judge(recording.name, sweep, models) for recording, sweep in sweeps]
    made = {
        "motion_transfer": pd.concat([one for one, _ in judged]),
        "motion_transfer_recordings": pd.DataFrame(
            [*(described(*one) for one in sweeps), training(study)]
        ),
        "motion_transfer_steps": pd.concat([one for _, one in judged]),
    }
    content = {name: (made[name][columns], _KEYS[name]) for name, columns in _COLUMNS.items()}
    runner.write_tables(study, content)
    metrics = summarise(made["motion_transfer"])
    tables.write_metrics(metrics, paths.metrics_file(study.profile, STAGE))
    return [*found.values(), *(path for folder in folders for path in sorted(folder.iterdir()))]


def described(recording: Recording, sweep: Sweep) -> dict[str, object]:
    """Return what is to be known of a recording before its prediction is judged.

    Parameters
    ----------
    recording : Recording
    sweep : Sweep
        Cut to the sonogram.

    Returns
    -------
    dict
        A row of `motion_transfer_recordings`; lengths are those of the picture's centre.
    """
    count, rows, columns = sweep.frames.shape
    width_mm, height_mm = np.multiply(sweep.pixel_spacing_xy_mm, (columns, rows))
    length_mm = _lengths(steps(centre_poses(sweep)))
    duration_s = float(sweep.time_s[-1] - sweep.time_s[0])
    return {
        "recording": recording.name,
        "content": recording.content,
        "frames": count,
        "rows_px": rows,
        "columns_px": columns,
        "width_mm": width_mm,
        "height_mm": height_mm,
        "duration_s": duration_s,
        "rate_hz": (count - 1) / duration_s,
        "path_mm": np.nansum(length_mm),
        "frame_spacing_mm": np.nanmedian(length_mm),
    }


def judge(
    name: str, sweep: Sweep, models: Sequence[StoredModel]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict one recording by every model and by what needs none.

    Parameters
    ----------
    name : str
        Of the recording.
    sweep : Sweep
        Tracked and calibrated; its poses are only compared with.
    models : sequence of StoredModel

    Returns
    -------
    pandas.DataFrame, pandas.DataFrame
        Rows of `motion_transfer`, and of `motion_transfer_steps` as predicted.
    """
    prepared: dict[int, PreparedSweep] = {}
    rows, courses = [], []
    for predictor, input_px in _predictors(sweep, models):
        if input_px not in prepared:
            prepared[input_px] = _prepared(sweep, input_px)
        seen = prepared[input_px]
        said = predictor.predict(seen).T_next_to_previous
        for scale, factor in _scales(said, seen, predictor.name):
            key = {"recording": name, "arm": predictor.name, "scale": scale}
            rows.append({**key, "scale_factor": factor, **_measured(said, seen, factor)})
        courses.append(_course(said, seen).assign(recording=name, arm=predictor.name))
    return pd.DataFrame(rows), pd.concat(courses)


def _predictors(sweep: Sweep, models: Sequence[StoredModel]) -> Iterator[tuple[Predictor, int]]:
    """Yield predictors with the size of picture that each looks at."""
    size = models[0].input_px
    tracked = steps(centre_poses(sweep))
    own = mean_transform(tracked[np.isfinite(tracked).all(axis=(1, 2))])
    own = mirrored(own) if direction(sweep) == "left" else own
    yield Identity(), size
    yield ConstantStep(ORACLE_STEP, {ANY_TYPE: own}), size
    networks = [model for model in models if model.kind == stored_models.NETWORK]
    for model in networks[:1]:  # zero at the output is the training sweeps' mean step
        scaling = model.predictor.model.scaling
        trained = scaling.decode(np.zeros(scaling.numbers_per_step))
        yield ConstantStep("constant step", {ANY_TYPE: trained}), size
    for model in models:
        yield model.predictor, model.input_px


def _prepared(sweep: Sweep, input_px: int) -> PreparedSweep:
    """Return a recording as models see it: whole, mirrored if it goes along -z."""
    return prepare(sweep, input_px=input_px, side=direction(sweep), from_pictures=True)


def _scales(said: np.ndarray, seen: PreparedSweep, name: str) -> Iterator[tuple[str, float]]:
    """Yield by how much predicted translations are stretched: not, and to the true mean step."""
    yield AS_PREDICTED, 1.0
    true = _true_steps(seen)
    length_mm = _lengths(said)[np.isfinite(_lengths(true))].mean()
    if length_mm > 0 and name != ORACLE_STEP:
        yield ORACLE_SCALE, float(np.nanmean(_lengths(true)) / length_mm)


def _measured(said: np.ndarray, seen: PreparedSweep, factor: float) -> dict[str, float]:
    """Return the measures of one prediction, its translations stretched."""
    said = said.copy()
    said[:, :3, 3] *= factor
    key = SweepKey("", "", seen.sweep_id, "", seen.side, "vs_tracker")
    row = sweep_row(chain(said), seen.T_centre_to_world, key=key)
    true = _true_steps(seen)
    is_known = np.isfinite(_lengths(true))
    return {
        "frames": row["frame_count"],
        "frame_spacing_mm": np.nanmedian(_lengths(true)),
        **{name: row[name] for name in _MEASURES},
        "step_length_ratio": _lengths(said)[is_known].mean() / _lengths(true)[is_known].mean(),
        "elevational_correlation": _correlation(said[is_known, 2, 3], true[is_known, 2, 3]),
    }


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's correlation, NaN where one of both does not vary."""
    if min(np.ptp(a), np.ptp(b)) < 1e-9:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _course(said: np.ndarray, seen: PreparedSweep) -> pd.DataFrame:
    """Return elevational steps frame by frame, along the recording's direction."""
    return pd.DataFrame(
        {
            "frame_index": np.arange(1, len(seen)),
            "tracked_mm": _true_steps(seen)[:, 2, 3],
            "predicted_mm": said[:, 2, 3],
        }
    )


def _true_steps(seen: PreparedSweep) -> np.ndarray:
    """Return the tracked steps, NaN where one is not known."""
    return steps(seen.T_centre_to_world)


def _lengths(T: np.ndarray) -> np.ndarray:
    """Return the lengths (N-1,) of steps in mm."""
    return np.linalg.norm(T[:, :3, 3], axis=1)


def summarise(rows: pd.DataFrame) -> dict[str, object]:
    """Return the stage's headline numbers.

    Parameters
    ----------
    rows : pandas.DataFrame
        `motion_transfer`.

    Returns
    -------
    dict
    """
    found: dict[str, object] = {"origin": "real", "recordings_total": rows["recording"].nunique()}
    of_spine = rows[rows["recording"] == RECORDINGS[0].name]
    for row in of_spine.itertuples():
        name = f"spine_{row.arm}_{row.scale}".replace(",", "").replace("'", "").replace(" ", "_")
        found[f"{name}_final_mm"] = row.final_mm
        found[f"{name}_final_rate_of_path_percent"] = row.final_rate_of_path_percent
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
