"""nnU-Net's own training with the study's numbers: repeatable, resumable, quiet.

Decides what plans cannot tell nnU-Net: length, optimiser, seeds, what augmentation mirrors
and how far it rotates, where the checkpoint and the rows of each epoch go. All else (loss,
deep supervision, sampling, augmentation, learning rate by epoch) is nnU-Net's, unchanged.
"""

from __future__ import annotations

import json
import logging
import math
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainer_noDummy2DDA import (
    nnUNetTrainer_noDummy2DDA,
)

from hipus import seeds
from hipus.files import atomic_path, write_text
from hipus.segmentation.nnunet_child import CHECKPOINT, EPOCHS
from hipus.segmentation.planned_network import load_parameters

log = logging.getLogger(__name__)

_SCALING = (0.85, 1.25)  # nnU-Net's own, for the size a patch is cut at before it is rotated
_DICE = "dice_per_class_or_region"
_KEPT_BYTES = 1 << 30


class KeptCases(nnUNetDatasetBlosc2):
    """nnU-Net's cases on disk, those that fit into a gigabyte kept in memory once read.

    Opening two files for each patch takes a third of the time in which a batch is made.
    """

    def __init__(self, *arguments, **named) -> None:
        """Begin with none."""
        super().__init__(*arguments, **named)
        self.kept: dict[str, tuple] = {}
        self.free_bytes = _KEPT_BYTES

    def load_case(self, identifier: str) -> tuple:
        """Return data, labels, labels of an earlier stage (none here) and properties.

        Parameters
        ----------
        identifier : str

        Returns
        -------
        tuple
            As nnU-Net's loader unpacks it.
        """
        if identifier in self.kept:
            return self.kept[identifier]
        data, labels, previous, properties = super().load_case(identifier)
        size = data.size * data.dtype.itemsize + labels.size * labels.dtype.itemsize
        if size > self.free_bytes:
            return data, labels, previous, properties
        self.free_bytes -= size
        self.kept[identifier] = data[:], labels[:], previous, properties
        return self.kept[identifier]


