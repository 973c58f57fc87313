"""Which sweeps are learned from and judged on, and where their pictures truly lay."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder, without_real_data

from hipus import config, geometry, paths, rotations, tables
from hipus.formats import metafile
from hipus.formats.cohort_layout import SWEEP_KEY
from hipus.motion.poses import MIRROR, steps
from hipus.motion.preparation import prepare
from hipus.stages import motion_data
from hipus.sweep import Sweep
from hipus.sweep_cleaning import correct_flip

PX = 16
SHAPE = (24, 36)
COUNT = 20
SUBJECTS = [
    ("S001", "study", "train", 1),
    ("S046", "study", "validation", 1),
    ("S050", "study", "test", 1),
    ("S101", "test", "test", 1),
    ("S201", "training_only", "train", 1),
    ("S301", "centre2", "test", 0),
    ("S501", "repeats", "test", 1),
    ("S601", "grid", "test", 1),
]
#: Subject, sweep, variant, usable, flipped.
SWEEPS = [
    ("S001", "left_p_a", "protocol", 1, 1),
    ("S001", "right_p_d", "protocol", 1, 0),
    ("S001", "right_p_a", "protocol", 0, 0),
    ("S001", "left_graf", "protocol", 1, 0),
    ("S046", "left_p_d", "protocol", 1, 0),
    ("S050", "right_p_a", "protocol", 1, 0),
    ("S101", "right_p_a", "protocol", 1, 1),
    ("S101", "left_p_d", "protocol", 1, 0),
    ("S101", "right_p_d", "protocol", 0, 0),
    ("S201", "right_p_a", "protocol", 1, 0),
    ("S201", "left_p_d", "protocol", 1, 0),
    ("S301", "left_p_a", "protocol", 1, 0),
    ("S501", "left_p_a_1", "repeat", 1, 0),
    ("S501", "left_p_a_still", "still", 1, 0),
    ("S601", "left_p_a_20mm", "grid", 0, 0),
]
T_IMAGE_TO_PROBE = geometry.transform(
    rotations.from_rotation_vector([0.9, -0.4, 1.2]), np.array([3.0, 8.0, -5.0])
)
#: Pixels are anisotropic; the image's origin is not its centre.
T_PIXEL_TO_IMAGE = geometry.transform(np.diag([0.5, 0.7, 1.0]), np.array([-8.75, 0.0, 0.0]))
T_HIP_TO_REFERENCE = geometry.transform(
    rotations.from_rotation_vector([-0.3, 0.8, 0.1]), np.array([40.0, 10.0, -60.0])
)


def true_poses(side: str) -> np.ndarray:
    """Return T_image_to_hip of a sweep as the protocol asks for it, (N, 4, 4)."""
    index = np.arange(COUNT)[:, None]
    turns = rotations.from_rotation_vector(np.radians([0.4, 0.7, -0.3]) * index)
    T = geometry.transform(turns, np.array([0.2, 0.1, 0.8]) * index)
    return MIRROR @ T @ MIRROR if side == "left" else T


def recorded(rng, side: str, *, is_flipped: bool) -> tuple[Sweep, np.ndarray]:
    """Return a sweep and where its recorded pictures truly lay."""
    ramp = np.linspace(60, 0, SHAPE[1])
    frames = (ramp + rng.integers(0, 40, (COUNT, *SHAPE))).astype(np.uint8)
    T_image_to_hip = true_poses(side)
    T_pixel_to_probe = T_IMAGE_TO_PROBE @ T_PIXEL_TO_IMAGE
    T_probe = T_HIP_TO_REFERENCE @ T_image_to_hip @ geometry.invert(T_IMAGE_TO_PROBE)
    sweep = Sweep(
        frames,
        time_s=np.arange(COUNT) / 10,
        T_probe_to_reference=T_probe,
        T_pixel_to_probe=T_pixel_to_probe,
    )
    if not is_flipped:
        return sweep, T_image_to_hip
    # The probe is held turned; its calibration stays, so its marker is where it puts the image.
    turned = correct_flip(sweep)
    turn = turned.T_pixel_to_probe @ geometry.invert(T_pixel_to_probe)
    held = replace(turned, T_probe_to_reference=T_probe @ turn, T_pixel_to_probe=T_pixel_to_probe)
    return held, geometry.relative(T_HIP_TO_REFERENCE, T_probe @ turn @ T_IMAGE_TO_PROBE)


def write_session(folder, *, is_tracked=True) -> None:
    """Write a subject's session and the truth of it."""
    T = (T_IMAGE_TO_PROBE @ T_PIXEL_TO_IMAGE).tolist()
    session = {"is_tracked": is_tracked, "lag_s": 0.0, "poses_are_lag_corrected": True}
    session |= {"T_pixel_to_probe": T if is_tracked else None}
    truth = {"T_pixel_to_probe": T, "T_image_to_probe": T_IMAGE_TO_PROBE.tolist()}
    for place, content in ((folder, session), (folder.parent / "truth" / folder.name, truth)):
        place.mkdir(parents=True, exist_ok=True)
        (place / "session_1.json").write_text(json.dumps(content))


