"""A tiny nnU-Net in a folder, as nnU-Net leaves one: untrained, so it labels by chance."""

import json
from pathlib import Path

import numpy as np
import torch

from hipus.files import sha256
from hipus.intake.nnunet_folder import CHECKPOINT
from hipus.segmentation.planned_network import build_network

LABELS = {"background": 0, "ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3}
LABELS |= {"femoral_cortex": 4}


def small_plan() -> dict:
    """Return nnU-Net's plans with a configuration that inherits from another."""
    network = {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": 3,
            "features_per_stage": [4, 8, 8],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3]] * 3,
            "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
            "n_conv_per_stage": [1, 1, 1],
            "n_conv_per_stage_decoder": [1, 1],
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    base = {
        "patch_size": [16, 16, 16],
        "batch_size": 2,
        "spacing": [0.8, 0.8, 0.8],
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "architecture": network,
    }
    low = base | {"spacing": [2.0, 2.0, 2.0]}
    high = {"inherits_from": "3d_lowres", "spacing": [0.8, 0.8, 0.8]}
    return {"configurations": {"3d_lowres": low, "3d_fullres": high}}


def save_nnunet(root: Path) -> tuple[Path, str, torch.nn.Module]:
    """Write the folder; return it, its checkpoint's SHA-256, and the network."""
    folder = root / "nnUNetTrainer__nnUNetPlans__3d_fullres"
    (folder / "fold_0").mkdir(parents=True)
    plans = small_plan()
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps({"labels": LABELS}))
    torch.manual_seed(1)
    one = {"configurations": {"m": plans["configurations"]["3d_lowres"]}}
    network = build_network(one, class_count=5)
    content = {
        "network_weights": network.state_dict(),
        "logging": {"mean_fg_dice": [np.float64(0.5)], "lrs": [np.float32(0.01)]},
        "inference_allowed_mirroring_axes": (0, 1, 2),
        "trainer_name": "nnUNetTrainer",
        "current_epoch": 1000,
    }
    torch.save(content, folder / "fold_0" / CHECKPOINT)
    return folder, sha256(folder / "fold_0" / CHECKPOINT), network