class StudyTrainer(nnUNetTrainer_noDummy2DDA):
    """nnU-Net's trainer, its fixed numbers taken from the block "study" of the plans.

    Parameters
    ----------
    plans : dict
        As `plans.study_plans` gives them.
    configuration : str
    fold : int
        Of splits_final.json; the study has one.
    dataset_json : dict
    device : torch.device

    Notes
    -----
    Isensee et al. (2021), nnU-Net 2.8.1. On one processor and with equal threads a training
    is repeated bit for bit, killed and resumed or not: each epoch seeds all generators anew,
    and blurring no longer picks its algorithm by a stop-watch. nnU-Net promises nothing of
    the kind on a GPU. Trap: nnU-Net stores these arguments by their names, so the signature
    must stay as it is.
    """

    def __init__(
        self,
        plans: dict,
        configuration: str,
        fold: int,
        dataset_json: dict,
        device: torch.device = torch.device("cpu"),  # noqa: B008
    ) -> None:
        """Take up the study's numbers."""
        self.study = plans["configurations"][configuration]["study"]
        plans.setdefault("continue_training", False)
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = self.study["epochs"]
        self.num_iterations_per_epoch = self.study["iterations_per_epoch"]
        self.num_val_iterations_per_epoch = self.study["validation_iterations"]
        self.initial_lr = self.study["learning_rate"]
        self.weight_decay = self.study["weight_decay"]
        self.oversample_foreground_percent = self.study["oversample_foreground_percent"]
        self.save_every = 1
        self.logger.plot_progress_png = lambda *_: None
        self.folder = Path(self.output_folder)

    def initialize(self) -> None:
        """Draw the weights by the seed alone, whatever was drawn before."""
        self._seed("weights")
        super().initialize()
        if self.device.type == "cpu" and len(self.configuration_manager.patch_size) == 3:
            # Nearly halves the time of an update; in 2D and on a GPU it gains nothing.
            self.network.to(memory_format=torch.channels_last_3d)

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self):
        """Return rotation, no dummy 2D, the size to cut at, and the mirrored axes."""
        half = math.radians(self.study["rotation_deg"])
        rotation = (-half, half)
        patch = self.configuration_manager.patch_size
        size = get_patch_size(patch, rotation, rotation, rotation, _SCALING)
        mirrored = tuple(self.study["mirror_axes"]) or None
        self.inference_allowed_mirroring_axes = mirrored
        return rotation, False, size, mirrored

    def configure_optimizers(self):
        """Return the optimiser of the plans and nnU-Net's schedule."""
        weights = self.network.parameters()
        settings = {"lr": self.initial_lr, "weight_decay": self.weight_decay}
        if self.study["optimiser"] == "adamw":
            optimiser = torch.optim.AdamW(weights, **settings)
        else:
            momentum = self.study["momentum"]
            optimiser = torch.optim.SGD(weights, momentum=momentum, nesterov=True, **settings)
        return optimiser, PolyLRScheduler(optimiser, self.initial_lr, self.num_epochs)

    def get_tr_and_val_datasets(self):
        """Return training and validation cases, kept in memory where no process copies them."""
        if self.device.type == "cpu":
            self.dataset_class = KeptCases
        return super().get_tr_and_val_datasets()

    @staticmethod
    def get_training_transforms(*arguments, **named):
        """Return nnU-Net's augmentation with blurring that does not depend on a stop-watch."""
        transforms = nnUNetTrainer_noDummy2DDA.get_training_transforms(*arguments, **named)
        for transform in transforms.transforms:
            inner = getattr(transform, "transform", transform)
            if isinstance(inner, GaussianBlurTransform):
                inner.benchmark = False
        return transforms

    def on_epoch_start(self) -> None:
        """Seed all generators, so that an epoch does not depend on those before it."""
        self._seed("epoch", self.current_epoch)
        super().on_epoch_start()

    def start_from(self, weights: Mapping[str, torch.Tensor], *, with_heads: bool) -> None:
        """Take over the weights of another network of the same architecture.

        Parameters
        ----------
        weights : mapping
            Name -> tensor, each once.
        with_heads : bool
            False leaves the last layers, which give each class its logit, as drawn.

        Raises
        ------
        ValueError
            If a tensor is missing or has another shape.
        """
        if not self.was_initialized:
            self.initialize()
        kept = () if with_heads else ("decoder.seg_layers.",)
        own = {n: p for n, p in self.network.named_parameters() if not n.startswith(kept)}
        load_parameters(own, {name: weights[name] for name in own if name in weights})

    def save_checkpoint(self, filename: str) -> None:
        """Write rows of epochs and one checkpoint, each wholly or not at all.

        Parameters
        ----------
        filename : str
            nnU-Net's name; the checkpoint of the best epoch is not kept, because the study
            takes the last one.
        """
        if "checkpoint_best" in filename or self.disable_checkpointing:
            return
        done = self.current_epoch + 1
        log_book = {
            name: _plain(rows[:done]) for name, rows in self.logger.get_checkpoint().items()
        }
        write_text(self.folder / EPOCHS, _as_lines(log_book))
        scaler = self.grad_scaler.state_dict() if self.grad_scaler is not None else None
        content = {
            "epoch": done,
            "network": dict(self.network.named_parameters()),
            "optimiser": self.optimizer.state_dict(),
            "scaler": scaler,
            "log_book": log_book,
        }
        with atomic_path(self.folder / CHECKPOINT) as temporary:
            torch.save(content, temporary)

    def resume(self) -> int:
        """Go on from the checkpoint, if there is one.

        Returns
        -------
        int
            Epochs that are done.
        """
        path = self.folder / CHECKPOINT
        if not path.is_file():
            return 0
        if not self.was_initialized:
            self.initialize()
        content = torch.load(path, map_location=self.device, weights_only=True)
        load_parameters(dict(self.network.named_parameters()), content["network"])
        self.optimizer.load_state_dict(content["optimiser"])
        if self.grad_scaler is not None and content["scaler"]:
            self.grad_scaler.load_state_dict(content["scaler"])
        self.logger.load_checkpoint(content["log_book"])
        self.current_epoch = content["epoch"]
        write_text(self.folder / EPOCHS, _as_lines(content["log_book"]))
        return self.current_epoch

    def print_to_log_file(self, *arguments, **_) -> None:
        """Keep nnU-Net's remarks for those who debug."""
        log.debug("%s", " ".join(str(argument) for argument in arguments))

    def plot_network_architecture(self) -> None:
        """Draw nothing: the packages that could are not among the study's."""

    def _save_debug_information(self) -> None:
        """Write nothing: nnU-Net's file names the machine."""

    def _seed(self, *unit: str | int) -> None:
        """Seed the generators that nnU-Net draws from."""
        rng = seeds.generator(self.study["seed"], "segmentation", self.study["model_id"], *unit)
        drawn = [int(number) for number in rng.integers(2**32, size=3)]
        random.seed(drawn[0])
        np.random.seed(drawn[1])  # noqa: NPY002  nnU-Net knows no generators
        torch.manual_seed(drawn[2])


def _plain(rows: list) -> list:
    """Return a log's values as Python's own numbers."""
    return [[float(v) for v in row] if isinstance(row, list) else float(row) for row in rows]


def _as_lines(log_book: Mapping[str, list]) -> str:
    """Return one line of JSON for each epoch."""
    rows = []
    for epoch, end in enumerate(log_book["epoch_end_timestamps"]):
        row = {
            "epoch": epoch,
            "train_loss": log_book["train_losses"][epoch],
            "val_loss": log_book["val_losses"][epoch],
            "dice": log_book[_DICE][epoch],
            "ema": log_book["ema_fg_dice"][epoch],
            "lr": log_book["lrs"][epoch],
            "seconds": end - log_book["epoch_start_timestamps"][epoch],
        }
        rows.append(json.dumps({name: _or_null(value) for name, value in row.items()}))
    return "".join(f"{row}\n" for row in rows)


def _or_null(value):
    """Return null for what JSON does not know: the Dice of an absent class is 0 / 0."""
    if isinstance(value, list):
        return [_or_null(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
