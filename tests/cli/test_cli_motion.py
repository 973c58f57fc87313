"""`hipus track`: an untracked sweep in, poses with uncertainty out."""

from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
from made_recordings import PIXEL_MM, T_IMU_TO_PROBE, recording, untracked
from made_sweeps import TINY, made_cohort

from hipus.formats import metafile
from hipus.motion import model_file
from hipus.motion.predictions import read_prediction
from hipus.motion.preparation import thumbnails
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.training import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a network that was hardly trained, with a picture of the made texture."""
    settings = TrainingSettings(iterations=3, batch_size=4, validate_every=3, threads=1)
    folder = tmp_path_factory.mktemp("work")
    sweeps = made_cohort(np.random.default_rng(5))
    model = train(TINY, *sweeps, settings=settings, folder=folder)
    upright = thumbnails(recording(np.random.default_rng(1)).frames, 16).mean(axis=0) / 255
    return replace(model, reference_pictures={"p_a": upright.astype(np.float32)})


@pytest.fixture
def model(tmp_path, monkeypatch, trained):
    """Return the name of a model of profile small in a study folder of its own."""
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    model_file.save(trained, tmp_path / "results" / "small" / "models" / "motion" / "tiny")
    return "tiny"


@pytest.fixture
def write_sweep(tmp_path, rng):
    """Return a function that writes the untracked recording, changed."""

    def write(name="sweep.igs.mha", change=lambda sweep: sweep, **options):
        sweep = change(untracked(recording(rng, **options)))
        # As nobody tracked it: not a single transform in the file.
        sequence = replace(metafile.from_sweep(sweep), transforms={})
        return metafile.write(tmp_path / name, sequence)

    return write


class TestTrack:
    def test_a_table_of_poses_with_deviations_is_written(self, hipus, model, write_sweep, tmp_path):
        target = tmp_path / "poses.csv"
        options = ("--model", model, "-o", target, "--side", "right", "--sweep-type", "p_a")
        found = hipus("track", write_sweep(), *options).json
        table = pd.read_csv(target)
        assert len(table) == found["frames_kept"] == 40 - _trimmed(found)
        assert table.frame_index[0] == found["first_frame"] > 0
        assert (table.sd_elevational_mm[1:] > 0).all()
        assert found["end_sd_mm"][2] == pytest.approx(table.sd_elevational_mm.iloc[-1])
        assert (found["model"], found["model_trained_on"]) == ("tiny", "simulated")
        assert found["inertial_rotation"] == "there"

    def test_without_side_and_type_it_says_what_is_assumed(
        self, hipus, model, write_sweep, tmp_path
    ):
        found = hipus("track", write_sweep(), "--model", model, "-o", tmp_path / "a.npz").json
        assert found["elevational_travel"].startswith("+z of the image, assumed")
        assert found["sweep_type"].startswith("unknown: taken whole")
        assert (found["frames_kept"], found["frames_trimmed"]) == (40, [])
        assert read_prediction(tmp_path / "a.npz").sweep_id == "p_a"

    def test_a_left_hip_goes_the_other_way(self, hipus, model, write_sweep, tmp_path):
        sweep, ends = write_sweep(change=lambda one: replace(one, imu=None)), []
        for side in ("left", "right"):
            target = tmp_path / f"{side}.npz"
            found = hipus("track", sweep, "--model", model, "-o", target, "--side", side).json
            ends.append(np.array(found["end_lateral_axial_elevational_mm"]))
        np.testing.assert_allclose(ends[0], ends[1] * [1, 1, -1], atol=1e-9)

    def test_a_turned_probe_is_found_or_named(self, hipus, model, write_sweep, tmp_path):
        sweep = write_sweep(is_flipped=True)
        options = ("--model", model, "--side", "right", "--sweep-type", "p_a", "-o")
        found = hipus("track", sweep, *options, tmp_path / "a.npz").json
        known = hipus("track", sweep, *options, tmp_path / "b.npz", "--flipped").json
        assert found["pictures_turned"] is known["pictures_turned"] is True
        a, b = (read_prediction(tmp_path / name).T_centre_to_first for name in ("a.npz", "b.npz"))
        np.testing.assert_array_equal(a, b)

    def test_a_sequence_goes_on_into_a_volume(self, hipus, model, write_sweep, tmp_path):
        target = tmp_path / "posed.igs.mha"
        hipus("track", write_sweep(), "--model", model, "-o", target, "--sweep-type", "p_a")
        facts = hipus("info", target).json
        frames = facts["transforms"]["ProbeToReference"]
        assert frames["frames_total"] == 40 > frames["frames_ok"] > 20
        volume = hipus("reconstruct", target, "-o", tmp_path / "volume.mha").json
        assert volume["frames_used"] == frames["frames_ok"]

    def test_poses_in_the_file_are_not_looked_at(self, hipus, model, rng, write_sweep, tmp_path):
        tracked = metafile.write(
            tmp_path / "t.igs.mha", metafile.from_sweep(recording(np.random.default_rng(20260101)))
        )
        options = ("--model", model, "--side", "right", "--sweep-type", "p_a", "-o")
        hipus("track", tracked, *options, tmp_path / "a.npz")
        hipus("track", write_sweep(), *options, tmp_path / "b.npz")
        a, b = (read_prediction(tmp_path / name).T_centre_to_first for name in ("a.npz", "b.npz"))
        np.testing.assert_array_equal(a, b)

    def test_a_folder_names_a_model_too(self, hipus, model, write_sweep, tmp_path):
        folder = tmp_path / "results" / "small" / "models" / "motion" / "tiny"
        found = hipus("track", write_sweep(), "--model", folder, "-o", tmp_path / "a.csv").json
        assert found["model_folder"] == str(folder)

    def test_names_are_written_beside_the_poses(self, hipus, model, write_sweep, tmp_path):
        options = ("--subject-id", "007", "--sweep-id", "mine")
        target = tmp_path / "a.csv"
        hipus("track", write_sweep(), "--model", model, "-o", target, *options)
        one = read_prediction(target)
        assert (one.subject_id, one.sweep_id) == ("007", "mine")


class TestOtherRecordings:
    def test_a_scan_without_tforms(self, hipus, model, rng, tmp_path):
        with h5py.File(tmp_path / "scan.h5", "w") as scan:
            scan["frames"] = recording(rng).frames
        target = tmp_path / "a.csv"
        found = hipus("track", tmp_path / "scan.h5", "--model", model, "-o", target).json
        assert found["duration_s"] == pytest.approx(39 / 20)
        assert found["inertial_rotation"] == "none: the recording has no inertial samples"
        assert read_prediction(target).sweep_id == "scan"

    def test_a_scale_makes_a_sequence_of_an_uncalibrated_one(
        self, hipus, refused, model, rng, tmp_path
    ):
        with h5py.File(tmp_path / "scan.h5", "w") as scan:
            scan["frames"] = recording(rng).frames
        target = tmp_path / "a.igs.mha"
        options = ("track", tmp_path / "scan.h5", "--model", model, "-o", target)
        assert "needs the size of a pixel" in refused(*options)
        assert not target.exists()
        hipus(*options, "--pixel-spacing-mm", *PIXEL_MM)
        assert metafile.read(target).to_sweep().pixel_spacing_xy_mm == pytest.approx(PIXEL_MM)

    def test_a_sensor_without_its_mounting_is_said_and_can_be_mounted(
        self, hipus, model, write_sweep, tmp_path, caplog
    ):
        def unmounted(sweep):
            return replace(sweep, imu=replace(sweep.imu, T_imu_to_probe=None))

        sweep, target = write_sweep(change=unmounted), tmp_path / "a.csv"
        found = hipus("track", sweep, "--model", model, "-o", target).json
        assert found["inertial_rotation"].startswith("none: where the sensor sits")
        assert "has no inertial rotation" in caplog.text
        mounting = tmp_path / "session.json"
        mounting.write_text(f'{{"T_imu_to_probe": {T_IMU_TO_PROBE.tolist()}}}')
        options = ("--model", model, "-o", target, "--imu-to-probe", mounting)
        assert hipus("track", sweep, *options).json["inertial_rotation"] == "there"

    def test_steps_that_the_sensor_does_not_tell_are_counted(
        self, hipus, model, write_sweep, tmp_path
    ):
        def with_gap(sweep):
            imu = sweep.imu
            kept = (imu.time_s < 6.02) | (imu.time_s > 7.02)  # touches the steps from 6.0 to 7.1 s
            samples = ("time_s", "angular_velocity_rad_s", "acceleration_m_s2")
            return replace(
                sweep, imu=replace(imu, **{name: getattr(imu, name)[kept] for name in samples})
            )

        options = ("--model", model, "-o", tmp_path / "a.csv")
        found = hipus("track", write_sweep(change=with_gap), *options).json
        assert found["inertial_rotation"].startswith("there for 28 of 39 steps: ")


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda sweep: sweep.select(slice(0, 5)), "at least 6 frames"),
            (lambda sweep: replace(sweep, frames=sweep.frames[:, :12]), "input_px must lie"),
            (lambda sweep: replace(sweep, frames=np.full_like(sweep.frames, 7)), "one grey, 7"),
        ],
    )
    def test_what_has_no_motion_to_predict_names_the_file(
        self, refused, model, write_sweep, empty_folder, change, message
    ):
        sweep = write_sweep(change=change)
        told = refused("track", sweep, "--model", model, "-o", empty_folder / "a.csv")
        assert message in told
        assert str(sweep) in told
        assert list(empty_folder.iterdir()) == []

    def test_a_missing_model_names_the_stage_that_makes_it(
        self, refused, model, write_sweep, tmp_path
    ):
        told = refused("track", write_sweep(), "--model", "published", "-o", tmp_path / "a.csv")
        assert "model 'published' is missing" in told
        assert "there is tiny. Stage `motion` makes them" in told

    def test_a_profile_without_it_does_not_look_elsewhere(
        self, refused, model, write_sweep, tmp_path
    ):
        options = ("--model", model, "--profile", "smoke", "-o", tmp_path / "a.csv")
        assert "motion@smoke" in refused("track", write_sweep(), *options)

    def test_changed_weights_are_refused(self, refused, model, write_sweep, tmp_path):
        folder = tmp_path / "results" / "small" / "models" / "motion" / model
        with open(folder / "weights.pt", "ab") as stream:
            stream.write(b"!")
        told = refused("track", write_sweep(), "--model", model, "-o", tmp_path / "a.csv")
        assert "must have the SHA-256" in told

    def test_the_sweep_itself_is_never_replaced(self, refused, model, write_sweep):
        sweep = write_sweep()
        told = refused("track", sweep, "--model", model, "-o", sweep)
        assert "must not replace an input" in told

    def test_another_ending_is_refused_before_the_work(self, refused, write_sweep, tmp_path):
        told = refused("track", write_sweep(), "--model", "none", "-o", tmp_path / "poses.txt")
        assert "poses must end in one of .csv, .npz" in told


def _trimmed(found: dict) -> int:
    """Return how many frames a command says it has trimmed."""
    return sum(last - first + 1 for first, last in found["frames_trimmed"])
