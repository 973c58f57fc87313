"""A model from elsewhere: added under its hash, verified, and used by `segment` and `run`."""

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made_runs import label_hip, write_swept
from study_folders import make_study_folder

from hipus import images, provenance
from hipus.formats.mask_files import read_mask
from hipus.morphometry import volume_uncertainty
from hipus.segmentation import application

sys.path.append(str(Path(__file__).parents[1] / "intake"))

from made_nnunet import save_nnunet

NAME = "released-3.2"


@pytest.fixture
def added(tmp_path, hipus, monkeypatch):
    """Add a tiny nnU-Net under its hash; return where it was put."""
    monkeypatch.setenv("HIPUS_ROOT", str(make_study_folder(tmp_path)))
    monkeypatch.setattr(provenance, "commit", lambda: "one commit")
    folder, digest, _ = save_nnunet(tmp_path / "elsewhere")
    outcome = hipus("models", "add", folder, "--name", NAME, "--sha256", digest)
    assert outcome.status == 0, outcome
    return Path(outcome.json["written"])


def test_another_hash_adds_nothing(tmp_path, refused, monkeypatch):
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    folder, _, _ = save_nnunet(tmp_path / "elsewhere")
    told = refused("models", "add", folder, "--name", NAME, "--sha256", 64 * "0")
    assert "must have the SHA-256 000" in told
    assert not (tmp_path / "results").exists()


def test_it_is_listed_and_verified(added, hipus):
    (row,) = hipus("models", "list").json["models"]
    assert (row["name"], row["purpose"], row["origin"]) == (NAME, "segmentation", "recorded")
    outcome = hipus("models", "verify", NAME)
    assert outcome.status == 0
    assert [one["folder"] for one in outcome.json["verified"]] == [str(added)]


def test_weights_that_were_changed_afterwards_fail(added, hipus):
    with open(added / "weights.pt", "ab") as stream:
        stream.write(b"x")
    outcome = hipus("models", "verify", NAME)
    assert outcome.status == 1
    assert list(outcome.json["failed"]) == [str(added)]


def test_it_labels_a_volume(added, hipus, tmp_path, rng):
    grey = rng.integers(1, 200, (20, 24, 18), dtype=np.uint8)
    images.write(images.Volume(grey, (0.8, 0.8, 0.8), (0.0, 0.0, 0.0)), tmp_path / "v.mha")
    outcome = hipus("segment", tmp_path / "v.mha", "--model", NAME, "-o", tmp_path / "m.mha")
    assert outcome.status == 0, outcome
    mask = read_mask(tmp_path / "m.mha")
    assert mask.array.shape == grey.shape
    assert len(np.unique(mask.array)) > 1
    assert NAME in (tmp_path / "m.mha.labels.json").read_text()


def test_a_run_opens_it_and_says_that_it_did(added, hipus, tmp_path, monkeypatch):
    monkeypatch.setattr(application, "label_volume", label_hip)  # by chance there is no hip
    few = partial(volume_uncertainty.Uncertainty, draws=20)
    monkeypatch.setattr(volume_uncertainty, "Uncertainty", few)
    sweep, out = write_swept(tmp_path / "left_p_d.igs.mha"), tmp_path / "out"
    outcome = hipus("run", sweep, "-o", out, "--side", "left", "--model", NAME, "--fast")
    assert outcome.status == 0, outcome
    report = json.loads((out / "measurements.json").read_text())
    assert report["made_by"]["models"]["masks"]["name"] == NAME
    assert f"model {NAME}" in (out / "mask.mha.labels.json").read_text()
