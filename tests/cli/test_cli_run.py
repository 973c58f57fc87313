"""`hipus run`: one sweep in, a folder with everything out; what is finished stays."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import trimesh
from made_recordings import recording, untracked
from made_runs import HIP, label_hip, label_nothing, swept, write_swept
from made_segmenters import save_model
from made_sweeps import TINY, made_cohort
from typer.testing import CliRunner

from hipus import images, provenance, tables
from hipus.cli import run_request, run_steps
from hipus.cli.app import app
from hipus.cli.run_folder import RECORD, folder_sha256
from hipus.cli.run_poses import tracked_sweep
from hipus.cli.run_sweeps import PoseChoice, Recording, input_files, read
from hipus.files import sha256
from hipus.formats import metafile
from hipus.formats.mask_files import read_mask
from hipus.interval_scales import RELATIVE, IntervalScale
from hipus.labels import HipLabel
from hipus.morphometry import volume_uncertainty
from hipus.morphometry.measures import Measure
from hipus.motion import model_file
from hipus.motion.predictions import read_prediction
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.training import train
from hipus.scale_tables import to_table
from hipus.segmentation import application

STEPS = ["poses", "volume", "masks", "meshes", "measurements", "figure", "report"]


@pytest.fixture(scope="module")
def patch():
    """Replace the network by one that knows, and draw as few hips as intervals need."""
    few = partial(volume_uncertainty.Uncertainty, draws=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "label_volume", label_hip)
        patch.setattr(volume_uncertainty, "Uncertainty", few)
        patch.setattr(provenance, "commit", lambda: "one commit")  # of a checkout others edit
        yield patch


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the folder of a model of volumes with voxels of 0.8 mm."""
    return save_model(tmp_path_factory.mktemp("models") / "3.2", "3.2")


@pytest.fixture(scope="module")
def motion_model(tmp_path_factory):
    """Return the folder of a motion model that was hardly trained."""
    settings = TrainingSettings(iterations=2, batch_size=2, validate_every=2, threads=1)
    folder = tmp_path_factory.mktemp("motion")
    made = train(TINY, *made_cohort(np.random.default_rng(5)), settings=settings, folder=folder)
    return model_file.save(made, folder / "tiny") or folder / "tiny"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Return the file of a tracked sweep."""
    return write_swept(tmp_path_factory.mktemp("sweeps") / "left_p_d.igs.mha")


@pytest.fixture(scope="module")
def finished(patch, model, sweep, tmp_path_factory):
    """Return a finished run's folder, and what the terminal showed."""
    folder = tmp_path_factory.mktemp("runs") / "out"
    done = CliRunner().invoke(app, _arguments(sweep, folder, model))
    assert done.exit_code == 0, (done.stderr, done.exception)
    return folder, done


@pytest.fixture
def folder(finished, tmp_path):
    """Return a copy of the finished run."""
    return shutil.copytree(finished[0], tmp_path / "out")


@pytest.fixture
def go(patch, hipus, model, sweep, tmp_path):
    """Return a function that runs the sweep, or another, into a folder."""

    def call(*options, source=sweep, out=tmp_path / "out"):
        return hipus(*_arguments(source, out, model), *options)

    return call


def _arguments(source, out, model) -> list[str]:
    return ["run", str(source), "-o", str(out), "--side", "left", "--model", str(model)]


def _kept(outcome) -> list[str]:
    """Return the steps that were not made anew."""
    return [line.split()[1][:-1] for line in outcome.err.splitlines() if line.endswith(": kept")]


def _report(folder) -> dict:
    return json.loads((folder / "measurements.json").read_text())


