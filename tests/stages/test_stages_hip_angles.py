"""Stage `hip_angles` on made tables: what is written, what is skipped, and the headline."""

import logging
from types import SimpleNamespace

import made_hip_tables as made
import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data

from hipus import paths, tables
from hipus.formats.cohort_layout import SUBJECTS, TRUTH
from hipus.stages import hip_angles, motion_data, runner
from hipus.stages.hip_cells import MEASURES

STUDY = SimpleNamespace(
    profile="smoke",
    common=SimpleNamespace(seed=5),
    hip_angles=SimpleNamespace(resamples=20),
)


def inputs(**options) -> dict[str, pd.DataFrame]:
    """Return the tables that the stage reads; all but two measures are refused, for speed."""
    found = made.measures(**options)
    rare = [name for name in MEASURES if name not in ("alpha_deg", "head_radius_mm")]
    return {
        "hip_measures": found.assign(**dict.fromkeys(rare, np.nan)),
        "hip_frames": made.frames(**options),
        "cohort_sweeps": made.moved_table(),
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Write the inputs, run the stage; return its inputs."""
    folder = make_study_folder(tmp_path_factory.mktemp("hip_angles"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        home = paths.results_dir("smoke") / "cohort"
        patch.setattr(motion_data, "cohort_of", lambda _: SimpleNamespace(folder=home))
        for name, table in inputs().items():
            tables.write(table, paths.table_file("smoke", name), key=[])
        true = made.hips()
        tables.write(true, home / TRUTH / "hips.csv", key=["subject_id", "side"])
        ages = true.drop_duplicates("subject_id")[["subject_id"]].assign(age_days=30)
        tables.write(ages, home / SUBJECTS, key=["subject_id"])
        yield list(hip_angles.main(STUDY))


def table(name: str) -> pd.DataFrame:
    """Return a table that the stage wrote."""
    return tables.read(paths.table_file("smoke", name), dtype={"subject_id": str})


class TestTables:
    def test_every_table_has_its_columns_its_key_and_rows(self, run):
        assert hip_angles.COLUMNS.keys() == hip_angles.KEYS.keys()
        for name, columns in hip_angles.COLUMNS.items():
            found = table(name)
            assert list(found) == columns, name
            assert not found.duplicated(hip_angles.KEYS[name]).any(), name
            assert len(found), name

    def test_inputs_are_files_that_are_there(self, run):
        names = {path.name for path in run}
        assert names == {"hip_measures.csv", "hip_frames.csv", "cohort_sweeps.csv",
                         "subjects.csv", "hips.csv"}  # fmt: skip
        assert all(path.is_file() for path in run)

    def test_errors_are_of_test_sweeps_after_the_offset_of_calibration_sweeps(self, run):
        errors = table("hip_errors")
        assert set(errors.role) == {"test"}
        scales = table("hip_interval_scales").set_index(["sweep_type", "poses", "masks", "measure"])
        cell = ("p_a", "predicted", "model", "alpha_deg")
        rows = errors.set_index(scales.index.names).sort_index().loc[[cell]]
        assert np.allclose(rows.calibrated - rows.value, scales.loc[cell, "shift"])
        assert np.allclose(rows.upper - rows.calibrated, scales.loc[cell, "upper_scale"])
        assert scales.loc[cell, "row_count"] == 20
        # Values are made about 3 deg too large: the offset takes that back.
        assert rows.error.abs().median() < (rows.value - rows.truth).abs().median()

    def test_refused_measures_are_rows_of_errors_and_of_the_summary(self, run):
        summary = table("hip_error_summary")
        refused = summary[summary.measure == "alpha_anterior_deg"]
        assert len(refused)
        assert (refused.refused_share == 1).all()
        assert table("hip_errors").groupby("measure").size().nunique() == 2

    def test_bend_by_drift_is_found_again(self, run):
        model = table("hip_drift_model").set_index(["masks", "poses", "name"])
        # As made: 3 deg per mm of shape, nothing of drift at the end.
        row = model.loc["model", "rounded", "head_shape_mm"]
        assert row.low < 3.0 < row.high
        assert row.low > 0


class TestMetrics:
    def test_the_headline_repeats_the_tables(self, run):
        found = tables.read_metrics(paths.metrics_file("smoke", "hip_angles"))
        summary = table("hip_error_summary").set_index(
            ["group", "sweep_type", "poses", "masks", "measure"]
        )
        row = summary.loc["ordinary", "p_d", "rounded", "model", "alpha_deg"]
        name = "alpha_p_d_rounded_median_absolute_error_deg"
        assert found[name] == pytest.approx(row.median_absolute_error)
        coverage = table("hip_interval_coverage")
        assert found["interval_count"] == coverage.row_count.sum()
        assert found["interval_coverage_share"] == pytest.approx(
            np.average(coverage.share, weights=coverage.row_count)
        )

    def test_without_intervals_no_coverage_is_told(self):
        empty = {
            name: pd.DataFrame(columns=columns) for name, columns in hip_angles.COLUMNS.items()
        }
        assert hip_angles.make_metrics(empty) == {}


class TestLittleIsThere:
    def make(self, read) -> dict[str, pd.DataFrame]:
        ages = made.hips().drop_duplicates("subject_id").set_index("subject_id").alpha_deg * 0 + 30
        return hip_angles.make_tables(STUDY, read, hips=made.hips(), ages_days=ages)

    def test_calibration_sweeps_alone_leave_scales_and_otherwise_empty_tables(self):
        read = inputs(masks=("model",))
        for name in ("hip_measures", "hip_frames"):
            read[name] = read[name][read[name].role == "calibration"]
        content = self.make(read)
        filled = {name for name, found in content.items() if len(found)}
        assert filled == {"hip_interval_scales"}
        for name, found in content.items():
            assert list(found) == hip_angles.COLUMNS[name], name

    def test_too_few_calibration_sweeps_are_said_and_leave_no_interval(self, caplog):
        read = inputs(masks=("model",), calibration=5)
        for name in ("hip_measures", "hip_frames"):
            read[name] = read[name][~read[name].subject_id.isin(["S102", "S103", "S502"])]
        content = self.make(read)
        assert "no interval of p_a predicted model alpha_deg: 5 calibration rows" in caplog.text
        assert content["hip_interval_scales"].empty
        assert content["hip_interval_coverage"].empty
        assert content["hip_errors"].lower.isna().all()
        assert len(content["hip_error_summary"])


def test_where_nothing_was_measured_the_stage_is_skipped_loudly(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    without_real_data(monkeypatch, make_study_folder(tmp_path))
    runner.write_empty(STUDY, {name: list(found) for name, found in inputs().items()})
    assert list(hip_angles.main(STUDY)) == []
    assert "hip_angles SKIPPED: no hip was measured beside its truth" in caplog.text
    for name, columns in hip_angles.COLUMNS.items():
        assert list(table(name)) == columns
        assert table(name).empty
    assert tables.read_metrics(paths.metrics_file("smoke", "hip_angles")) == {}
