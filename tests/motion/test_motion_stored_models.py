"""Models by name and kind."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made_sweeps import TINY, made_cohort, made_sweep
from pace_sweeps import PX, TYPES, paced_cohort, paced_sweep

from hipus import rotations
from hipus.motion import model_file, stored_models, sweep_context_file
from hipus.motion.network_prediction import NetworkPredictor
from hipus.motion.sweep_context import SweepContext
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.training import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a network that was hardly trained."""
    sweeps = made_cohort(np.random.default_rng(5))
    settings = TrainingSettings(iterations=2, batch_size=4, validate_every=2, threads=1)
    model = train(TINY, *sweeps, settings=settings, folder=tmp_path_factory.mktemp("work"))
    return model_file.save(model, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory):
    """Return the folder of the study's own arm, fitted on few sweeps."""
    model = SweepContext.fit(paced_cohort(np.random.default_rng(6), subjects=4))
    folder = tmp_path_factory.mktemp("models") / "own"
    return sweep_context_file.save(model, folder, origin="recorded")


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

    def test_the_studys_own_arm_comes_as_it_was_saved(self, own_folder):
        found = stored_models.load(own_folder)
        assert isinstance(found.predictor, SweepContext)
        assert (found.kind, found.input_px, found.origin) == ("sweep_context", PX, "recorded")
        assert set(found.reference_pictures) == set(TYPES)

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
    def test_is_fused_with_the_studys_own_arm_where_there_is_any(self, rng, own_folder):
        model = stored_models.load(own_folder)
        sweep = paced_sweep(rng, 0.2, subject_id="S900", sweep_type="p_a")
        turns = rotations.from_rotation_vector(0.01 * rng.standard_normal((len(sweep) - 1, 3)))
        alone, fused = sweep, replace(sweep, imu_rotations=turns)
        assert model.predictor_for(alone) is model.predictor
        both = model.predictor_for(fused)
        assert both.name == "IMU rotation + sweep context"
        found, steps = (one.predict(fused).T_next_to_previous for one in (both, model.predictor))
        np.testing.assert_allclose(found[:, :3, :3], turns, atol=1e-12)
        np.testing.assert_array_equal(found[:, :3, 3], steps[:, :3, 3])

    def test_is_left_to_a_network_itself(self, rng, folder):
        model = stored_models.load(folder)
        assert model.predictor_for(made_sweep(rng)) is model.predictor
