"""The stages on the PLUS toolkit's public recordings, at the size of the smoke profile.

The bounds are those that the study promises; see docs/conventions.md for the terms.
"""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder

from hipus import images, paths, tables
from hipus.formats import real_data
from hipus.stages import calibration, calibration_time, reconstruction, runner
from hipus.stages import figures as figures_stage

pytestmark = pytest.mark.real
#: Figures of these questions that show the simulated cohort.
SIMULATED = ("02_simulated", *(name for name in figures_stage.FIGURES if "04_pred" in name))
SIMULATED += ("04_refinement",)


@pytest.fixture(scope="module")
def _made(tmp_path_factory):
    """Run both stages and their figures once, in a study folder of their own."""
    names = (calibration.CALIBRATION, calibration.VALIDATION, calibration_time.VIDEO)
    if any(real_data.local_path(name) is None for name in names):
        yield None
        return
    folder = make_study_folder(tmp_path_factory.mktemp("study"))
    drawn = {
        name: (draw, needed, arrays)
        for name, (draw, needed, arrays) in figures_stage.FIGURES.items()
        if name.startswith(("02", "04")) and name not in SIMULATED
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIPUS_ROOT", str(folder))
        patch.setattr(sys, "argv", ["stage", "smoke"])
        patch.setattr(figures_stage, "FIGURES", drawn)
        for stage in (calibration, reconstruction, figures_stage):
            runner.run(stage.STAGE, stage.main)
        yield folder


@pytest.fixture
def made(real_file, _made):
    """Return the study folder, skipping as every test on real data does."""
    for name in (calibration.CALIBRATION, calibration.VALIDATION, calibration_time.VIDEO):
        real_file(name)
    return _made


def table(name: str) -> pd.DataFrame:
    """Return a table of the run."""
    return tables.read(paths.table_file("smoke", name))


class TestBothStages:
    def test_nothing_is_missing(self, made):
        for stage in ("calibration", "reconstruction"):
            assert len(table(f"{stage}_missing")) == 0

    def test_skip_form_has_columns_of_the_full_form(self, made):
        for name, columns in (calibration._COLUMNS | reconstruction._COLUMNS).items():
            assert set(columns) <= set(table(name).columns), name

    def test_provenance_lists_every_file_by_its_registered_hash(self, made):
        registry = real_data.registry()
        registered = dict(
            zip(registry["file"].str.rpartition("/")[2], registry["sha256"], strict=True)
        )
        for stage in ("calibration", "reconstruction"):
            record = json.loads(paths.provenance_file("smoke", stage).read_text())
            assert len(record["inputs"]) >= 5
            for name, entry in record["inputs"].items():
                assert entry["sha256"] == registered[name], name

    def test_every_figure_is_drawn(self, made):
        drawn = {path.name for path in paths.figures_dir("smoke").glob("*.pdf")}
        names = [name for name in figures_stage.FIGURES if name.startswith(("02", "04"))]
        names = [name for name in names if name not in SIMULATED]
        assert drawn == {f"{name}.pdf" for name in names}


class TestCalibration:
    def test_wires_are_found_in_every_frame_that_is_looked_at(self, made):
        found = table("wire_finding")
        assert found["is_found"].all()
        # Every 6th of 190 and every 4th of 103 frames.
        assert found.groupby("sweep").size().to_dict() == {"calibration": 32, "validation": 26}
        assert found["distance_to_plus_px_mean"].median() < 1

    def test_toolkit_s_listed_points_give_its_printed_error(self, made):
        rows = table("spatial_calibration").set_index("solution")
        listed = rows.loc["classic, from PLUS's points"]
        assert listed["validation_error_mm_mean"] == pytest.approx(0.5399, abs=5e-4)
        printed = rows.loc["PLUS's own matrix"]
        assert printed["calibration_error_mm_mean"] == pytest.approx(0.4791, abs=5e-4)
        assert printed["origin_from_plus_mm"] == 0

    def test_classic_is_near_the_toolkit_s_even_from_few_frames(self, made):
        row = table("spatial_calibration").set_index("solution").loc["classic"]
        # The bounds on all frames are 0.58 mm, 0.1 mm and 0.05 deg; smoke uses a sixth.
        assert row["validation_error_mm_mean"] <= 0.6
        assert row["centre_from_plus_mm"] < 0.3
        assert row["angle_from_plus_deg"] < 0.3

    def test_errors_of_the_table_average_to_those_of_the_summary(self, made):
        errors = table("spatial_errors")
        rows = table("spatial_calibration").set_index("solution")
        for (solution, sweep), part in errors.groupby(["solution", "sweep"]):
            summary = rows.loc[solution, f"{sweep}_error_mm_mean_all"]
            assert part["error_mm"].mean() == pytest.approx(summary, rel=1e-6)

    def test_lag_has_the_toolkit_s_sign_and_size(self, made):
        rows = table("temporal_calibration").set_index("solution")
        assert rows.loc["ours", "lag_s"] == pytest.approx(-0.0648, abs=0.002)
        assert rows.loc["ours", "second_lag_s"] == pytest.approx(0.448, abs=0.01)
        assert rows.loc["PLUS", "lag_s"] == pytest.approx(-0.0648266)

    def test_moved_stamps_move_the_lag_by_as_much(self, made):
        rows = table("joint_calibration").set_index("recording")
        moved = rows.loc["stamps moved", "lag_s"] - rows.loc["as recorded", "lag_s"]
        assert moved == pytest.approx(calibration_time.KNOWN_LAG_S, abs=0.01)
        row = rows.loc["stamps moved"]
        assert row["equivalent_low_s"] <= row["lag_s"] <= row["equivalent_high_s"]

    def test_metrics_say_what_the_tables_say(self, made):
        found = tables.read_metrics(paths.metrics_file("smoke", "calibration"))
        lags = table("temporal_calibration").set_index("solution")["lag_s"]
        assert found["lag_s"] == pytest.approx(lags["ours"])
        assert found["lag_from_plus_s"] == pytest.approx(lags["ours"] - lags["PLUS"])
        assert found["frames_found"] == found["frames_total"] == 58
        joint = table("joint_calibration").set_index("recording")
        width = joint.loc["stamps moved", "equivalent_high_s"]
        width -= joint.loc["stamps moved", "equivalent_low_s"]
        assert found["joint_lag_width_s"] == pytest.approx(width)


class TestReconstruction:
    def test_every_reference_volume_is_reached(self, made):
        rows = table("reconstruction_agreement")
        assert len(rows) == 6
        assert rows["is_geometry_equal"].all()
        assert rows["holds"].all()
        reached = [row[row["measure"]] >= row["bound"] for _, row in rows.iterrows()]
        assert reached == rows["holds"].tolist()

    def test_a_frame_is_predicted_better_by_the_volume_than_by_posed_neighbours(self, made):
        errors = table("reslice_errors")
        assert len(errors) == 3
        assert (errors["volume_absolute_error"] < errors["left_out_absolute_error"]).all()
        mean = errors.mean()
        assert mean["left_out_absolute_error"] < mean["posed_neighbours_absolute_error"]

    def test_metrics_are_means_of_the_tables(self, made):
        found = tables.read_metrics(paths.metrics_file("smoke", "reconstruction"))
        errors = table("reslice_errors")
        assert found["references_that_hold"] == found["references_total"] == 6
        for name in ("volume", "left_out", "posed_neighbours", "copied_neighbours"):
            assert found[f"{name}_mean_absolute_error_grey_levels"] == pytest.approx(
                errors[f"{name}_absolute_error"].mean(), rel=1e-6
            )

    def test_volume_that_notebook_04_shows_is_there(self, made):
        folder = paths.results_dir("smoke") / "volumes"
        assert [path.name for path in folder.iterdir()] == ["spine_linear_mean.mha"]
        volume = images.read(folder / "spine_linear_mean.mha")
        assert volume.spacing_zyx_mm == pytest.approx((0.5, 0.5, 0.5))

    def test_figure_input_holds_one_pair_of_slices_for_every_reference(self, made):
        with np.load(paths.figure_input_file("smoke", "reconstruction")) as stored:
            names = {str(stored[key]) for key in stored if key.startswith("name_")}
            assert names == set(table("reconstruction_agreement")["reference"])
            for number in range(len(names)):
                assert stored[f"ours_{number}"].shape == stored[f"theirs_{number}"].shape
            assert stored["resliced_frame"].dtype == np.uint8
