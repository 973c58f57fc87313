"""A tiny cohort on disk: what is written, that it is true, whole, resumable and repeatable."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hipus import config, geometry, images, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import read_cohort
from hipus.labels import HipLabel
from hipus.parallel import CaseError
from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.masks import label_points
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.anatomy.population import GRAF_TYPES
from hipus.phantom.anatomy.scenes import build_scene
from hipus.phantom.cohort import outputs, storage
from hipus.phantom.cohort.assignment import came_out
from hipus.phantom.cohort.examination import Labeller, hip_of_sweep
from hipus.phantom.cohort.plan import CohortPlan, plan_cohort
from hipus.phantom.cohort.settings import CohortSettings
from hipus.phantom.cohort.simulate import simulate_cohort, simulate_subject

TINY = replace(
    CohortSettings.from_config(config.load("smoke").cohort),
    **dict.fromkeys(
        ("test_subjects", "dysplastic_subjects", "repeats_subjects", "grid_subjects"), 0
    ),
    graf_subjects=0,
    frame_rows=40,
    frame_columns=48,
    line_count=24,
    sample_pitch_mm=0.5,
    scene_spacing_mm=1.2,
    volume_spacing_mm=2.0,
)


def part_of(subjects: dict[str, list[str]]) -> CohortPlan:
    """Return a plan with only some subjects and sweeps."""
    plan = plan_cohort(TINY, 11)
    kept = [row.sweep_id in subjects.get(row.subject_id, ()) for row in plan.sweeps.itertuples()]
    return replace(
        plan,
        subjects=plan.subjects[plan.subjects.subject_id.isin(subjects)],
        hips=plan.hips[plan.hips.subject_id.isin(subjects)],
        sweeps=plan.sweeps[kept],
    )


#: One labelled sweep, one of motion alone, one of the untracked centre.
PLAN = part_of({"S001": ["left_p_a"], "S201": ["right_p_d"], "S301": ["right_p_a"]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a finished tiny cohort; tests that change it copy it."""
    target = tmp_path_factory.mktemp("cohort")
    simulate_cohort(PLAN, target, workers=1)
    return target


@pytest.fixture(scope="module")
def truth(folder):
    """Return the true poses of the labelled sweep."""
    return np.load(folder / "truth" / "S001" / "left_p_a.npz")


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class TestWhatIsWritten:
    def test_it_is_a_cohort_that_says_it_is_simulated(self, folder):
        cohort = read_cohort(folder)
        assert cohort.origin == "simulated"
        assert len(cohort.sweeps) == 3
        sequence = metafile.read(folder / "S001" / "left_p_a.igs.mha")
        assert sequence.fields["DataOrigin"] == "simulated"

    def test_nothing_of_the_truth_lies_outside_its_folder(self, folder):
        known = {path.split("/")[0] for path in contents(folder)}
        assert known == {"S001", "S201", "S301", "truth", *("cohort.json", "subjects.csv")} | {
            "sweeps.csv"
        }
        for path in folder.glob("S*/session_1.json"):
            assert json.loads(path.read_text())["lag_s"] != _true_session(folder, path)["lag_s"]

    def test_masks_are_written_only_where_labels_are_asked_for(self, folder):
        assert (folder / "truth" / "S001" / "left_p_a_masks.igs.mha").is_file()
        assert not list((folder / "truth" / "S201").glob("*masks*"))

    def test_no_part_is_left(self, folder):
        assert not list(folder.glob(".part-*"))

    def test_the_second_centre_has_no_poses_but_an_inertial_log(self, folder):
        sweep = read_cohort(folder).sweep("S301", "right_p_a")
        assert not sweep.is_valid.any()
        assert sweep.T_pixel_to_probe is None
        assert sweep.imu is not None
        assert not metafile.read(folder / "S301" / "right_p_a.igs.mha").transforms


def _true_session(folder: Path, path: Path) -> dict:
    return json.loads((folder / "truth" / path.parent.name / path.name).read_text())


