"""A tiny simulated cohort, exported as a hospital would have it."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from study_folders import TINY_COHORT, make_study_folder, without_real_data

from hipus import config, parallel
from hipus.formats import metafile
from hipus.formats.cohort_layout import Cohort, find_sweep, read_cohort, session_file
from hipus.phantom.cohort.plan import plan_cohort
from hipus.phantom.cohort.settings import CohortSettings
from hipus.phantom.cohort.simulate import simulate_cohort

_KEPT = ("sex", "age_days", "split", "cohort", "centre", "is_labelled_2d", "is_labelled_3d")


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Cohort:
    """Simulate one infant with all six sweeps, in tiny frames."""
    folder = make_study_folder(tmp_path_factory.mktemp("simulated"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        study = config.load("smoke")
        lists = {name: tuple(v) for name, v in TINY_COHORT.items() if isinstance(v, list)}
        sizes = replace(study.cohort, **TINY_COHORT | lists)
        plan = plan_cohort(CohortSettings.from_config(sizes), study.common.seed)
        simulate_cohort(plan, folder / "made")
    return read_cohort(folder / "made")


@pytest.fixture
def exported(simulated, tmp_path) -> Path:
    """Return a hospital's list of the simulated sweeps, files full of names and dates."""
    rows = [
        _exported_row(simulated, row, tmp_path / "export") for row in simulated.sweeps.itertuples()
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "export" / "list.csv", index=False)
    return tmp_path / "export" / "list.csv"


def _exported_row(cohort: Cohort, row, folder: Path) -> dict:
    """Write one sweep under a patient's name; return its row of the list."""
    found = metafile.read(find_sweep(cohort.folder, row.subject_id, row.sweep_id))
    named = {"PatientName": "Meier^Anna", "AcquisitionDate": "20210304"}
    path = folder / "Meier_Anna" / f"Meier_20210304_{row.order}.igs.mha"
    path.parent.mkdir(parents=True, exist_ok=True)
    metafile.write(path, replace(found, fields=found.fields | named))
    known = json.loads(session_file(cohort.folder, row.subject_id, row.session_id).read_text())
    subject = cohort.subjects.set_index("subject_id").loc[row.subject_id]
    return {
        "file": path.relative_to(folder).as_posix(),
        "patient": "Meier, Anna, 4711471",
        "side": row.side,
        "sweep_type": row.sweep_type,
        "session": row.session_id,
        "order": row.order,
        "operator": f"Nurse {row.operator_id}",
        "date": "2021-03-04",
        "lag_s": repr(known["lag_s"]),
        "poses_are_lag_corrected": int(known["poses_are_lag_corrected"]),
    } | {name: subject[name] for name in _KEPT}