def write_cohort(home) -> None:
    """Write a cohort as the simulation does, its results' table, and its truth."""
    rng = np.random.default_rng(3)
    home.mkdir(parents=True)
    columns = ["subject_id", "cohort", "split", "is_tracked"]
    pd.DataFrame(SUBJECTS, columns=columns).to_csv(home / "subjects.csv", index=False)
    for subject, _, _, is_tracked in SUBJECTS:
        write_session(home / subject, is_tracked=bool(is_tracked))
    rows = []
    for subject, name, variant, is_usable, is_flipped in SWEEPS:
        side, kind = name.split("_")[0], name.split("_", 1)[1][:3].replace("gra", "graf")
        known = dict(zip(SWEEP_KEY, (subject, name), strict=True))
        known |= {"session_id": 1, "side": side, "sweep_type": kind, "is_usable": is_usable}
        rows.append(known | {"truth_variant": variant})
        sweep, T_image_to_hip = recorded(rng, side, is_flipped=bool(is_flipped))
        sweep = replace(sweep, sweep_id=name)
        metafile.write(home / subject / f"{name}.igs.mha", metafile.from_sweep(sweep))
        np.savez(home / "truth" / subject / f"{name}.npz", T_image_to_hip=T_image_to_hip)
    table = pd.DataFrame(rows)
    table.drop(columns="truth_variant").to_csv(home / "sweeps.csv", index=False)
    tables.write(table, paths.table_file("smoke", "cohort_sweeps"), key=SWEEP_KEY)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Yield the smoke profile beside a cohort of its own."""
    folder = make_study_folder(tmp_path_factory.mktemp("motion_data"))
    with pytest.MonkeyPatch.context() as patch:
        without_real_data(patch, folder)
        write_cohort(paths.results_dir("smoke") / "cohort")
        yield config.load("smoke")


def names(sweeps) -> list[str]:
    """Return the names of prepared sweeps or of a table's rows."""
    if isinstance(sweeps, pd.DataFrame):
        return [f"{row.subject_id}/{row.sweep_id}" for row in sweeps.itertuples()]
    return [sweep.name for sweep in sweeps]


class TestWhichSweeps:
    def test_training_takes_both_training_cohorts_and_only_what_is_usable(self, study):
        found = motion_data.training_sweeps(study, input_px=PX)
        expected = ["S001/left_p_a", "S001/right_p_d", "S201/left_p_d", "S201/right_p_a"]
        assert names(found) == expected

    def test_validation_takes_its_split(self, study):
        assert names(motion_data.validation_sweeps(study, input_px=PX)) == ["S046/left_p_d"]

    def test_the_test_only_cohort_stands_apart_from_the_study_s_own_test(self, study):
        found = motion_data.test_sweeps(study, input_px=PX)
        assert names(found) == ["S101/left_p_d", "S101/right_p_a"]
        own = motion_data.sweep_rows(study, split="test", cohort="study")
        assert names(own) == ["S050/right_p_a"]

    @pytest.mark.parametrize(
        ("variant", "expected"),
        [
            ("repeat", ["S501/left_p_a_1"]),
            ("still", ["S501/left_p_a_still"]),
            ("grid", ["S601/left_p_a_20mm"]),  # although it breaks a rule
        ],
    )
    def test_variants_go_by_their_names(self, study, variant, expected):
        assert names(motion_data.variant_sweeps(study, variant, input_px=PX)) == expected

    def test_no_subject_is_both_learned_from_and_judged_on(self, study):
        learned = {s.subject_id for s in motion_data.training_sweeps(study, input_px=PX)}
        judged = [
            *motion_data.validation_sweeps(study, input_px=PX),
            *motion_data.test_sweeps(study, input_px=PX),
            *motion_data.variant_sweeps(study, "repeat", input_px=PX),
        ]
        assert not learned & {sweep.subject_id for sweep in judged}

    def test_untracked_sweeps_are_asked_for_by_name(self, study):
        rows = motion_data.sweep_rows(study, is_tracked=False)
        assert names(rows) == ["S301/left_p_a"]
        (found,) = motion_data.predicted_sweeps(study, rows, input_px=PX)
        assert not found.is_valid.any()

    def test_an_unknown_variant_is_refused(self, study):
        with pytest.raises(ValueError, match="variant must be one of .*, got 'fast'"):
            motion_data.sweep_rows(study, variant="fast")

    def test_nothing_found_is_an_error(self, study):
        message = r"no sweep of split 'train', cohort None, variant 'grid', tracked True, among 15"
        with pytest.raises(ValueError, match=message):
            motion_data.sweep_rows(study, split="train", variant="grid")


