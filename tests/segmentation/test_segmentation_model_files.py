"""A model's folder: what is written, and what is refused when it is read."""

import json

import pytest
import torch

from hipus.files import sha256
from hipus.segmentation import model_files, planned_network
from hipus.segmentation.components import PieceDecision
from hipus.segmentation.nnunet_dataset import dataset_description

LABELS = {"ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3, "femoral_cortex": 4}


@pytest.fixture
def folder(tmp_path, make_plans):
    """Return the folder of a model with random weights."""
    return written(tmp_path / "model", make_plans("2.3", seed=5))


def record(**changes) -> model_files.TrainingRecord:
    """Return what is known of a training, changed."""
    row = {"epoch": 0, "val_loss": 0.5, "dice": [0.81, None, 0.2, 0.3], "seconds": 1.25}
    known = {
        "model_id": "2.3",
        "scheme": "hip",
        "training_subjects": ("S001", "S002"),
        "validation_subjects": ("S003",),
        "case_counts": {"train": 12, "validation": 4},
        "channels": [{"mean": 61.0}],
        "epochs": (row,),
        "seed": 5,
        "device": "cpu",
    }
    return model_files.TrainingRecord(**known | changes)


def written(folder, plans, **changes):
    """Write a model with random weights."""
    torch.manual_seed(1)
    network = planned_network.build_network(plans, class_count=5)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(dict(network.named_parameters()), folder / "drawn.pt")
    return model_files.save(
        folder,
        folder / "drawn.pt",
        plans=plans,
        dataset=dataset_description(plans, LABELS),
        record=record(**changes),
    )


def change(folder, name: str, edit) -> None:
    """Edit a JSON file of a model."""
    content = json.loads((folder / name).read_text())
    edit(content)
    (folder / name).write_text(json.dumps(content))


def replace_weights(folder, content) -> None:
    """Put other weights into a model, with the right hash."""
    torch.save(content, folder / "weights.pt")
    found = sha256(folder / "weights.pt")
    change(folder, "model.json", lambda about: about.update(sha256=found))


def plan_of(plans: dict) -> dict:
    """Return the one configuration of plans."""
    return next(iter(plans["configurations"].values()))


class TestSaved:
    def test_a_model_comes_back_with_the_same_weights(self, folder):
        torch.manual_seed(1)
        drawn = planned_network.build_network(
            json.loads((folder / "plans.json").read_text()), class_count=5
        )
        model = model_files.load(folder)
        theirs = drawn.state_dict()
        for name, tensor in model.network.state_dict().items():
            assert torch.equal(tensor, theirs[name]), name
        assert not model.network.training
        assert model.labels == LABELS
        assert model.plan["study"]["seed"] == 5

    def test_each_tensor_is_on_disk_once(self, folder):
        stored = torch.load(folder / "weights.pt", weights_only=True)
        network = model_files.load(folder).network
        assert len(stored) == len(list(network.parameters())) < len(network.state_dict()) / 2
        one = sum(parameter.numel() for parameter in network.parameters())
        assert sum(tensor.numel() for tensor in stored.values()) == one

    def test_equal_trainings_leave_equal_files(self, folder, tmp_path, make_plans):
        slower = record().epochs[0] | {"seconds": 9.0}
        again = written(tmp_path / "again", make_plans("2.3", seed=5), epochs=(slower,))
        for name in ("model.json", "plans.json", "dataset.json", "README.md"):
            assert (again / name).read_text() == (folder / name).read_text(), name

    def test_the_card_says_what_a_person_must_know(self, folder):
        card = (folder / "README.md").read_text()
        for words in (
            "simulated pictures, 12 to train on",
            "ilium 0.810, femoral_head none",
            "Not a medical\n  device",
            sha256(folder / "weights.pt"),
            "1 of 5 epochs",
            "5 channel(s)",
        ):
            assert words in card, words

    def test_pieces_that_are_dropped_are_read_back_and_told(self, tmp_path, make_plans):
        pieces = {
            "ilium": PieceDecision(0.5, 0.5, 4),
            "femoral_cortex": PieceDecision(0.41, 0.52, 4),
        }
        folder = written(tmp_path / "whole", make_plans("2.3", seed=5), pieces=pieces)
        assert model_files.load(folder).whole_structures == (LABELS["femoral_cortex"],)
        card = (folder / "README.md").read_text()
        assert "largest is kept of femoral_cortex (0.410 -> 0.520)" in card

    def test_a_model_of_unknown_pieces_keeps_all(self, folder):
        assert model_files.load(folder).whole_structures == ()
        assert "**Pieces:** all kept" in (folder / "README.md").read_text()

    @pytest.mark.parametrize(
        ("origin", "scheme", "terms", "reach"),
        [
            ("simulated", "hip", "that of hipus", "nothing about patients"),
            ("simulated", "stills", "that of hipus", "nothing about patients"),
            ("real, open", "stills", "CC BY-NC-SA, as of the stills", "of that origin alone"),
            ("hospital", "hip", "Not to be passed on without the consent", "of that origin alone"),
        ],
    )
    def test_the_licence_follows_from_whose_pictures_were_learned_from(
        self, tmp_path, make_plans, origin, scheme, terms, reach
    ):
        made = written(tmp_path / "own", make_plans("2.1"), origin=origin, scheme=scheme)
        card = (made / "README.md").read_text()
        assert f"{origin} pictures, 12 to train on" in card
        (line,) = (line for line in card.splitlines() if line.startswith("- **Licence:**"))
        assert terms in line
        assert ("hipus, whose code" in line) == (origin == "simulated")
        assert reach in card


class TestRefusals:
    @pytest.mark.parametrize("name", ["weights.pt", "plans.json", "dataset.json", "model.json"])
    def test_a_folder_without_one_of_its_files(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(FileNotFoundError, match=f"is no segmentation model: it has no {name}"):
            model_files.load(folder)

    def test_weights_that_model_json_does_not_speak_of(self, folder):
        with (folder / "weights.pt").open("ab") as stream:
            stream.write(b"x")
        with pytest.raises(
            ValueError, match="must have the SHA-256 .* that model.json states, got"
        ):
            model_files.load(folder)

    def test_a_checkpoint_that_would_run_code(self, folder):
        class Evil:
            def __reduce__(self):
                return print, ("run",)

        replace_weights(folder, {"network": Evil()})
        with pytest.raises(ValueError, match="holds no weights of a segmentation model"):
            model_files.load(folder)

    def test_a_checkpoint_of_something_else_than_tensors(self, folder):
        replace_weights(folder, {"epoch": 3})
        with pytest.raises(ValueError, match="not only tensors"):
            model_files.load(folder)

    def test_weights_of_a_network_with_other_names(self, folder):
        replace_weights(folder, {"conv.weight": torch.zeros(1)})
        with pytest.raises(ValueError, match=r"another network than plans.json .* 1 foreign"):
            model_files.load(folder)

    def test_weights_of_another_shape(self, folder):
        stored = torch.load(folder / "weights.pt", weights_only=True)
        name = "decoder.seg_layers.0.bias"
        replace_weights(folder, stored | {name: torch.zeros(4)})
        with pytest.raises(ValueError, match=rf"weights {name} must have shape \(5,\), got \(4,\)"):
            model_files.load(folder)

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (
                lambda p: p["architecture"].update(network_class_name="os.system"),
                "network_class_name",
            ),
            (
                lambda p: p["architecture"]["arch_kwargs"].update(norm_op="subprocess.Popen"),
                "below torch.nn, got 'subprocess.Popen'",
            ),
            (lambda p: p.update(normalization_schemes=["CTNormalization"]), "must be z-scored"),
            (lambda p: p.update(resampling_fn_data="mine"), "resampling_fn_data must be .* 'mine'"),
            (lambda p: p["architecture"]["arch_kwargs"].pop("strides"), "strides"),
        ],
    )
    def test_foreign_plans(self, folder, edit, message):
        change(folder, "plans.json", lambda plans: edit(plan_of(plans)))
        with pytest.raises(ValueError, match=f"describes no network of the study.*{message}"):
            model_files.load(folder)

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("plans.json", "{", "plans.json is not JSON"),
            ("dataset.json", "[]", "dataset.json must hold an object, got list"),
            ("dataset.json", '{"labels": {"background": 0, "ilium": 2}}', "numbered from 1"),
            ("model.json", '{"model_id": "2.3"}', "model.json lacks channel_count, scheme, sha256"),
        ],
    )
    def test_files_that_are_not_a_models(self, folder, name, text, message):
        (folder / name).write_text(text)
        with pytest.raises(ValueError, match=message):
            model_files.load(folder)