class TestOneSweep:
    def test_the_made_hip_is_measured(self, finished):
        folder, _ = finished
        report = _report(folder)
        for name, made, within in (
            ("alpha_deg", HIP.alpha_deg, 2.5),
            ("femoral_head_coverage_percent", HIP.coverage_percent, 3.0),
            ("head_radius_mm", HIP.radius_mm, 0.15),
        ):
            one = report["measures"][name]
            assert one["value"] == pytest.approx(made, abs=within)
            assert one["lower"] < one["upper"]
        assert report["side"]["stated"] == report["side"]["by_anatomy"] == "left"
        assert report["graf_type"]["name"] == "I"
        assert report["spacing_from"] == "the volume"

    def test_everything_lies_in_the_folder_and_nothing_half_written(self, finished):
        folder, _ = finished
        there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        record = json.loads((folder / RECORD).read_text())
        assert list(record["steps"]) == STEPS
        files = {name for step in record["steps"].values() for name in step["files"]}
        assert there == files | {RECORD}
        assert {"poses.csv", "volume.mha", "mask.mha", "mask.mha.labels.json", "graf.png",
                "measurements.json", "report.html"} < files  # fmt: skip

    def test_the_terminal_shows_steps_times_and_numbers(self, finished):
        folder, done = finished
        shown = json.loads(done.stdout)
        assert list(shown["seconds"]) == STEPS
        assert all(seconds > 0 for seconds in shown["seconds"].values())
        assert shown["seconds_this_time"] >= sum(shown["seconds"].values()) * 0.99
        assert shown["disclaimer"] == "Not a medical device."
        alpha = Measure(**_report(folder)["measures"]["alpha_deg"])
        assert shown["measures"]["alpha_deg"] == str(alpha)
        assert "[7/7] report:" in done.stderr

    def test_meshes_are_millimetres_where_the_volume_lies(self, finished):
        folder, _ = finished
        mask = read_mask(folder / "mask.mha")
        head = trimesh.load(folder / "meshes/femoral_head.stl", file_type="stl")
        voxels = np.argwhere(mask.array == HipLabel.FEMORAL_HEAD)[:, ::-1]
        middle = voxels.mean(axis=0) * 0.8 + mask.origin_xyz_mm
        np.testing.assert_allclose(head.centroid, middle, atol=0.1)
        assert np.ptp(head.vertices, axis=0) == pytest.approx([16.0] * 3, abs=0.6)
        assert b"SPACE=LPS" in (folder / "meshes/femoral_head.stl").read_bytes()[:80]
        record = json.loads((folder / RECORD).read_text())["steps"]["meshes"]
        assert record["facts"]["not_labelled"] == ["chondro_osseous_border", "labrum"]

    def test_poses_are_the_trackers(self, finished):
        folder, _ = finished
        found = read_prediction(folder / "poses.csv").T_centre_to_first
        np.testing.assert_allclose(found[-1, :3, 3], [0, 0, -44.0], atol=1e-6)
        assert _report(folder)["poses"]["told_by"] == "tracker"
        assert _report(folder)["poses"]["path_mm"] == pytest.approx(44.0)

    def test_it_says_what_made_it(self, finished, model, sweep):
        made_by = _report(finished[0])["made_by"]
        assert made_by["command"] == "hipus run"
        assert made_by["inputs"][sweep.name]["sha256"] == sha256(sweep)
        assert made_by["models"] == {"masks": {"name": "3.2", "sha256": folder_sha256(model)}}
        assert {"mask.mha", "volume.mha"} < set(made_by["inputs"])
        assert _report(finished[0])["origin"] == "simulated"

    def test_it_says_that_intervals_hold_labels_only(self, finished):
        told = _report(finished[0])["uncertainty"]["intervals"]
        assert told == {"hold": "labels only, not of tracked poses"}

    def test_the_mask_is_measured_alike_by_itself(self, finished, hipus, tmp_path):
        folder, out = finished[0], tmp_path / "again.json"
        hipus("measure", folder / "volume.mha", "--mask", folder / "mask.mha", "--side", "left",
              "-o", out)  # fmt: skip
        again = json.loads(out.read_text())["measures"]
        for name, one in _report(folder)["measures"].items():
            assert again[name]["value"] == one["value"]