class TestHospital:
    """A cohort that knows neither cohorts nor variants."""

    @pytest.fixture
    def hospital(self, study, tmp_path, monkeypatch):
        """Return a function that reads the cohort with some columns left out."""

        def without(*columns):
            cohort = motion_data.cohort_of(study)
            left = cohort.subjects.drop(columns=list(columns))
            monkeypatch.setattr(
                motion_data, "cohort_of", lambda study: replace(cohort, subjects=left)
            )

        read = tables.read

        def plain(path, **options):
            return read(path, **options).drop(columns="truth_variant", errors="ignore")

        monkeypatch.setattr(motion_data, "tables", SimpleNamespace(read=plain))
        return without

    def test_its_test_split_is_the_test_cohort(self, study, hospital):
        hospital("cohort", "is_tracked")
        found = names(motion_data.sweep_rows(study, split="test", cohort="test"))
        assert found[:3] == ["S050/right_p_a", "S101/left_p_d", "S101/right_p_a"]
        assert "S301/left_p_a" not in found  # its session says that it is not tracked

    def test_without_a_split_nothing_can_be_learned(self, study, hospital):
        hospital("split")
        with pytest.raises(ValueError, match=r"subjects\.csv: needs a column split"):
            motion_data.sweep_rows(study)


class TestPreparation:
    def test_training_goes_by_poses_and_the_rest_by_pictures(self, study):
        training = motion_data.training_sweeps(study, input_px=PX)
        assert [sweep.is_flipped for sweep in training] == [True, False, False, False]
        found = motion_data.test_sweeps(study, input_px=PX, training=training)
        assert [sweep.is_flipped for sweep in found] == [False, True]
        pictures = motion_data.reference_pictures(training)
        assert sorted(pictures) == ["p_a", "p_d"]
        row = motion_data.cohort_of(study).sweep("S101", "right_p_a")
        alone = prepare(
            row,
            input_px=PX,
            side="right",
            sweep_type="p_a",
            from_pictures=True,
            reference_picture=pictures["p_a"],
        )
        np.testing.assert_array_equal(alone.frames, found[1].frames)

    def test_sizes_are_kept_apart(self, study):
        small, large = (motion_data.training_sweeps(study, input_px=px) for px in (PX, 20))
        assert small[0].thumbnails.shape[1:] == (PX, PX)
        assert large[0].thumbnails.shape[1:] == (20, 20)
        assert len(list(paths.work_dir("smoke").glob("motion/prepared_*"))) >= 2


class TestTruth:
    def test_it_differs_from_tracked_poses_by_one_rigid_motion(self, study):
        # This cohort's tracker makes no error and its infants lie still.
        sweeps = [
            *motion_data.training_sweeps(study, input_px=PX),
            *motion_data.test_sweeps(study, input_px=PX),
        ]
        turned = {(sweep.is_mirrored, sweep.is_flipped) for sweep in sweeps}
        assert turned == {(True, True), (True, False), (False, False), (False, True)}
        for sweep in sweeps:
            truth = motion_data.hip_truth(study, sweep)
            assert truth.shape == (len(sweep), 4, 4)
            expected = steps(sweep.T_centre_to_world)
            np.testing.assert_allclose(steps(truth), expected, atol=1e-6)
            assert (steps(truth)[:, 2, 3] > 0).all()

    def test_it_is_the_centre_s_place_in_the_hip(self, study):
        found = motion_data.sweep_rows(study, split="train").query("sweep_id == 'right_p_d'")
        (sweep,) = motion_data.predicted_sweeps(study, found, input_px=PX)
        centre = T_PIXEL_TO_IMAGE @ [(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2, 0, 1]
        expected = true_poses("right") @ centre
        kept = slice(sweep.first_frame, sweep.first_frame + len(sweep))
        truth = motion_data.hip_truth(study, sweep)
        np.testing.assert_allclose(truth[:, :, 3], expected[kept], atol=1e-9)

    def test_a_sweep_without_truth_is_told(self, study):
        sweep = motion_data.training_sweeps(study, input_px=PX)[1]
        path = paths.results_dir("smoke") / "cohort" / "truth" / f"{sweep.name}.npz"
        hidden = path.with_suffix(".hidden")
        path.rename(hidden)
        try:
            with pytest.raises(FileNotFoundError, match="only a simulated cohort has truth"):
                motion_data.hip_truth(study, sweep)
        finally:
            hidden.rename(path)
