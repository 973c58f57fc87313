"""Files of a simulated sweep, one by one, and the folder they are moved from."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hipus import config, geometry, images
from hipus.formats import metafile, sweep_fields
from hipus.phantom.cohort import outputs, storage
from hipus.phantom.cohort.examination import draw_examination, record
from hipus.phantom.cohort.plan import plan_cohort
from hipus.phantom.cohort.settings import CohortSettings

PROFILES = {
    name: CohortSettings.from_config(config.load(name).cohort) for name in config.profiles()
}
PLAN = plan_cohort(PROFILES["smoke"], 3)
SHAPE = PROFILES["smoke"].shape_px


@pytest.fixture(scope="module")
def recording():
    """Return a recorded sweep with a lost pose, and its session."""
    plan = PLAN.subject("S001")
    exam = draw_examination(plan, 1, "O11")
    return record(plan, plan.sweeps[0], session=exam.session, head_depth_mm=21.0)


@pytest.fixture
def sweep(recording, rng):
    """Return the sweep with noise for pictures."""
    return recording.to_sweep(rng.integers(0, 256, (len(recording), *SHAPE), dtype=np.uint8))


class TestSequence:
    def test_both_markers_lead_to_the_reported_poses(self, recording, sweep, tmp_path):
        sequence = outputs.to_sequence(sweep, recording, is_tracked=True)
        path = tmp_path / "a" / "left_p_a.igs.mha"
        outputs.write_sequence(path, sequence)
        found = metafile.read(path).to_sweep()
        np.testing.assert_array_equal(found.is_valid, sweep.is_valid)
        np.testing.assert_allclose(
            found.T_probe_to_reference, sweep.T_probe_to_reference, atol=1e-9
        )
        np.testing.assert_array_equal(found.T_pixel_to_probe, sweep.T_pixel_to_probe)
        np.testing.assert_array_equal(found.imu.time_s, sweep.imu.time_s)

    def test_a_lost_marker_has_a_status_and_an_identity(self, recording, sweep):
        stream = recording.at_images()
        status = stream.probe.status.copy()
        status[4] = 2
        poses = stream.probe.T_marker_to_tracker.copy()
        poses[4] = np.nan
        track = outputs._track(SimpleNamespace(
            status=status, T_marker_to_tracker=poses, is_valid=status == 0))  # fmt: skip
        assert track.status[4] == "MISSING"
        np.testing.assert_array_equal(track.matrices[4], np.eye(4))
        assert track.status.count("OK") == (status == 0).sum()

    def test_untracked_sweeps_keep_scale_and_lose_calibration(self, recording, sweep):
        sequence = outputs.to_sequence(sweep, recording, is_tracked=False)
        assert not sequence.transforms
        assert sweep_fields.CALIBRATION not in sequence.fields
        assert sweep_fields.spacing_of(sequence.fields, "") == sweep.pixel_spacing_xy_mm


class TestSession:
    def test_known_and_true_calibration_differ_by_the_calibrations_error(self, tmp_path):
        plan = PLAN.subject("S001")
        session = draw_examination(plan, 1, "O11").session
        outputs.write_session(tmp_path, plan, 1, session)
        known, true = (
            json.loads((root / "S001" / "session_1.json").read_text())
            for root in (tmp_path, tmp_path / "truth")
        )
        corners = np.array([[0, 0, 0], [SHAPE[1], SHAPE[0], 0]], float)
        off_mm = np.linalg.norm(
            geometry.apply(known["T_pixel_to_probe"], corners)
            - geometry.apply(true["T_pixel_to_probe"], corners),
            axis=1,
        )
        assert 0 < off_mm.max() < 2
        assert 0 < abs(known["lag_s"] - true["lag_s"]) < 0.01

    def test_an_untracked_session_knows_neither(self, tmp_path):
        plan = PLAN.subject("S301")
        outputs.write_session(tmp_path, plan, 1, draw_examination(plan, 1, "O21").session)
        known = json.loads((tmp_path / "S301" / "session_1.json").read_text())
        assert known["is_tracked"] is False
        assert known["lag_s"] is known["T_pixel_to_probe"] is None
        assert known["pixel_side_mm"] > 0


class TestVolume:
    def test_voxels_are_labelled_at_their_centres(self, tmp_path):
        # A slanted half space: any swap or flip of axes would show.
        def labeller(points):
            return (points @ [1.0, 2.0, 4.0] > 3.0).astype(np.uint8)

        scene = SimpleNamespace(
            fields=np.zeros((12, 5, 7, 9)), spacing_mm=1.0, origin_xyz_mm=(-4.0, -3.0, -2.0)
        )
        path = tmp_path / "truth" / "v.mha"
        outputs.write_volume(path, labeller, scene, spacing_mm=0.5)
        volume = images.read(path)
        assert volume.array.shape == (9, 13, 17)
        z, y, x = np.indices(volume.array.shape) * 0.5
        points = np.stack([x - 4, y - 3, z - 2], axis=-1)
        np.testing.assert_array_equal(volume.array, points @ [1.0, 2.0, 4.0] > 3.0)


class TestFolder:
    NAMES = storage.files_of("S001", "left_p_a")

    def write(self, part, content: bytes) -> None:
        path = part / self.NAMES.sweep
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        (part / self.NAMES.manifest).parent.mkdir(parents=True)
        storage.write_manifest(part, self.NAMES, {"key": content.decode()})

    def fail_to_write(self, folder, content: bytes, error: BaseException) -> None:
        with storage.sweep_folder(folder, "S001", "left_p_a") as part:
            self.write(part, content)
            raise error

    def test_files_arrive_together(self, tmp_path):
        with storage.sweep_folder(tmp_path, "S001", "left_p_a") as part:
            self.write(part, b"first")
            assert storage.read_manifest(tmp_path, "S001", "left_p_a") is None
        manifest = storage.read_manifest(tmp_path, "S001", "left_p_a")
        assert manifest == {"key": "first", "files": {"S001/left_p_a.igs.mha": 5}}
        assert not list(tmp_path.glob(".part-*"))

    def test_an_error_leaves_the_older_sweep_as_it_was(self, tmp_path):
        with storage.sweep_folder(tmp_path, "S001", "left_p_a") as part:
            self.write(part, b"first")
        with pytest.raises(OSError, match="full"):
            self.fail_to_write(tmp_path, b"second", OSError("full"))
        assert storage.read_manifest(tmp_path, "S001", "left_p_a")["key"] == "first"
        assert not list(tmp_path.glob(".part-*"))

    def test_a_newer_sweep_replaces_the_older(self, tmp_path):
        for content in (b"first", b"second"):
            with storage.sweep_folder(tmp_path, "S001", "left_p_a") as part:
                self.write(part, content)
        assert storage.read_manifest(tmp_path, "S001", "left_p_a")["key"] == "second"

    def test_a_kill_between_two_moves_is_no_finished_sweep(self, tmp_path, monkeypatch):
        moves = []
        move = storage.os.replace

        def stop_at_the_last(source, target):
            moves.append(target)
            # Writing the manifest itself is one move, within the folder.
            if len(moves) == 3:
                raise KeyboardInterrupt
            move(source, target)

        monkeypatch.setattr(storage.os, "replace", stop_at_the_last)
        with (
            pytest.raises(KeyboardInterrupt),
            storage.sweep_folder(tmp_path, "S001", "left_p_a") as part,
        ):
            self.write(part, b"first")
        assert moves[-1].name == "left_p_a.json"
        assert storage.read_manifest(tmp_path, "S001", "left_p_a") is None


def test_settings_of_one_profile_are_told_apart_from_another():
    row = PLAN.subject("S001").sweeps[0]
    keys = {
        storage.sweep_key(replace(PLAN.subject("S001"), settings=settings), row)
        for settings in PROFILES.values()
    }
    assert len(keys) == 3