class TestTruth:
    def test_reported_poses_are_the_true_ones_within_the_trackers_noise(self, folder, truth):
        sweep = read_cohort(folder).sweep("S001", "left_p_a")
        true = geometry.relative(truth["T_reference_to_tracker"], truth["T_probe_to_tracker"])
        good = sweep.is_valid
        off_mm = np.linalg.norm((sweep.T_probe_to_reference - true)[good, :3, 3], axis=1)
        # 0.1 mm of noise in depth, 0.05 deg seen from some 100 mm, 2 ms of lag.
        assert np.median(off_mm) < 0.5
        assert off_mm.max() > 0

    def test_masks_are_the_anatomy_where_it_is_seen(self, folder, truth):
        masks = metafile.read(folder / "truth" / "S001" / "left_p_a_masks.igs.mha")
        assert masks.fields["LabelScheme"] == "hip"
        labels = np.asarray(masks.frames[:])
        assert {HipLabel.ILIUM, HipLabel.FEMORAL_HEAD} <= set(np.unique(labels).tolist())
        session = json.loads((folder / "truth" / "S001" / "session_1.json").read_text())
        T_image_to_probe = np.array(session["T_image_to_probe"])
        T_pixel_to_image = geometry.invert(T_image_to_probe) @ np.array(session["T_pixel_to_probe"])
        head = _true_hip(folder, "S001", "left")
        frame, v, u = np.nonzero(labels == HipLabel.FEMORAL_HEAD)
        pixels = np.stack([u, v, np.zeros(len(u)), np.ones(len(u))], 1)
        T = truth["T_image_to_hip"] @ T_pixel_to_image
        points = np.einsum("nij,nj->ni", T[frame], pixels)[:, :3]
        centre = head[["head_centre_x_mm", "head_centre_y_mm", "head_centre_z_mm"]].to_numpy(float)
        distance = np.linalg.norm(points - centre, axis=1)
        assert distance.max() < head.head_radius_mm + 0.6
        assert distance.min() < 3

    def test_the_volume_shows_the_same_head(self, folder):
        volume = images.read(folder / "truth" / "S001" / "left_p_a_anatomy.mha")
        index = np.argwhere(volume.array == HipLabel.FEMORAL_HEAD)[:, ::-1]
        middle = (index * 2.0 + volume.origin_xyz_mm).mean(axis=0)
        head = _true_hip(folder, "S001", "left")
        centre = head[["head_centre_x_mm", "head_centre_y_mm", "head_centre_z_mm"]]
        np.testing.assert_allclose(middle, centre.to_numpy(float), atol=0.8)

    def test_hips_are_of_their_type_by_their_constructed_angles(self, folder):
        for row in tables.read(folder / "truth" / "hips.csv").itertuples():
            low, high = GRAF_TYPES[row.graf_type].alpha_deg
            assert low <= row.alpha_deg < high
            assert row.alpha_deg != row.alpha_asked_deg

    def test_sweeps_travel_as_they_were_drawn(self, folder):
        recorded = tables.read(folder / "sweeps.csv").set_index("subject_id")
        drawn = tables.read(folder / "truth" / "sweeps.csv").set_index("subject_id")
        assert recorded.path_mm["S201"] == pytest.approx(drawn.path_length_mm["S201"], rel=0.15)
        assert np.isnan(recorded.path_mm["S301"])
        moving = drawn.informative_stop - drawn.informative_start
        trimmed = recorded.trim_stop - recorded.trim_start
        assert abs(trimmed - moving)[["S001", "S201"]].max() <= 6


def _true_hip(folder: Path, subject_id: str, side: str):
    hips = tables.read(folder / "truth" / "hips.csv")
    return hips[(hips.subject_id == subject_id) & (hips.side == side)].iloc[0]


class TestResuming:
    def test_a_second_run_makes_nothing_and_changes_nothing(self, folder):
        before = contents(folder)
        done = simulate_subject(PLAN.subject("S001"), folder)
        assert (done.made, done.kept) == (0, 1)
        assert contents(folder) == before

    def test_the_same_sweep_alone_and_beside_others_has_the_same_bytes(self, folder, tmp_path):
        alone = part_of({"S001": ["left_p_a"]})
        simulate_cohort(alone, tmp_path, workers=1)
        for name, content in contents(tmp_path).items():
            if "S001" in name:
                assert content == (folder / name).read_bytes(), name

    @pytest.mark.parametrize("broken", ["S001/left_p_a.igs.mha", "truth/S001/left_p_a.npz"])
    def test_a_sweep_without_all_its_files_is_not_finished(self, folder, tmp_path, broken):
        manifest = "truth/S001/left_p_a.json"
        for name, content in contents(folder).items():
            if "S001" in name:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_bytes(content)
        assert storage.read_manifest(tmp_path, "S001", "left_p_a") is not None
        (tmp_path / broken).write_bytes(b"cut")
        assert storage.read_manifest(tmp_path, "S001", "left_p_a") is None
        assert (tmp_path / manifest).is_file()

    def test_a_change_that_matters_changes_the_key_and_no_other_does(self):
        subject = PLAN.subject("S001")
        sweep = subject.sweeps[0]
        key = storage.sweep_key(subject, sweep)
        moved = replace(subject, subject=subject.subject | {"split": "test"})
        assert storage.sweep_key(moved, sweep) == key
        larger = replace(subject, settings=replace(TINY, test_subjects=9))
        assert storage.sweep_key(larger, sweep) == key
        finer = replace(subject, settings=replace(TINY, frame_rows=48))
        assert storage.sweep_key(finer, sweep) != key
        assert storage.sweep_key(subject, sweep | {"infant_motion": 0.0}) != key

    def test_a_full_disk_leaves_nothing_half_written(self, tmp_path, monkeypatch):
        def fail(*args, **kwargs):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(outputs, "write_masks", fail)
        with pytest.raises(CaseError, match="case S001 failed: OSError: .*No space left"):
            simulate_cohort(part_of({"S001": ["left_p_a"]}), tmp_path, workers=1)
        assert sorted(contents(tmp_path)) == [
            "S001/session_1.json",
            "cohort.json",
            "truth/S001/session_1.json",
        ]

    def test_what_a_killed_run_left_is_removed(self, tmp_path):
        part = tmp_path / ".part-S001-left_p_a-1"
        part.mkdir()
        (part / "half").write_bytes(b"x")
        storage.remove_parts(tmp_path)
        assert not part.exists()

    def test_a_table_of_missing_sweeps_is_refused(self, tmp_path):
        from hipus.phantom.cohort.records import write_tables

        with pytest.raises(FileNotFoundError, match="sweep S001/left_p_a is missing"):
            write_tables(PLAN, tmp_path)


