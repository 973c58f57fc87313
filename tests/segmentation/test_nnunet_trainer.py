"""nnU-Net's trainer with the study's numbers: stock where it should be, repeatable, resumable."""

import json

import numpy as np
import pytest
import torch
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainer_noDummy2DDA import (
    nnUNetTrainer_noDummy2DDA,
)

from hipus.segmentation import nnunet_child
from hipus.segmentation.nnunet_dataset import dataset_description, write_dataset
from hipus.segmentation.nnunet_trainer import KeptCases, StudyTrainer
from hipus.segmentation.plans import configuration_name, published_numbers, study_plans

LABELS = {"ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3, "femoral_cortex": 4}


@pytest.fixture(autouse=True)
def one_thread():
    """Train on one thread: bits depend on their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def trainer_of(monkeypatch):
    """Return a function giving a trainer of plans that works in a folder."""

    def trainer(folder, plans, kind=StudyTrainer):
        for name, value in nnunet_child.environment(folder, {"threads": 1}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("nnUNet_n_proc_DA", "0")
        name = configuration_name(plans)
        plans = json.loads(json.dumps(plans)) | {"continue_training": False}
        description = dataset_description(plans, LABELS)
        made = kind(plans, name, 0, description, torch.device("cpu"))
        made.folder = folder
        return made

    return trainer


@pytest.fixture
def ready(tmp_path, trainer_of, make_cases):
    """Return a function giving a trainer whose data are written."""

    def trainer(name, plans, **options):
        folder = tmp_path / name
        write_dataset(
            make_cases(4, **options), folder / "preprocessed", plans=plans, label_names=LABELS
        )
        return trainer_of(folder, plans)

    return trainer


def weights_of(trainer) -> np.ndarray:
    """Return all weights in one array."""
    return np.concatenate([p.detach().numpy().ravel() for p in trainer.network.parameters()])


def rows_of(trainer) -> list[dict]:
    """Return the rows of epochs without their seconds."""
    lines = (trainer.folder / "epochs.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


class TestNumbers:
    @pytest.mark.parametrize("model_id", ["2.2", "3.1"])
    def test_published_ones_augment_as_stock_without_dummy_2d(self, tmp_path, trainer_of, model_id):
        numbers = published_numbers(model_id)
        spacing = (0.25,) * len(numbers.patch_size)
        plans = study_plans(model_id, numbers, spacing_mm=spacing, median_shape=numbers.patch_size)
        kinds = (StudyTrainer, nnUNetTrainer_noDummy2DDA)
        ours, stock = (trainer_of(tmp_path, plans, kind) for kind in kinds)
        name = "configure_rotation_dummyDA_mirroring_and_inital_patch_size"
        own, theirs = getattr(ours, name)(), getattr(stock, name)()
        assert own[0] == pytest.approx(theirs[0])
        assert own[1] is theirs[1] is False
        np.testing.assert_array_equal(own[2], theirs[2])
        assert own[3] == theirs[3]
        for number in (
            "num_epochs",
            "num_iterations_per_epoch",
            "num_val_iterations_per_epoch",
            "initial_lr",
            "weight_decay",
            "oversample_foreground_percent",
        ):
            assert getattr(ours, number) == getattr(stock, number)

    def test_no_mirroring_leaves_no_mirror_in_augmentation_or_prediction(
        self, tmp_path, trainer_of, make_plans
    ):
        trainer = trainer_of(tmp_path, make_plans("2.1", mirror_axes=()))
        *_, mirrored = trainer.configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        kinds = self.kinds(trainer, mirrored)
        assert MirrorTransform not in kinds
        assert trainer.inference_allowed_mirroring_axes is None
        assert MirrorTransform in self.kinds(trainer, (0,))

    def kinds(self, trainer, mirrored):
        """Return the kinds of transforms of a training."""
        made = trainer.get_training_transforms((32, 48), (-0.1, 0.1), None, mirrored, False)
        inner = [getattr(one, "transform", one) for one in made.transforms]
        assert not any(t.benchmark for t in inner if isinstance(t, GaussianBlurTransform))
        return {type(one) for one in inner}

    @pytest.mark.parametrize(
        ("name", "kind"), [("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW)]
    )
    def test_the_optimiser_is_that_of_the_plans(self, tmp_path, trainer_of, make_plans, name, kind):
        plans = make_plans("2.1", optimiser=name, learning_rate=0.02, weight_decay=0.01)
        trainer = trainer_of(tmp_path, plans)
        trainer.network = torch.nn.Linear(2, 2)
        optimiser, _ = trainer.configure_optimizers()
        (group,) = optimiser.param_groups
        assert type(optimiser) is kind
        assert (group["lr"], group["weight_decay"]) == (0.02, 0.01)
        if name == "sgd":
            assert (group["momentum"], group["nesterov"]) == (0.9, True)


class TestTraining:
    def test_stopped_and_resumed_it_ends_as_one_that_ran_through(self, ready, make_plans):
        plans = make_plans("2.1", epochs=3)
        whole, stopped, resumed = (ready(name, plans) for name in ("whole", "part", "again"))
        whole.run_training()
        stopped.initialize()
        stopped.num_epochs = 2  # stands for a kill: the checkpoint of epoch 2 is the last
        stopped.run_training()
        resumed.folder = stopped.folder
        assert resumed.resume() == 2
        resumed.run_training()
        np.testing.assert_array_equal(weights_of(resumed), weights_of(whole))
        assert rows_of(resumed) == rows_of(whole)
        assert [row["epoch"] for row in rows_of(whole)] == [0, 1, 2]

    def test_resuming_cuts_rows_behind_the_checkpoint(self, ready, make_plans):
        trainer = ready("cut", make_plans("2.1", epochs=1))
        trainer.run_training()
        with (trainer.folder / "epochs.jsonl").open("a") as stream:
            stream.write(json.dumps({"epoch": 1, "seconds": 0}) + "\n")
        assert trainer.resume() == 1
        assert [row["epoch"] for row in rows_of(trainer)] == [0]

    def test_volumes_leave_a_row_with_a_dice_for_each_structure(self, ready, make_plans):
        plans = make_plans("3.1", epochs=1)
        trainer = ready("volumes", plans, shape=(20, 30, 26), spacing_mm=(0.5, 0.3, 0.4))
        trainer.run_training()
        (row,) = rows_of(trainer)
        assert len(row["dice"]) == 4
        assert row["lr"] == 5e-3
        assert np.isfinite([row["train_loss"], row["val_loss"]]).all()

    def test_another_seed_gives_other_weights(self, ready, make_plans):
        drawn = []
        for seed in (0, 1):
            trainer = ready(f"seed{seed}", make_plans("2.1", seed=seed))
            trainer.initialize()
            drawn.append(weights_of(trainer))
        assert not np.allclose(*drawn)

    def test_a_training_that_has_not_begun_resumes_nothing(self, tmp_path, trainer_of, make_plans):
        assert trainer_of(tmp_path, make_plans()).resume() == 0


class TestInitialWeights:
    def test_are_taken_but_for_the_last_layers(self, ready, make_plans):
        first, second = (ready(f"s{seed}", make_plans("2.1", seed=seed)) for seed in (0, 1))
        first.initialize()
        second.start_from(dict(first.network.named_parameters()), with_heads=False)
        theirs = dict(first.network.named_parameters())
        same = {n: torch.equal(p, theirs[n]) for n, p in second.network.named_parameters()}
        assert {n for n, is_same in same.items() if not is_same} == {
            f"decoder.seg_layers.{k}.weight" for k in range(2)
        }  # biases are drawn as 0
        second.start_from(theirs, with_heads=True)
        np.testing.assert_array_equal(weights_of(first), weights_of(second))

    def test_of_another_network_are_refused(self, ready, make_plans):
        wide = ready("wide", make_plans("2.1", features_per_stage=(4, 6, 10)))
        wide.initialize()
        trainer = ready("narrow", make_plans("2.1"))
        with pytest.raises(ValueError, match=r"must have shape \(8,.*got \(10,"):
            trainer.start_from(dict(wide.network.named_parameters()), with_heads=False)


class TestKeptCases:
    def test_are_read_once_while_there_is_room(self, tmp_path, make_plans, make_cases):
        plans = make_plans("2.1")
        base = write_dataset(make_cases(4), tmp_path, plans=plans, label_names=LABELS)
        stored = KeptCases(str(base / "study_m21"))
        name = stored.identifiers[0]
        assert stored.load_case(name)[0] is stored.load_case(name)[0]
        assert stored.load_case(name)[0].shape == (1, 1, 40, 56)
        full = KeptCases(str(base / "study_m21"))
        full.free_bytes = 100
        assert full.load_case(name)[0] is not full.load_case(name)[0]
        assert full.free_bytes == 100
