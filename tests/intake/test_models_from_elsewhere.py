"""Models listed, verified, and made of an nnU-Net's folder: a hash that is stated, tensors only."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_nnunet import save_nnunet

from hipus import paths
from hipus.files import sha256
from hipus.intake import stored_models
from hipus.intake.nnunet_folder import CHECKPOINT, ForeignModel, add_nnunet
from hipus.segmentation import model_files
from hipus.segmentation.prediction import Segmenter
from hipus.segmentation.stored_models import find


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Put the study's folder into a temporary one."""
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def trained(root):
    """Return an nnU-Net's folder as nnU-Net leaves it, and what is stated of it."""
    folder, digest, network = save_nnunet(root)
    return folder, ForeignModel("released-3.2", "3.2", "hip", digest), network


class TestAdding:
    def test_it_is_found_by_name_and_labels_a_volume_like_the_original(self, trained, rng):
        folder, stated, network = trained
        added = add_nnunet(folder, stated)
        assert find("released-3.2") == added
        model = model_files.load(added)
        assert model.plan["spacing"] == [0.8, 0.8, 0.8]
        network.decoder.deep_supervision = False
        picture = torch.from_numpy(rng.normal(size=(1, 1, 16, 16, 16)).astype(np.float32))
        with torch.no_grad():
            np.testing.assert_array_equal(model.network(picture), network.eval()(picture))
        labels = Segmenter.load(added, is_mirrored=True).segment_volume(
            rng.integers(1, 200, (16, 16, 16)), spacing_zyx_mm=(0.8, 0.8, 0.8)
        )
        assert labels.shape == (16, 16, 16)

    def test_what_is_kept_are_tensors_and_where_they_came_from(self, trained):
        folder, stated, _ = trained
        added = add_nnunet(folder, stated)
        about = json.loads((added / "model.json").read_text())
        assert about["made_from"]["sha256"] == stated.sha256
        assert about["origin"] == "recorded"
        weights = torch.load(added / "weights.pt", weights_only=True)
        assert all(isinstance(value, torch.Tensor) for value in weights.values())
        assert "not a medical device" in (added / "README.md").read_text().lower()

    def test_another_hash_is_refused_before_anything_is_read(self, trained, monkeypatch):
        folder, stated, _ = trained
        monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was read"))
        with pytest.raises(ValueError, match="must have the SHA-256 0000"):
            add_nnunet(folder, replace(stated, sha256=64 * "0"))

    def test_what_would_run_is_never_run(self, trained, tmp_path):
        folder, stated, _ = trained

        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "ran"), "w"))

        path = folder / "fold_0" / CHECKPOINT
        torch.save({"network_weights": {}, "x": Evil()}, path, pickle_module=pickle)
        with pytest.raises(ValueError, match="no checkpoint that holds data only"):
            add_nnunet(folder, replace(stated, sha256=sha256(path)))
        assert not (tmp_path / "ran").exists()
        assert not (paths.results_dir("paper") / "models").exists()

    def test_weights_of_another_network_and_things_that_are_none(self, trained):
        folder, stated, _ = trained
        path = folder / "fold_0" / CHECKPOINT
        for weights, message in (
            ({"x.weight": torch.ones(2)}, "are none of the network's"),
            ({}, "describe no network of ours: weights must be those"),
            ({"x": 3}, "must hold tensors only"),
        ):
            torch.save({"network_weights": weights}, path)
            with pytest.raises(ValueError, match=message):
                add_nnunet(folder, replace(stated, sha256=sha256(path)))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"name": "3.2"}, "none of the study's own"),
            ({"name": "../x"}, "name must be letters"),
            ({"kind": "9"}, r"kind must be one of \['2.1'"),
            ({"scheme": "knee"}, "label scheme must be one of"),
            ({"sha256": "abc"}, "must be 64 hexadecimal digits"),
        ],
    )
    def test_statements_that_cannot_be(self, trained, change, message):
        folder, stated, _ = trained
        with pytest.raises(ValueError, match=message):
            add_nnunet(folder, replace(stated, **change))

    def test_a_name_is_taken_once(self, trained):
        folder, stated, _ = trained
        add_nnunet(folder, stated)
        with pytest.raises(FileExistsError, match="choose another --name"):
            add_nnunet(folder, stated)

    def test_plans_and_labels_that_are_not_ours(self, trained):
        folder, stated, _ = trained
        for name, content, message in (
            ("dataset.json", {"labels": {"background": 0, "tumour": 1}}, "must be those of scheme"),
            ("dataset.json", [], "must hold an object"),
            ("plans.json", {"configurations": {"2d": {}}}, "no configuration '3d_fullres'"),
            ("plans.json", {"configurations": {"3d_fullres": {}}}, "state no architecture"),
            (
                "plans.json",
                {"configurations": {"3d_fullres": {"inherits_from": "x"}}},
                "inherits from missing 'x'",
            ),
        ):
            before = (folder / name).read_text()
            (folder / name).write_text(json.dumps(content))
            with pytest.raises(ValueError, match=message):
                add_nnunet(folder, stated)
            (folder / name).write_text(before)
        (folder / "plans.json").write_text("{")
        with pytest.raises(ValueError, match="is not JSON"):
            add_nnunet(folder, stated)
        (folder / "plans.json").unlink()
        with pytest.raises(FileNotFoundError, match="plans.json is missing"):
            add_nnunet(folder, stated)

    def test_a_folder_of_another_name(self, trained):
        folder, stated, _ = trained
        other = folder.rename(folder.with_name("model"))
        with pytest.raises(ValueError, match="must be named TRAINER__PLANS__CONFIGURATION"):
            add_nnunet(other, stated)