class TestLabeller:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_it_gives_the_labels_of_every_point_asked_one_by_one(self, side, rng):
        hip = Hip(HipParameters(side=side))
        labeller = Labeller(hip, build_scene(hip, spacing_mm=0.9))
        points = rng.uniform(-18, 18, (20_000, 3))
        expected = label_points(hip, points)
        assert np.unique(expected).size >= 5
        np.testing.assert_array_equal(labeller(points), expected)

    def test_far_outside_there_is_nothing(self):
        hip = Hip(HipParameters())
        labeller = Labeller(hip, build_scene(hip, spacing_mm=1.5))
        assert not labeller(np.full((3, 3), 500.0)).any()

    def test_bending_moves_the_thigh_and_not_the_pelvis(self, rng):
        hip = Hip(HipParameters())
        bent = hip_of_sweep(hip, 12.0)
        points = rng.uniform(-15, 15, (5000, 3))
        change = np.abs(bent.distances(points) - hip.distances(points)).max(axis=1)
        assert change[0] < 1e-9  # ilium
        assert change[1] > 1.0  # femur


class TestCameOut:
    def test_counts_by_hand(self):
        subjects = pd.DataFrame(
            {
                "subject_id": ["A", "B", "C", "D"],
                "cohort": ["study", "study", "study", "training_only"],
                "split": ["train", "validation", "test", "train"],
                "is_labelled_2d": [1, 0, 1, 0],
                "is_labelled_3d": [1, 1, 1, 0],
            }
        )
        sweeps = pd.DataFrame(
            {
                "subject_id": list("AAABCD"),
                "sweep_type": ["p_a", "p_d", "graf", "p_a", "p_a", "p_d"],
                "is_usable": [1, 0, 1, 1, 1, 1],
                "trim_start": [2, 0, 0, 0, 0, 0],
                "trim_stop": [33, 30, 50, 60, 10, 40],
            }
        )
        table = came_out(subjects, sweeps).set_index(["group", "quantity"])
        found = table.came_out
        assert found["sweeps", "recorded"] == 4
        assert found["sweeps", "rejected"] == 1
        assert found["sweeps", "tracked_train"] == 2
        assert found["sweeps", "infants_train"] == 2
        # 31 frames, every third one: frames 0, 3 ... 30.
        assert found["frames", "train"] == 11
        assert found["frames", "validation"] == 0
        assert found["frames", "test"] == 4
        assert found["volumes", "train"] == found["volumes", "test"] == 1
        assert found["frames", "per_sweep_mean"] == pytest.approx((31 + 30 + 60 + 10) / 4)

    def test_printed_numbers_stand_beside(self, folder):
        cohort = read_cohort(folder)
        table = came_out(cohort.subjects, cohort.sweeps).set_index(["group", "quantity"])
        printed = table.printed
        assert printed["sweeps", "tracked_train"] == 177
        assert printed["sweeps", "tracked_validation"] == 12
        assert printed["sweeps", "recorded"] == 200
        assert printed["sweeps", "rejected"] == 11
        assert list(printed["frames"][["train", "validation", "test"]]) == [432, 108, 71]
