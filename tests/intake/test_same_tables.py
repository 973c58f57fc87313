"""The simulated cohort, exported and imported as a hospital's: stages write the same tables.

The same stages run on both in study folders of their own. What differs is what nobody exported:
truth, labels made of it, and who operators were. Sizes are tiny; motion is too long for it.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data

from hipus import config, parallel, paths, tables
from hipus.intake.importing import import_cohort
from hipus.intake.listing import read_listing
from hipus.stages import availability, cohort, sweep_volumes

STAGES = (cohort, sweep_volumes, availability)
#: Tables of these stages that need no truth, and what rows are keyed by.
SAME = {
    "cohort_subjects": ["subject_id"],
    "cohort_sweeps": ["subject_id", "sweep_id"],
    "sweep_volumes": ["subject_id", "sweep_id"],
}
#: Columns that tell of truth, of labels made of it, or of people who got other ids.
APART = ("truth_", "operator_id", "grey_mean_labelled", "grey_sd_labelled")


def run(folder, patch, source) -> dict[str, pd.DataFrame]:
    """Run the stages on a cohort's folder; return the tables."""
    folder.mkdir()
    without_real_data(patch, make_study_folder(folder))
    patch.setattr(parallel, "usable_cores", lambda: 1)
    study = config.load("smoke")
    study = replace(study, cohort=replace(study.cohort, source="folder", path=str(source)))
    for stage in STAGES:
        stage.main(study)
    found = sorted(paths.table_file("smoke", "any").parent.glob("*.csv"))
    return {path.stem: tables.read(path) for path in found}


@pytest.fixture
def both(simulated, exported, tmp_path, monkeypatch):
    """Return the tables of the simulated cohort, and of the one that came back."""
    options = {"mapping": tmp_path / "who.csv", "rng": np.random.default_rng(1)}
    imported = import_cohort(read_listing(exported), tmp_path / "imported", **options)
    ours = run(tmp_path / "ours", monkeypatch, simulated.folder)
    return ours, run(tmp_path / "theirs", monkeypatch, imported.folder)


def test_all_that_needs_no_truth_is_the_same(both):
    ours, theirs = both
    for name, key in SAME.items():
        columns = [
            column
            for column in theirs[name]
            if not column.startswith(APART) and not column.endswith("_voxels")
        ]
        left, right = (one[name].sort_values(key)[columns] for one in both)
        assert len(right) >= (1 if name == "cohort_subjects" else 4), name
        pd.testing.assert_frame_equal(left, right, check_dtype=False, rtol=1e-8, obj=name)
    printed = [one["cohort_published"].set_index("quantity") for one in both]
    of_hips = printed[0].index.str.startswith(("hips_", "infants_with_"))
    assert of_hips.sum() == 3
    left, right = (one[~of_hips] for one in printed)
    pd.testing.assert_frame_equal(left, right, check_dtype=False, rtol=1e-6)
    assert printed[1][of_hips].ours.isna().all()


def test_what_needs_truth_is_empty_and_said_to_be_lacking(both):
    ours, theirs = both
    for name in ("cohort_hips", "cohort_step"):
        assert len(ours[name]) > 0
        assert len(theirs[name]) == 0
        assert list(ours[name]) == list(theirs[name])
    left, right = (one["availability"].set_index("stage") for one in both)
    for stage, needs in availability.NEEDS.items():
        if "truth" in needs:
            assert "no truth" in right.status[stage]
            assert "no truth" not in left.status[stage]
        else:
            pd.testing.assert_series_equal(left.loc[stage], right.loc[stage])