class TestPredicted:
    def test_an_untracked_sweep_is_predicted(self, go, motion_model, tmp_path, rng):
        sequence = metafile.from_sweep(untracked(recording(rng, side="left", sweep_id="p_a")))
        source = metafile.write(tmp_path / "a.igs.mha", replace(sequence, transforms={}))
        options = ("--motion-model", motion_model, "--sweep-type", "p_a")
        outcome = go(*options, source=source)
        poses = _report(tmp_path / "out")["poses"]
        assert poses["told_by"].startswith("motion model")
        assert poses["why_predicted"] == "the file holds no poses"
        assert poses["frames_kept"] < poses["frames_total"] == 40
        table = pd.read_csv(tmp_path / "out/poses.csv")
        assert (table.sd_elevational_mm[1:] > 0).all()
        models = _report(tmp_path / "out")["made_by"]["models"]
        assert models["poses"]["sha256"] == folder_sha256(motion_model)
        assert outcome.err.splitlines()[0] == "[1/7] poses ..."
        facts = json.loads((tmp_path / "out" / RECORD).read_text())["steps"]["volume"]["facts"]
        told = pd.read_csv(tmp_path / "out/poses_round.csv")
        assert len(told) == len(table)
        way = [np.ptp(one.m23) for one in (table, told)]
        assert way[1] == pytest.approx(way[0] * facts["made_round"]["stretch"], rel=0.05)
        assert _report(tmp_path / "out")["uncertainty"]["intervals"]["hold"] == (
            "labels only, not of rounded poses"
        )
        go(*options, "--keep-poses", source=source)
        assert not (tmp_path / "out/poses_round.csv").exists()
        intervals = _report(tmp_path / "out")["uncertainty"]["intervals"]
        assert intervals["hold"] == "labels only, not of predicted poses"

    def test_a_tracker_that_lost_the_sweep_is_not_followed(self, tmp_path):
        path = write_swept(tmp_path / "left.igs.mha", tracked=20)
        found, why = tracked_sweep(Recording(path, "left"))
        assert (found, why) == (None, "only 44 % of its frames are tracked")
        with pytest.raises(ValueError, match="--poses tracked, but only 44 % .* are tracked"):
            tracked_sweep(Recording(path, "left", choice=PoseChoice.TRACKED))

    def test_predicted_poses_can_be_asked_for(self, sweep):
        found, why = tracked_sweep(Recording(sweep, "left", choice=PoseChoice.PREDICTED))
        assert (found, why) == (None, "predicted poses were asked for")
        assert tracked_sweep(Recording(sweep, "left"))[0] is not None

    def test_poses_of_an_uncalibrated_probe_are_not_taken(self, tmp_path):
        bare = replace(swept(), T_pixel_to_probe=None, pixel_spacing_xy_mm=(1.2, 1.3))
        path = metafile.write(tmp_path / "left.igs.mha", metafile.from_sweep(bare))
        assert tracked_sweep(Recording(path, "left"))[1] == (
            "its poses are of an uncalibrated probe"
        )


