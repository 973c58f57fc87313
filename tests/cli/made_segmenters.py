"""Models of segmentation in folders, untrained and tiny: they label by chance, always alike."""

from dataclasses import replace
from pathlib import Path

import torch

from hipus.segmentation import model_files, plans
from hipus.segmentation.planned_network import build_network
from hipus.segmentation.training import learned_labels

#: Of the training pictures and volumes that each model claims to know.
SPACING_MM = {2: (0.5, 0.5), 3: (0.8, 0.8, 0.8)}
SHAPE = {2: (40, 48), 3: (12, 24, 40)}
PATCH = {2: (32, 40), 3: (8, 16, 16)}
#: Axes along which a model's training mirrored.
MIRRORED = {"2.3": (1,)}


def save_model(folder: Path, model_id: str, *, labels: dict | None = None) -> Path:
    """Save an untrained model of the study, of the hip's structures or of others."""
    dimensions = int(model_id[0])
    numbers = replace(
        plans.published_numbers(model_id), patch_size=PATCH[dimensions], batch_size=2,
        features_per_stage=(4, 6, 8), threads=1, mirror_axes=MIRRORED.get(model_id, ()),
    )  # fmt: skip
    made = plans.study_plans(
        model_id, numbers, spacing_mm=SPACING_MM[dimensions], median_shape=SHAPE[dimensions]
    )
    labels = labels or learned_labels("hip")
    torch.manual_seed(4)
    network = build_network(made, class_count=len(labels) + 1, deep_supervision=True)
    weights = {name: tensor.detach() for name, tensor in network.named_parameters()}
    for name, tensor in weights.items():
        if "seg_layers" in name:  # louder, so that every label wins somewhere
            tensor *= 3
    folder.parent.mkdir(parents=True, exist_ok=True)
    raw = folder.parent / f"{folder.name}.pt"
    torch.save(weights, raw)
    record = model_files.TrainingRecord(
        model_id, "hip", ("S001",), ("S002",), {"train": 1, "validation": 1}, [], (), 3, "cpu"
    )
    channels = {str(k): "us" for k in range(5 if model_id == "2.3" else 1)}
    dataset = {"labels": {"background": 0, **labels}, "channel_names": channels}
    return model_files.save(
        folder, raw, plans=made, dataset=dataset | {"file_ending": ".nii.gz"}, record=record
    )