class TestListing:
    def test_models_are_listed_with_their_hash_and_verified(self, trained):
        folder, stated, _ = trained
        assert stored_models.list_models() == []
        added = add_nnunet(folder, stated)
        (row,) = stored_models.list_models()
        assert (row["name"], row["purpose"], row["profile"]) == (
            "released-3.2",
            "segmentation",
            "paper",
        )
        assert row["sha256"] == sha256(added / "weights.pt")
        told = stored_models.verify(added, row["sha256"].upper())
        assert told["purpose"] == "segmentation"

    def test_changed_weights_are_told(self, trained):
        folder, stated, _ = trained
        added = add_nnunet(folder, stated)
        weights = added / "weights.pt"
        weights.write_bytes(weights.read_bytes() + b"x")
        with pytest.raises(ValueError, match="must have the SHA-256"):
            stored_models.verify(added)

    def test_a_damaged_description_is_a_row(self, root):
        folder = paths.results_dir("small") / "models" / "motion" / "broken"
        folder.mkdir(parents=True)
        (folder / "model.json").write_text("{")
        (row,) = stored_models.list_models()
        assert "cannot be read" in row["error"]

    def test_no_model_and_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="holds no model"):
            stored_models.verify(tmp_path)
        with pytest.raises(FileNotFoundError, match="is missing"):
            stored_models.check_hash(tmp_path / "x", 64 * "0")


class TestCommand:
    @pytest.fixture
    def hipus(self, capsys, monkeypatch):
        """Return a function that runs `hipus models ARGUMENTS`; returns status and output."""
        from hipus.cli import main

        def call(*arguments):
            monkeypatch.setattr("sys.argv", ["hipus", "models", *map(str, arguments)])
            with pytest.raises(SystemExit) as stop:
                main()
            return int(stop.value.code or 0), capsys.readouterr()

        return call

    def test_add_then_verify_then_damage(self, trained, hipus):
        folder, stated, _ = trained
        status, _ = hipus("add", folder, "--name", "released-3.2", "--sha256", stated.sha256)
        assert status == 0
        status, told = hipus("verify", "released-3.2")
        assert (status, len(json.loads(told.out)["verified"])) == (0, 1)
        (find("released-3.2") / "weights.pt").write_bytes(b"")
        status, told = hipus("verify")
        assert status == 1
        assert "must have the SHA-256" in next(iter(json.loads(told.out)["failed"].values()))

    def test_a_hash_without_a_model_is_a_mistake(self, root, hipus):
        status, told = hipus("verify", "--sha256", 64 * "0")
        assert status == 1
        assert "--sha256 needs the MODEL" in told.err