class TestAgain:
    def test_a_finished_run_is_kept_whole(self, go, folder):
        before = {path: path.stat().st_mtime_ns for path in folder.glob("*.mha")}
        outcome = go()
        assert _kept(outcome) == STEPS
        assert before == {path: path.stat().st_mtime_ns for path in folder.glob("*.mha")}
        assert outcome.json["measures"]["alpha_deg"] == str(
            Measure(**_report(folder)["measures"]["alpha_deg"])
        )

    def test_an_option_makes_anew_what_depends_on_it(self, go, folder):
        assert _kept(go("--age-days", "100")) == STEPS[:4]
        assert _kept(go("--age-days", "100")) == STEPS

    def test_a_crash_leaves_what_was_finished_and_goes_on_there(self, go, monkeypatch, tmp_path):
        with monkeypatch.context() as crash:
            crash.setattr(run_steps, "make_meshes", _fails)
            outcome = go()
        assert (outcome.status, "the disk is gone" in outcome.err) == (1, True)
        out = tmp_path / "out"
        names = {path.name for path in out.iterdir()}
        files = {"poses.csv", "volume.mha", "mask.mha", "mask.mha.labels.json"}
        assert names == {RECORD} | files
        assert _kept(go()) == STEPS[:3]
        assert (out / "report.html").is_file()

    def test_a_changed_file_is_made_anew_with_all_that_follows(self, go, folder, caplog):
        mask = images.read(folder / "mask.mha")
        images.write(replace(mask, array=np.zeros_like(mask.array)), folder / "mask.mha")
        assert _kept(go()) == STEPS[:2]
        assert "mask.mha changed since, made anew" in caplog.text
        assert _report(folder)["measures"]["alpha_deg"]["value"] is not None

    def test_surfaces_that_are_no_more_are_removed(self, go, folder, monkeypatch):
        monkeypatch.setattr(application, "label_volume", label_nothing)
        (folder / "mask.mha").unlink()
        outcome = go()
        assert outcome.status == 1
        assert "nothing could be measured: no femoral head label" in outcome.err
        assert list((folder / "meshes").glob("*")) == []
        page = (folder / "report.html").read_text()
        assert "No structure was labelled" in page
        assert "refused: no femoral head label" in page

    def test_a_folder_of_another_sweep_is_refused_unless_overwritten(self, go, folder, tmp_path):
        (folder / "notes.txt").write_text("mine")
        other = write_swept(tmp_path / "left_p_a.igs.mha", sweep_id="left_p_a")
        outcome = go(source=other)
        assert outcome.status == 1
        assert "holds a run of left_p_d.igs.mha (sha256 " in outcome.err
        assert "asked for left_p_a.igs.mha" in outcome.err
        assert _kept(go()) == STEPS
        again = go("--overwrite", source=other)
        assert (again.status, _kept(again)) == (0, [])
        assert _report(folder)["source"] == "left_p_a.igs.mha"
        assert (folder / "notes.txt").read_text() == "mine"


class TestIntervalScales:
    @pytest.fixture
    def table(self, tmp_path):
        """Return a table that makes alpha's interval three times as wide, to one side more."""
        scale = IntervalScale(RELATIVE, 3.0, 3.0, 0.5, 0.0, 0.95, 40, 0)
        keys = ["poses", "masks", "sweep_type", "measure"]
        rows = to_table({("tracked", "model", "p_d", "alpha_deg"): scale}, keys)
        return tables.write(rows, tmp_path / "scales.csv", key=keys)

    def test_a_table_widens_intervals_and_moves_values(self, go, finished, folder, table):
        before = _report(folder)["measures"]
        outcome = go("--sweep-type", "p_d", "--interval-scales", table)
        assert outcome.status == 0, outcome.err
        report = _report(folder)
        raw, wide = before["alpha_deg"], report["measures"]["alpha_deg"]
        assert wide["upper"] - wide["lower"] == pytest.approx(3 * (raw["upper"] - raw["lower"]))
        assert wide["value"] == pytest.approx(raw["value"] + 0.5)
        assert wide["upper"] == pytest.approx(
            raw["value"] + 0.5 + 3 * (raw["upper"] - raw["value"])
        )
        told = report["uncertainty"]["intervals"]
        assert told["scaled"] == ["alpha_deg"]
        assert "femoral_head_coverage_percent" in told["labels_only"]
        assert "beta_deg" not in told["labels_only"]
        assert "head_radius_mm" in (folder / "report.html").read_text()

    def test_a_table_without_such_hips_is_refused(self, go, folder, table):
        outcome = go("--interval-scales", table)
        assert (
            "must have scales for poses tracked, masks model, sweep_type not stated" in outcome.err
        )
        assert "has poses tracked, masks model, sweep_type p_d" in outcome.err
        assert _kept(go()) == STEPS
        missing = go("--interval-scales", folder / "none.csv")
        assert "none.csv is missing: no scales of intervals to read" in missing.err
        table.write_text("poses,scale\ntracked,2\n")
        assert "scales.csv: needs columns" in go("--interval-scales", table).err


