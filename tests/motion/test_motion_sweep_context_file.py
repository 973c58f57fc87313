"""The study's own arm on disk: nothing lost, nothing taken that does not belong together."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from pace_sweeps import TYPES, paced_cohort, paced_sweep

from hipus.files import sha256
from hipus.motion import sweep_context_file
from hipus.motion.sweep_context import SweepContext

ABOUT, WEIGHTS = sweep_context_file.ABOUT, sweep_context_file.WEIGHTS


@pytest.fixture(scope="module")
def model():
    """Return an arm that was fitted on few sweeps."""
    return SweepContext.fit(paced_cohort(np.random.default_rng(7), subjects=4))


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    """Return the folder that it was saved to."""
    return sweep_context_file.save(model, tmp_path_factory.mktemp("models") / "own")


@pytest.fixture
def folder(saved, tmp_path):
    """Return a copy of the model to damage."""
    return shutil.copytree(saved, tmp_path / "own")


def described(folder, **changes):
    """Change the description; a value of None takes the key away."""
    about = json.loads((folder / ABOUT).read_text()) | changes
    about = {key: value for key, value in about.items() if value is not None}
    (folder / ABOUT).write_text(json.dumps(about))


def rewritten(folder, change):
    """Change the arrays and let the description speak of the changed ones."""
    with np.load(folder / WEIGHTS) as stored:
        arrays = dict(stored)
    change(arrays)
    np.savez(folder / WEIGHTS, **arrays)
    described(folder, sha256=sha256(folder / WEIGHTS))


class TestRoundTrip:
    @pytest.mark.parametrize("sweep_type", [*TYPES, ""])
    def test_predictions_are_bitwise_the_same(self, model, saved, rng, sweep_type):
        sweep = paced_sweep(rng, 0.2, subject_id="S900", sweep_type="p_d")
        sweep = replace(sweep, sweep_type=sweep_type)
        before, after = (one.predict(sweep) for one in (model, sweep_context_file.load(saved)))
        for name in ("T_next_to_previous", "sd_mm", "sd_deg", "shared"):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))

    def test_what_it_is_comes_back(self, model, saved):
        found = sweep_context_file.load(saved)
        assert found.training_subjects == model.training_subjects
        assert (found.name, found.input_px) == (model.name, model.input_px)
        assert found.shape.penalty == model.shape.penalty
        assert {k: p.penalty for k, p in found.paces.items()} == {
            k: p.penalty for k, p in model.paces.items()
        }
        np.testing.assert_array_equal(found.shape.spread.sd_mm, model.shape.spread.sd_mm)
        for kind in TYPES:
            np.testing.assert_array_equal(
                found.reference_pictures[kind], model.reference_pictures[kind]
            )

    def test_the_description_says_where_it_comes_from(self, model, saved):
        about = json.loads((saved / ABOUT).read_text())
        assert about["kind"] == "sweep_context"
        assert about["origin"] == "simulated"
        assert about["sha256"] == sha256(saved / WEIGHTS)
        assert about["training_subjects"] == ["S001", "S002", "S003", "S004"]
        assert about["shape"]["types"] == list(TYPES)
        assert "numpy" in about["versions"]

    def test_saving_again_writes_the_same_arrays_and_leaves_two_files(self, model, folder):
        before = sha256(folder / WEIGHTS)
        sweep_context_file.save(sweep_context_file.load(folder), folder, origin="recorded")
        assert sha256(folder / WEIGHTS) == before
        assert sorted(path.name for path in folder.iterdir()) == [ABOUT, WEIGHTS]
        assert json.loads((folder / ABOUT).read_text())["origin"] == "recorded"

    def test_a_save_that_fails_leaves_the_model_that_was_there(self, model, folder, monkeypatch):
        before = [(folder / name).read_bytes() for name in (ABOUT, WEIGHTS)]

        def full(stream, **arrays):
            stream.write(b"half")
            raise OSError("no space left")

        monkeypatch.setattr(np, "savez", full)
        with pytest.raises(OSError, match="no space left"):
            sweep_context_file.save(model, folder)
        assert [(folder / name).read_bytes() for name in (ABOUT, WEIGHTS)] == before
        assert len(list(folder.iterdir())) == 2


class TestRefused:
    @pytest.mark.parametrize("name", [ABOUT, WEIGHTS])
    def test_a_missing_file(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"no sweep context model: it has no {name}"):
            sweep_context_file.load(folder)

    def test_arrays_of_another_hash(self, folder):
        with open(folder / WEIGHTS, "ab") as stream:
            stream.write(b"\0")
        with pytest.raises(ValueError, match=r"weights\.npz must have the SHA-256 .* got"):
            sweep_context_file.load(folder)

    @pytest.mark.parametrize("kind", ["network", None])
    def test_another_kind_of_model(self, folder, kind):
        described(folder, kind=kind)
        with pytest.raises(ValueError, match=f"kind must be 'sweep_context', got {kind!r}"):
            sweep_context_file.load(folder)

    @pytest.mark.parametrize("key", ["penalties", "sha256", "shape", "training_subjects"])
    def test_a_description_that_lacks_a_key(self, folder, key):
        described(folder, **{key: None})
        with pytest.raises(ValueError, match=rf"model\.json lacks \['{key}'\]"):
            sweep_context_file.load(folder)

    @pytest.mark.parametrize(
        ("text", "said"),
        [("{", "is not JSON"), ("[]", "must be a JSON object, got list"), ("1", "got int")],
    )
    def test_a_description_that_is_no_object(self, folder, text, said):
        (folder / ABOUT).write_text(text)
        with pytest.raises(ValueError, match=rf"model\.json .*{said}"):
            sweep_context_file.load(folder)

    @pytest.mark.parametrize("name", ["pace.p_d.weights", "picture.p_a", "basis.axes"])
    def test_arrays_that_are_incomplete(self, folder, name):
        rewritten(folder, lambda arrays: arrays.pop(name))
        with pytest.raises(ValueError, match=f"incomplete model: '{name}' is missing"):
            sweep_context_file.load(folder)

    def test_a_shape_that_lacks_its_context(self, folder):
        described(folder, shape={"types": ["p_a", "p_d"], "penalty": 0.1})
        with pytest.raises(ValueError, match="incomplete model: 'context' is missing"):
            sweep_context_file.load(folder)

    def test_arrays_that_could_run_something(self, folder):
        rewritten(folder, lambda arrays: arrays.update({"basis.mean": np.array([{}])}))
        with pytest.raises(ValueError, match="allow_pickle=False"):
            sweep_context_file.load(folder)
