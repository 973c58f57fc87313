"""Models by name and kind."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_sweeps import TINY, made_cohort, made_sweep

import hipus.motion
from hipus.motion import model_file, stored_models
from hipus.motion.network_prediction import NetworkPredictor
from hipus.motion.stored_models import StoredModel
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.training import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a network that was hardly trained."""
    sweeps = made_cohort(np.random.default_rng(5))
    settings = TrainingSettings(iterations=2, batch_size=4, validate_every=2, threads=1)
    model = train(TINY, *sweeps, settings=settings, folder=tmp_path_factory.mktemp("work"))
    return model_file.save(model, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Return the results folder of an empty study."""
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    return tmp_path / "results"


def describe(folder, **about):
    """Write the description of a model."""
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps(about))
    return folder


class TestFind:
    def test_the_longest_trained_of_a_name_comes_first(self, results):
        small, paper = (
            describe(results / profile / "models" / "motion" / "published")
            for profile in ("small", "paper")
        )
        assert stored_models.find("published") == paper
        assert stored_models.find("published", ["small"]) == small

    def test_a_folder_stands_for_itself(self, results, tmp_path):
        folder = describe(tmp_path / "mine")
        assert stored_models.find(folder) == folder

    def test_a_missing_one_names_places_those_there_are_and_the_stage(self, results):
        describe(results / "small" / "models" / "motion" / "published")
        with pytest.raises(FileNotFoundError, match="model 'publishd' is missing") as raised:
            stored_models.find("publishd")
        message = str(raised.value)
        for part in (
            "paper/models/motion/publishd",
            "there is published",
            "dvc repro motion@small",
        ):
            assert part in message

    def test_no_model_at_all_says_none(self, results):
        with pytest.raises(FileNotFoundError, match=r"there is none\. .* motion@smoke"):
            stored_models.find("published", ["smoke"])


class TestLoad:
    def test_a_network_comes_with_what_preparing_needs(self, folder):
        found = stored_models.load(folder)
        assert isinstance(found.predictor, NetworkPredictor)
        assert (found.kind, found.input_px, found.origin) == ("network", 16, "simulated")
        assert set(found.reference_pictures) == {"p_a"}

    def test_the_studys_own_arm_is_read_by_its_own_module(self, tmp_path, monkeypatch):
        own = SimpleNamespace(name="own", input_px=96, reference_pictures={})
        module = SimpleNamespace(load=lambda folder: own)
        monkeypatch.setattr(hipus.motion, "sweep_context", module, raising=False)
        about = {"kind": "sweep_context", "origin": "recorded"}
        found = stored_models.load(describe(tmp_path / "own", **about))
        assert found.predictor is own
        assert (found.kind, found.input_px, found.origin) == ("sweep_context", 96, "recorded")

    def test_an_unknown_kind_is_refused(self, tmp_path):
        folder = describe(tmp_path / "odd", kind="oracle")
        with pytest.raises(ValueError, match=r"kind must be one of .*, got 'oracle'"):
            stored_models.load(folder)

    def test_a_folder_without_a_description_is_no_model(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="is no motion model: it has no model.json"):
            stored_models.load(tmp_path)

    def test_a_damaged_description_is_named(self, tmp_path):
        describe(tmp_path / "odd").joinpath("model.json").write_text("{")
        with pytest.raises(ValueError, match=r"model\.json is not JSON"):
            stored_models.load(tmp_path / "odd")

    def test_a_description_that_is_a_list_is_refused(self, tmp_path):
        describe(tmp_path / "odd").joinpath("model.json").write_text("[]")
        with pytest.raises(ValueError, match="must be a JSON object, got list"):
            stored_models.load(tmp_path / "odd")


class TestInertialRotation:
    def test_is_fused_with_the_studys_own_arm_where_there_is_any(self, rng):
        own = SimpleNamespace(name="own")
        model = StoredModel(Path("own"), "sweep_context", own, 16)
        assert model.predictor_for(made_sweep(rng)).name == "IMU rotation + own"
        assert model.predictor_for(made_sweep(rng, has_imu=False)) is own

    def test_is_left_to_a_network_itself(self, rng):
        network = SimpleNamespace(name="net")
        model = StoredModel(Path("net"), "network", network, 16)
        assert model.predictor_for(made_sweep(rng)) is network