class TestWhatIsRefused:
    def test_a_sweep_called_by_the_other_side(self, refused, sweep, model, tmp_path):
        told = refused("run", sweep, "-o", tmp_path / "out", "--side", "right", "--model", model)
        assert "--side says right, the sweep is called 'left_p_d'" in told
        assert not (tmp_path / "out").exists()

    def test_a_sweep_without_a_scale(self, refused, model, tmp_path):
        bare = metafile.from_sweep(replace(swept(), T_pixel_to_probe=None,
                                           pixel_spacing_xy_mm=None))  # fmt: skip
        path = metafile.write(tmp_path / "s.igs.mha", bare)
        told = refused("run", path, "-o", tmp_path / "out", "--side", "left", "--model", model)
        assert "does not state the size of a pixel: name --image-to-probe or" in told

    def test_a_sweep_that_is_missing(self, refused, tmp_path):
        told = refused("run", tmp_path / "no.igs.mha", "-o", tmp_path / "out", "--side", "left")
        assert told.endswith("no.igs.mha is missing")

    def test_a_model_of_frames(self, refused, sweep, tmp_path):
        folder = save_model(tmp_path / "2.1", "2.1")
        told = refused("run", sweep, "-o", tmp_path / "out", "--side", "left", "--model", folder)
        assert "--model must label volumes (3.1 or 3.2), model 2.1 labels frames" in told
        assert not (tmp_path / "out").exists()

    def test_options_that_mean_nothing(self, go):
        for options, message in (
            (("--age-days", "-1"), "--age-days must be at least 0"),
            (("--poses", "best"), "'best' is not one of"),
        ):
            outcome = go(*options)
            assert outcome.status == 2
            assert message in " ".join(outcome.err.replace("│", " ").split())

    def test_a_probe_that_did_not_travel_is_named(self, go, tmp_path):
        still = swept()
        poses = np.repeat(still.T_probe_to_reference[:1], len(still), axis=0)
        sequence = metafile.from_sweep(replace(still, T_probe_to_reference=poses))
        path = metafile.write(tmp_path / "left.igs.mha", sequence)
        outcome = go(source=path)
        assert outcome.status == 1
        assert f"hipus: error: {path}: " in outcome.err


class TestInputs:
    def test_pixels_and_logs_beside_a_header_count(self, tmp_path):
        header = metafile.write(tmp_path / "left.igs.mhd", metafile.from_sweep(swept()))
        found = input_files(Recording(header, "left"))
        assert found[0] == header
        assert len(found) == 2
        raw = tmp_path / "hip_env.raw"
        for name in ("hip_env.raw", "hip_env.yml", "hip_imu.yml"):
            (tmp_path / name).write_bytes(b"0")
        assert [path.name for path in input_files(Recording(raw, "left"))] == [
            *("hip_env.raw", "hip_env.yml", "hip_imu.yml")
        ]

    def test_a_calibration_that_is_named_counts(self, sweep, calibration_json):
        one = Recording(sweep, "left", image_to_probe=calibration_json)
        assert input_files(one) == [sweep, calibration_json]
        assert read(one).pixel_spacing_xy_mm == (1.0, 1.0)

    def test_a_run_knows_the_names_of_its_files(self, finished):
        names = {run_request.POSES, run_request.VOLUME, run_request.MASK, run_request.FIGURE,
                 run_request.REPORT, run_request.MEASUREMENTS, run_request.MESHES}  # fmt: skip
        assert names < {path.name for path in finished[0].iterdir()}


def _fails(run):
    raise OSError("the disk is gone")
