"""Stage `raters`: do two simulated raters agree as the published ones did?

The printed agreement is an input: the typical rater was fitted to it once, on other infants
and other noise. What is shown here is that the fit holds beyond what it was made on; it
confirms nothing about real raters.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.labels import HipLabel
from hipus.parallel import map_cases
from hipus.phantom.anatomy.masks import INTERFACE_BAND_MM
from hipus.phantom.annotator.agreement import Agreement, measure_agreement, target_dice
from hipus.phantom.annotator.cases import FIT_SEED, simulate_cases
from hipus.phantom.annotator.rater import DRAWN, TYPICAL
from hipus.phantom.cohort.frozen import check_frozen
from hipus.stages import runner

STAGE = "raters"
COLUMNS = [
    *("structure", "published_dice", "fitted_dice", "independent_dice", "difference"),
    *("frame_count", "interface_band_mm", "note"),
]
#: The two Dice whose mean alone is printed.
_SHARED = "two structures' printed mean, shared equally"
OVERALL = "mean of the four"


def main(study: config.Study) -> Iterable[Path]:
    """Write table and metrics; return the inputs."""
    check_frozen(study.common.simulation_sha256)
    agree = partial(_agree, size=study.raters)
    fitted, independent = map_cases(agree, (FIT_SEED, study.common.seed))
    table = agreement_table(read_printed(), fitted, independent)
    runner.write_tables(study, {"rater_agreement": (table, ["structure"])})
    tables.write_metrics(metrics(table), paths.metrics_file(study.profile, STAGE))
    return [_published_file()]


def _agree(seed: int, *, size: config.Raters) -> Agreement:
    """Return how typical raters agree on the infants and with the noise of a seed."""
    cases = simulate_cases(seed, subjects=size.subjects)
    return measure_agreement(cases, TYPICAL, seed=seed, pairs=size.pairs)


def _published_file() -> Path:
    return paths.data_dir() / "cohort" / "published_cohort.csv"


def read_printed() -> dict[str, float]:
    """Return the printed Dice: mean, ilium and head."""
    table = tables.read(_published_file(), columns=("group", "quantity", "value"))
    value = table[table.group == "raters"].set_index("quantity").value
    names = {"mean": "dice_mean", "ilium": "dice_ilium", "head": "dice_femoral_head"}
    return {name: float(value[key]) for name, key in names.items()}


def agreement_table(
    printed: dict[str, float], fitted: Agreement, independent: Agreement
) -> pd.DataFrame:
    """Return agreement by structure and overall.

    Parameters
    ----------
    printed : dict
        As `read_printed` returns it.
    fitted : Agreement
        On the infants and with the noise of the fit.
    independent : Agreement
        On others.

    Returns
    -------
    pandas.DataFrame
        Columns of `COLUMNS`; `difference` is independent less published, `frame_count` of the
        independent frames, `interface_band_mm` the thickness of a labelled interface (NaN for
        solid structures).
    """
    wanted = target_dice(**printed)
    rows = []
    for index, label in enumerate(DRAWN):
        name = HipLabel(label).name.lower()
        note = "printed" if label in (HipLabel.ILIUM, HipLabel.FEMORAL_HEAD) else _SHARED
        found = wanted[index], fitted.dice[index], independent.dice[index]
        # A Dice of a thin band says little without the band's thickness.
        band = sum(INTERFACE_BAND_MM[label]) if label in INTERFACE_BAND_MM else np.nan
        counts = independent.frame_count[index], band
        rows.append((name, *found, found[2] - found[0], *counts, note))
    found = printed["mean"], fitted.mean, independent.mean
    frames = int(np.max(independent.frame_count))
    rows.append((OVERALL, *found, found[2] - found[0], frames, np.nan, "printed"))
    return pd.DataFrame(rows, columns=COLUMNS)


def metrics(table: pd.DataFrame) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    table : pandas.DataFrame
        As `agreement_table` returns it.

    Returns
    -------
    dict
    """
    rows = table.set_index("structure")
    names = {OVERALL: "mean", "ilium": "ilium", "femoral_head": "femoral_head"}
    found = {f"dice_{name}": rows.independent_dice[key] for key, name in names.items()}
    found["largest_difference_of_printed"] = rows.difference[list(names)].abs().max()
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
