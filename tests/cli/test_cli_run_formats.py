"""`hipus run` on what other devices write: TUS-REC scans and Clarius exports, the whole way."""

import json
from functools import partial

import numpy as np
import pytest
from made_runs import HIP, label_hip, swept
from made_segmenters import save_model
from made_sweeps import TINY, made_cohort

from hipus import provenance
from hipus.cli.sources import write_sweep
from hipus.formats import clarius
from hipus.formats.clarius_header import Header
from hipus.morphometry import volume_uncertainty
from hipus.motion import model_file
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.training import train
from hipus.segmentation import application

LINES, SAMPLES, FRAMES = 40, 96, 24


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return the options that name a model of volumes and a motion model, hardly trained."""
    folder = tmp_path_factory.mktemp("models")
    settings = TrainingSettings(iterations=2, batch_size=2, validate_every=2, threads=1)
    made = train(TINY, *made_cohort(np.random.default_rng(5)), settings=settings, folder=folder)
    model_file.save(made, folder / "tiny")
    save_model(folder / "3.2", "3.2")
    return ("--model", folder / "3.2", "--motion-model", folder / "tiny")


@pytest.fixture
def go(hipus, models, tmp_path, monkeypatch):
    """Return a function that runs a sweep of a left hip."""
    few = partial(volume_uncertainty.Uncertainty, draws=20)
    monkeypatch.setattr(volume_uncertainty, "Uncertainty", few)
    monkeypatch.setattr(provenance, "commit", lambda: "one commit")

    def call(source, *options):
        return hipus("run", source, "-o", tmp_path / "out", "--side", "left", *models, *options)

    return call


def report(tmp_path) -> dict:
    """Return what was measured."""
    return json.loads((tmp_path / "out" / "measurements.json").read_text())


def export(folder, rng):
    """Write a probe's export: envelope samples of a linear array, with times."""
    header = Header(
        frames=FRAMES, lines=LINES, samples_per_line=SAMPLES, sample_bytes=1, frame_rate_hz=20.0,
        transmit_frequency_hz=10e6, sampling_rate_hz=15e6, imaging_depth_mm=30.0,
        focal_depth_mm=15.0, delay_samples=0, line_element=np.arange(LINES) * 0.6,
        line_angle_deg=np.zeros(LINES),
    )  # fmt: skip
    samples = rng.integers(60, 200, (FRAMES, LINES, SAMPLES), dtype=np.uint8)
    found = clarius.ClariusRecording(samples, 1 + np.arange(FRAMES) / 20, header)
    return clarius.write_raw(found, folder / "hip_env.raw")


class TestTusrec:
    @pytest.fixture
    def scan(self, tmp_path):
        """Return a tracked scan with its calibration beside it."""
        write_sweep(swept(), tmp_path / "left_p_d.h5")
        return tmp_path / "left_p_d.h5"

    def test_the_made_hip_is_measured_by_the_trackers_poses(self, scan, go, tmp_path, monkeypatch):
        monkeypatch.setattr(application, "label_volume", label_hip)
        outcome = go(scan)
        assert outcome.status == 0, outcome
        found = report(tmp_path)
        assert found["measures"]["alpha_deg"]["value"] == pytest.approx(HIP.alpha_deg, abs=2.5)
        assert found["poses"]["told_by"] == "tracker"
        assert found["poses"]["path_mm"] == pytest.approx(44.0, abs=1e-3)
        assert found["origin"] == "recorded"
        inputs = found["made_by"]["inputs"]
        assert {"left_p_d.h5", "left_p_d.calib_matrix.csv"} <= set(inputs)

    def test_without_its_calibration_it_says_what_is_lacking(self, scan, go, tmp_path):
        (tmp_path / "left_p_d.calib_matrix.csv").unlink()
        outcome = go(scan)
        assert outcome.status == 1
        assert "does not state the size of a pixel: name --image-to-probe" in outcome.err
        assert not (tmp_path / "out").exists()


class TestClarius:
    def test_an_export_goes_the_whole_way_by_predicted_poses(self, tmp_path, rng, go, monkeypatch):
        monkeypatch.setattr(application, "label_volume", label_hip)
        outcome = go(export(tmp_path, rng), "--pixel-spacing-mm", "0.6", "0.3", "--keep-poses")
        there = {path.name for path in (tmp_path / "out").iterdir()}
        assert {"poses.csv", "volume.mha", "mask.mha", "measurements.json", "report.html"} <= there
        found = report(tmp_path)
        assert found["poses"]["told_by"] != "tracker"
        assert found["origin"] == "recorded"
        # Two iterations teach a model nothing: what it left of the hip may not be measurable.
        assert outcome.status == 0 or "nothing could be measured:" in outcome.err, outcome

    def test_without_a_scale_it_says_what_is_lacking(self, tmp_path, rng, go):
        outcome = go(export(tmp_path, rng))
        assert outcome.status == 1
        assert "does not state the size of a pixel" in outcome.err
        assert "--pixel-spacing-mm" in outcome.err

    def test_a_tracker_that_was_not_there_is_not_asked(self, tmp_path, rng, go):
        path = export(tmp_path, rng)
        outcome = go(path, "--pixel-spacing-mm", "0.6", "0.3", "--poses", "tracked")
        assert outcome.status == 1
        assert "hip_env.raw" in outcome.err

    @pytest.mark.real
    def test_a_real_export_of_one_picture_is_no_sweep(self, go, real_file, tmp_path):
        real_file("clarius/doppler/carotid_env.yml")
        path = real_file("clarius/doppler/carotid_env.raw")
        outcome = go(path, "--pixel-spacing-mm", "0.2", "0.1")
        assert outcome.status == 1
        assert "must have at least 6 frames for its motion to be predicted, got 1" in outcome.err
