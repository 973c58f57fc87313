"""Stage `sweep_volumes` on a made cohort: which sweeps, what is written, what is told."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_motion_cohort import COUNT, SHAPE, write_motion_cohort
from study_folders import without_real_data

from hipus import images, parallel, paths, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.formats.mask_files import read_mask
from hipus.labels import HipLabel
from hipus.segmentation.sweep_volumes import truth_masks_file
from hipus.stages import motion_data, sweep_volumes

HALF_PX = SHAPE[1] // 2
LABELLED, UNLABELLED = "S001", "S002"


def write_truth(home, subject: str) -> None:
    """Write truth masks: ilium on the left half of every frame, a labrum row, and a head."""
    masks = np.zeros((COUNT, *SHAPE), np.uint8)
    masks[:, :, :HALF_PX] = HipLabel.ILIUM
    masks[:, 0] = HipLabel.LABRUM
    masks[4:8, 20:30, 30:40] = HipLabel.FEMORAL_HEAD
    cohort = motion_data.cohort_of(SimpleNamespace(profile="smoke"))
    for name in ("left_p_a", "right_p_d"):
        sweep = replace(cohort.sweep(subject, name), frames=masks)
        metafile.write(truth_masks_file(home, subject, name), metafile.from_sweep(sweep))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Write a cohort with labelled subjects, run the stage; return its inputs and its study."""
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, tmp_path_factory.mktemp("sweep_volumes"))
        patch.setattr(parallel, "usable_cores", lambda: 1)
        home = write_motion_cohort()
        subjects = pd.read_csv(home / "subjects.csv", dtype={"subject_id": str})
        subjects["is_labelled_3d"] = (subjects.subject_id == LABELLED).astype(int)
        subjects.to_csv(home / "subjects.csv", index=False)
        (home / "cohort.json").write_text('{"origin": "simulated"}')
        write_truth(home, LABELLED)
        write_truth(home, "S101")
        sizes = SimpleNamespace(spacing_mm=1.5, widest_gap_mm=2.0)
        study = SimpleNamespace(profile="smoke", sweep_volumes=sizes)
        yield SimpleNamespace(study=study, home=home, inputs=list(sweep_volumes.main(study)))


@pytest.fixture(scope="module")
def table(made) -> pd.DataFrame:
    """Return the stage's table."""
    path = paths.table_file("smoke", "sweep_volumes")
    return tables.read(path, dtype=dict.fromkeys(SWEEP_KEY, str)).set_index(SWEEP_KEY)


def volume(made, kind, *key) -> np.ndarray:
    """Return a written volume."""
    return images.read(kind(sweep_volumes.volumes_dir("smoke"), *key)).array


class TestWhichSweeps:
    def test_subjects_with_labels_and_the_test_cohort(self, table):
        assert sorted(set(table.index.get_level_values(0))) == [LABELLED, "S101", "S102"]
        assert list(table.columns) == sweep_volumes.COLUMNS[2:]
        assert table.loc["S101", "cohort"].unique().tolist() == ["test"]

    def test_a_hospital_that_does_not_say_gets_all_its_sweeps(self, made, monkeypatch):
        rows = motion_data.sweep_rows(made.study).drop(columns="is_labelled_3d")
        monkeypatch.setattr(motion_data, "sweep_rows", lambda *_, **__: rows)
        assert len(sweep_volumes.cases_of(made.study)) == len(rows) == 14
        assert np.isnan(sweep_volumes.cases_of(made.study)[0].trim_start)

    def test_the_inputs_are_the_cohorts_tables(self, made):
        assert [path.name for path in made.inputs] == ["subjects.csv", "sweeps.csv"]
        assert all(path.is_file() for path in made.inputs)


class TestVolumes:
    @pytest.mark.parametrize("name", ["left_p_a", "right_p_d"])
    def test_grey_values_and_truth_lie_on_one_grid(self, made, name):
        folder = sweep_volumes.volumes_dir("smoke")
        grey = images.read(sweep_volumes.grey_file(folder, LABELLED, name))
        truth = read_mask(sweep_volumes.truth_file(folder, LABELLED, name))
        assert (truth.scheme, truth.made_by, truth.origin) == ("hip", "truth", "simulated")
        assert truth.of == f"{LABELLED}/{name}"
        assert grey.array.dtype == np.uint8
        assert grey.array.shape == truth.array.shape
        assert grey.spacing_zyx_mm == pytest.approx((1.5, 1.5, 1.5))
        assert grey.origin_xyz_mm == pytest.approx(truth.origin_xyz_mm)
        assert set(np.unique(truth.array)) == {0, HipLabel.ILIUM, HipLabel.FEMORAL_HEAD}

    def test_truth_lies_on_its_side_of_the_picture(self, made):
        found = volume(made, sweep_volumes.truth_file, LABELLED, "left_p_a")
        columns = [np.nonzero(found == label)[2].mean() for label in (1, 2)]
        assert columns[0] < found.shape[2] / 2 < columns[1]

    def test_without_truth_there_is_a_volume_and_no_mask(self, made, table):
        folder = sweep_volumes.volumes_dir("smoke")
        assert sweep_volumes.grey_file(folder, "S102", "left_p_a").is_file()
        assert not sweep_volumes.truth_file(folder, "S102", "left_p_a").exists()
        row = table.loc["S102", "left_p_a"]
        assert np.isnan([row.ilium_voxels, row.grey_mean_labelled]).all()
        assert np.isfinite([row.grey_mean_all, row.grey_sd_known, row.known_share]).all()


class TestTable:
    def test_it_tells_what_was_written(self, made, table):
        row = table.loc[LABELLED, "right_p_d"]
        grey = volume(made, sweep_volumes.grey_file, LABELLED, "right_p_d")
        truth = volume(made, sweep_volumes.truth_file, LABELLED, "right_p_d")
        assert (row.size_z, row.size_y, row.size_x) == grey.shape
        assert (row.frame_count, row.first_frame, row.is_flipped) == (COUNT, 0, 0)
        counts = [row[f"{name}_voxels"] for name in ("ilium", "femoral_head", "femoral_cortex")]
        assert counts == [np.count_nonzero(truth == label) for label in (1, 2, 4)]
        assert row.grey_mean_all == pytest.approx(grey.mean())
        assert row.grey_sd_labelled == pytest.approx(grey[truth > 0].std())
        # What is unknown is black, and little is.
        assert row.grey_mean_known == pytest.approx(grey.sum() / (row.known_share * grey.size))
        assert 0.8 < row.known_share <= 1

    def test_metrics_count_volumes_without_a_structure(self, made, table):
        metrics = tables.read_metrics(paths.metrics_file("smoke", "sweep_volumes"))
        assert (metrics["volume_count"], metrics["subject_count"]) == (6, 3)
        assert metrics["without_femoral_cortex_count"] == 4
        assert metrics["without_ilium_count"] == 0
        assert metrics["grey_mean_known"] == pytest.approx(table.grey_mean_known.mean())
        assert metrics["size_z_median_voxels"] == table.size_z.median()
