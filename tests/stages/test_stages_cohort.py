"""Stage `cohort` on a tiny cohort: tables, views, resuming after a kill, a hospital's folder."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study_folders import TINY_COHORT, make_study_folder, without_real_data

from hipus import config, parallel, paths, tables
from hipus.formats.cohort_layout import read_cohort
from hipus.phantom.cohort import outputs, simulate
from hipus.phantom.cohort.plan import plan_cohort
from hipus.phantom.cohort.settings import CohortSettings
from hipus.phantom.ultrasound.settings import ProbeSettings
from hipus.stages import cohort, cohort_published, cohort_tables, motion_data

TABLES = {
    "cohort_subjects": ["subject_id"],
    "cohort_hips": ["subject_id", "side"],
    "cohort_sweeps": ["subject_id", "sweep_id"],
    "cohort_published": ["quantity"],
    "cohort_step": ["sweep_type", "side"],
}


def tiny_study() -> config.Study:
    """Return the smoke profile with one infant in tiny frames."""
    study = config.load("smoke")
    lists = {name: tuple(v) for name, v in TINY_COHORT.items() if isinstance(v, list)}
    return replace(study, cohort=replace(study.cohort, **TINY_COHORT | lists))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run the stage once in a study folder of its own; return that folder."""
    folder = make_study_folder(tmp_path_factory.mktemp("cohort"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        patch.setattr(parallel, "usable_cores", lambda: 1)
        cohort.main(tiny_study())
        yield folder


def table(name: str) -> pd.DataFrame:
    """Return a table of the smoke profile."""
    return tables.read(paths.table_file("smoke", name), columns=TABLES[name])


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class TestTables:
    def test_every_row_has_its_key_once(self, ran):
        for name, key in TABLES.items():
            assert not table(name).duplicated(key).any(), name
            assert len(table(name)), name

    def test_hips_hold_the_plan_and_what_was_constructed(self, ran):
        hips = table("cohort_hips")
        assert list(hips.side) == ["left", "right"]
        assert list(hips.columns) == cohort_tables.COLUMNS["cohort_hips"]
        # A mirrored hip: the outer edge of the roof lies lateral of the head on both sides.
        assert hips.lower_limb_x_mm[0] * hips.lower_limb_x_mm[1] < 0
        assert hips.alpha_deg.between(50, 90).all()

    def test_truth_stands_in_columns_of_its_own(self, ran):
        sweeps = table("cohort_sweeps")
        named = {name for name in sweeps if name.startswith("truth_")}
        assert named == {f"truth_{name}" for name in cohort_tables.COLUMNS["cohort_truth"]}
        moving = sweeps[sweeps.sweep_type != "graf"]
        assert (moving.path_mm / moving.truth_path_length_mm).between(0.8, 1.2).all()

    def test_steps_are_those_of_the_true_poses(self, ran):
        """Recomputed from the file by hand: along the normal of the earlier picture."""
        truth = np.load(paths.results_dir("smoke") / "cohort" / "truth/S001/left_p_d.npz")
        T = truth["T_image_to_hip"][slice(*truth["informative"])]
        at_focus = T @ [0.0, 20.0, 0.0, 1.0]
        along = np.abs(np.einsum("ni,ni->n", np.diff(at_focus[:, :3], axis=0), T[:-1, :3, 2]))
        rows = table("cohort_step").set_index(["sweep_type", "side"])
        width = ProbeSettings().elevational_fwhm_mm
        found = rows.loc[("p_d", "left")]
        assert found.step_per_length_p50 == pytest.approx(np.median(along) / width, rel=1e-6)
        assert found.step_mm_median == pytest.approx(np.median(along), rel=1e-6)
        assert found.sweep_count == 1
        assert found.step_count == len(along)

    def test_p_d_steps_further_than_p_a(self, ran):
        rows = table("cohort_step").set_index(["sweep_type", "side"]).step_per_length_p50
        assert rows["p_d", "left"] > rows["p_a", "left"]

    def test_metrics_count_the_tables(self, ran):
        found = tables.read_metrics(paths.metrics_file("smoke", "cohort"))
        assert found["sweeps_total"] == len(table("cohort_sweeps")) == 6
        assert found["frames_total"] == table("cohort_sweeps").frame_count.sum()
        assert found["origin"] == "simulated"


class TestPublished:
    def test_printed_numbers_stand_beside_ours(self, ran):
        rows = table("cohort_published").set_index("quantity")
        printed = rows.published
        assert [printed[name] for name in ("infants", "female", "male")] == [50, 16, 34]
        assert [printed[f"hips_{kind}"] for kind in ("Ib", "IIa")] == [87, 13]
        assert [printed[f"p_{kind}_duration_kept"] for kind in "ad"] == [7.5, 5.3]
        assert printed["sweeps_rejected"] == 11
        assert np.isnan(printed["p_a_path_mean"])
        assert rows.ours["infants"] == 1
        assert rows.ours["volumes_train"] == rows.ours["sweeps_tracked_train"]

    def test_means_by_hand(self):
        subjects = pd.DataFrame(
            {
                "subject_id": ["A", "B", "C"],
                "cohort": ["study", "study", "test"],
                "split": ["train", "test", "test"],
                "sex": ["f", "m", "m"],
                "age_days": [1, 3, 9],
                "is_labelled_2d": 0,
                "is_labelled_3d": 0,
            }
        )
        sweeps = pd.DataFrame(
            {
                "subject_id": ["A", "B", "C"],
                "sweep_type": "p_a",
                "frame_count": [60, 80, 999],
                "duration_s": [6.0, 10.0, 99.0],
                "path_mm": [20.0, 40.0, 99.0],
                "is_usable": [1, 0, 1],
                "trim_start": [0, 20, 0],
                "trim_stop": [30, 80, 999],
            }
        )
        hips = pd.DataFrame({"subject_id": ["A", "A", "C"], "graf_type": ["IIa", "Ib", "IIa"]})
        found = cohort_published.published_table(subjects, sweeps, hips)
        ours = found.set_index("quantity").ours
        assert [ours[name] for name in ("infants", "female", "age_mean", "age_max")] == [2, 1, 2, 3]
        assert ours["age_sd"] == pytest.approx(np.sqrt(2))
        assert [ours["hips_Ib"], ours["hips_IIa"], ours["infants_with_IIa"]] == [1, 1, 1]
        assert ours["p_a_frames"] == 70
        assert ours["p_a_frames_kept"] == 45
        assert ours["p_a_duration_kept"] == pytest.approx((3.0 + 7.5) / 2)
        assert ours["p_a_path_mean"] == 30
        assert [ours["sweeps_recorded"], ours["sweeps_rejected"]] == [2, 1]


class TestViews:
    @pytest.fixture
    def views(self, ran):
        with np.load(paths.figure_input_file("smoke", "cohort")) as stored:
            return dict(stored)

    def test_frames_come_with_masks_of_the_same_frames(self, views):
        for name, count in (("graf", 1), ("p_a", 5), ("p_d", 5)):
            assert views[f"{name}_frames"].shape == (count, 40, 48)
            assert views[f"{name}_masks"].shape == (count, 40, 48)
            assert views[f"{name}_masks"].max() <= 5
            assert (np.diff(views[f"{name}_index"]) > 0).all()

    def test_anatomy_is_cut_around_the_head(self, views):
        labels, spacing = views["label_volume"], views["label_spacing_mm"]
        assert labels.shape == (40, 40, 40) or max(labels.shape) <= 41
        head = np.argwhere(labels == 2)[:, ::-1].mean(axis=0) * spacing[::-1]
        centre = head + views["label_origin_xyz_mm"]
        assert np.abs(centre).max() < 1.5

    def test_reported_courses_follow_the_true_ones(self, views):
        for name in ("p_a", "p_d"):
            off_mm = np.linalg.norm(views[f"{name}_reported_mm"] - views[f"{name}_true_mm"], axis=1)
            assert 0 < np.nanmax(off_mm) < 5

    def test_trimming_is_shown_with_its_truth(self, views):
        assert len(views["trim_pace_mm_s"]) == len(views["trim_time_s"]) - 1
        assert np.abs(views["trim_found"] - views["trim_true"]).max() <= 4


class TestPlacing:
    def test_results_share_their_bytes_with_the_scratch(self, ran):
        (scratch,) = (paths.work_dir("smoke") / "cohort").iterdir()
        target = paths.results_dir("smoke") / "cohort"
        made, placed = contents(scratch), contents(target)
        volumes = {name for name in placed if str(name).endswith("_insonified.mha")}
        assert len(volumes) == 4  # p_a and p_d of the one infant with 3D labels
        assert made == {name: what for name, what in placed.items() if name not in volumes}
        assert os.path.samefile(scratch / "sweeps.csv", target / "sweeps.csv")

    def test_what_was_there_is_replaced_and_parts_are_left_out(self, tmp_path):
        source, target = tmp_path / "made", tmp_path / "results" / "cohort"
        for path in (source / "S001" / "a.mha", source / ".part-S001-b-1" / "half", target / "old"):
            path.parent.mkdir(parents=True)
            path.write_text(path.name)
        cohort.place(source, target)
        assert contents(target) == {"S001/a.mha": b"a.mha"}
        assert sorted(path.name for path in target.parent.iterdir()) == ["cohort"]

    def test_where_links_cannot_be_files_are_copied(self, tmp_path, monkeypatch):
        def refuse(*_):
            raise OSError(18, "Invalid cross-device link")

        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "a").write_text("a")
        monkeypatch.setattr(cohort.os, "link", refuse)
        cohort.place(tmp_path / "made", tmp_path / "there")
        assert contents(tmp_path / "there") == {"a": b"a"}
        assert not os.path.samefile(tmp_path / "made" / "a", tmp_path / "there" / "a")

    def test_other_sizes_or_seeds_have_another_scratch(self):
        settings = CohortSettings.from_config(tiny_study().cohort)
        keys = {
            cohort.plan_key(plan_cohort(one, seed))
            for one in (settings, replace(settings, frame_rows=48))
            for seed in (1, 2)
        }
        assert len(keys) == 4
        assert cohort.plan_key(plan_cohort(settings, 1)) in keys


class TestRunningAgain:
    def test_a_second_run_makes_nothing_and_changes_no_byte(self, ran, monkeypatch):
        def fail(*_, **__):
            raise AssertionError("nothing was to be simulated")

        before = contents(paths.results_dir("smoke"))
        monkeypatch.setattr(simulate, "_simulate_sweep", fail)
        shutil.rmtree(paths.results_dir("smoke") / "cohort")  # as DVC does before a rerun
        cohort.main(tiny_study())
        assert contents(paths.results_dir("smoke")) == before

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    def test_a_run_killed_within_a_sweep_goes_on_where_it_was(self, ran, tmp_path, monkeypatch):
        expected = contents(paths.results_dir("smoke") / "cohort")
        without_real_data(monkeypatch, make_study_folder(tmp_path))
        child = os.fork()
        if child == 0:
            _run_until_killed()
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        (scratch,) = (paths.work_dir("smoke") / "cohort").iterdir()
        assert len(list(scratch.glob(".part-*"))) == 1
        assert not (paths.results_dir("smoke") / "cohort").exists()
        first = {path: path.stat().st_mtime_ns for path in scratch.glob("S001/*.mha")}
        assert len(first) == 2
        cohort.main(tiny_study())
        assert contents(paths.results_dir("smoke") / "cohort") == expected
        assert {path: path.stat().st_mtime_ns for path in first} == first

    def test_scratch_of_other_settings_is_removed(self, ran, monkeypatch):
        stale = paths.work_dir("smoke") / "cohort" / "0123456789abcdef"
        stale.mkdir()
        monkeypatch.setattr(simulate, "_simulate_sweep", None)
        cohort.main(tiny_study())
        assert not stale.exists()


def _run_until_killed() -> None:
    """Run the stage in this (forked) process and die by SIGKILL within the third sweep."""
    write, done = outputs.write_truth, []

    def write_or_die(*args):
        done.append(args)
        if len(done) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        write(*args)

    outputs.write_truth = write_or_die
    try:
        cohort.main(tiny_study())
    finally:
        os._exit(1)


class TestFrozen:
    def test_another_fingerprint_simulates_nothing(self, study):
        other = replace(study, common=replace(study.common, simulation_sha256=64 * "0"))
        with pytest.raises(ValueError, match="rerun every profile"):
            cohort.main(other)
        assert not paths.work_dir("smoke").exists()


class TestHospitalFolder:
    @pytest.fixture
    def hospital(self, ran, tmp_path, monkeypatch):
        """Return a study whose cohort is a folder with the least that a hospital must state."""
        source = paths.results_dir("smoke") / "cohort"
        without_real_data(monkeypatch, make_study_folder(tmp_path))
        folder = tmp_path / "ours"
        (folder / "S001").mkdir(parents=True)
        for name in ("left_p_a.igs.mha", "session_1.json"):
            shutil.copy(source / "S001" / name, folder / "S001")
        kept = ["subject_id", "sweep_id", "session_id", "side", "sweep_type"]
        sweeps = tables.read(source / "sweeps.csv")
        sweeps = sweeps[sweeps.sweep_id == "left_p_a"][kept]
        tables.write(sweeps, folder / "sweeps.csv", key=["subject_id", "sweep_id"])
        subjects = pd.DataFrame({"subject_id": ["S001"]})
        tables.write(subjects, folder / "subjects.csv", key=["subject_id"])
        study = config.load("smoke")
        return replace(study, cohort=replace(study.cohort, source="folder", path="ours"))

    def test_it_is_taken_measured_and_has_no_truth(self, ran, hospital):
        expected = table_of(ran, "cohort_sweeps").set_index("sweep_id").loc["left_p_a"]
        inputs = cohort.main(hospital)
        sweeps = table("cohort_sweeps")
        assert len(sweeps) == 1
        for name in ("frame_count", "path_mm", "trim_start", "trim_stop", "is_usable"):
            assert sweeps[name][0] == expected[name], name
        assert not [name for name in sweeps if name.startswith("truth_")]
        for name in ("cohort_hips", "cohort_step"):
            assert len(table(name)) == 0
            assert list(table(name)) == cohort_tables.COLUMNS[name]
        assert read_cohort(paths.results_dir("smoke") / "cohort").origin == "recorded"
        assert {path.name for path in inputs} >= {"left_p_a.igs.mha", "session_1.json"}
        assert not paths.work_dir("smoke").exists()

    def test_printed_numbers_stand_without_ours_where_nothing_is_stated(self, hospital):
        cohort.main(hospital)
        rows = table("cohort_published").set_index("quantity")
        assert rows.published["age_mean"] == 1.6
        assert np.isnan(rows.ours["age_mean"])
        assert np.isnan(rows.ours["hips_Ib"])
        assert rows.ours["p_a_frames"] > 10

    def test_what_was_not_stated_is_stated_in_the_placed_copy_only(self, hospital):
        cohort.main(hospital)
        placed = read_cohort(paths.results_dir("smoke") / "cohort").subjects
        assert placed.split.tolist() == ["test"]
        assert placed[["is_labelled_2d", "is_labelled_3d"]].to_numpy().tolist() == [[0, 0]]
        assert list(read_cohort(paths.root() / "ours").subjects) == ["subject_id"]

    def test_what_a_hospital_states_stays_as_it_is(self, hospital):
        stated = "subject_id,is_labelled_2d,is_labelled_3d,split\nS001,1,1,train\n"
        (paths.root() / "ours" / "subjects.csv").write_text(stated)
        cohort.main(hospital)
        assert (paths.results_dir("smoke") / "cohort" / "subjects.csv").read_text() == stated

    def test_stages_take_its_sweeps_for_protocol_sweeps(self, hospital):
        cohort.main(hospital)
        assert len(motion_data.sweep_rows(hospital, split="test", only_usable=False)) == 1

    def test_one_that_still_looks_identified_is_refused_until_somebody_accepts(self, hospital):
        folder = paths.root() / "ours"
        (folder / "S001" / "notes.txt").touch()
        with pytest.raises(ValueError, match=r"still looks identified: unknown_file:S001/notes"):
            cohort.main(hospital)
        assert not paths.results_dir("smoke").exists()
        text = "finding,accepted_by,reason,accepted_on\n"
        text += "unknown_file:S001/notes.txt,data manager,an empty file,2026-01-02\n"
        (folder / "accepted_findings.csv").write_text(text)
        inputs = cohort.main(hospital)
        assert folder / "accepted_findings.csv" in inputs
        placed = paths.results_dir("smoke") / "cohort" / "accepted_findings.csv"
        assert placed.read_text() == text

    def test_figures_get_no_arrays(self, hospital):
        cohort.main(hospital)
        with np.load(paths.figure_input_file("smoke", "cohort")) as stored:
            assert list(stored) == []

    def test_a_missing_folder_is_named(self, hospital):
        shutil.rmtree(paths.root() / "ours")
        with pytest.raises(FileNotFoundError, match="ours: cohort folder is missing"):
            cohort.main(hospital)


def table_of(folder: Path, name: str) -> pd.DataFrame:
    """Return a table of another study folder."""
    return tables.read(folder / "results" / "smoke" / "tables" / f"{name}.csv")
