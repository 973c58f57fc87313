"""The card of a segmentation model: what a person must know before using it.

Decides the words; all numbers come from the files beside it. Deliberately reads and writes
no file (see `model_files`).
"""

from __future__ import annotations

from collections.abc import Mapping

from hipus.segmentation.plans import configuration_name

#: Origin of pictures that the project makes itself; all others belong to somebody.
SIMULATED = "simulated"
#: Scheme of labels that only the open stills have.
_STILLS = "stills"


def model_card(about: Mapping, plans: Mapping, dataset: Mapping) -> str:
    """Return what a person must know before using a model, as Markdown.

    Parameters
    ----------
    about, plans, dataset : mapping
        Contents of model.json, plans.json and dataset.json.

    Returns
    -------
    str
    """
    plan = plans["configurations"][configuration_name(plans)]
    study, arch = plan["study"], plan["architecture"]["arch_kwargs"]
    last = about["epochs"][-1] if about["epochs"] else {"dice": [], "val_loss": None}
    names = [name for name, value in dataset["labels"].items() if value]
    dice = ", ".join(
        f"{name} {'none' if value is None else format(value, '.3f')}"
        for name, value in zip(names, last["dice"], strict=False)
    )
    counts = about["case_counts"]
    return f"""# Segmentation model {about["model_id"]}

An nnU-Net (plain U-Net, Isensee et al. 2021) that labels {", ".join(names)} of the neonatal
hip in freehand ultrasound.

- **Data:** {about["origin"]} pictures, {counts["train"]} to train on
  ({len(about["training_subjects"])} subjects) and {counts["validation"]} to validate on
  ({len(about["validation_subjects"])} subjects). {_reach(about["origin"])}
- **Network:** widths {arch["features_per_stage"]}, convolutions {arch["n_conv_per_stage"]} down
  and {arch["n_conv_per_stage_decoder"]} up, patch {plan["patch_size"]}, batch
  {plan["batch_size"]}, spacing {plan["spacing"]} mm, {about["channel_count"]} channel(s), each
  z-scored by itself.
- **Training:** {len(about["epochs"])} of {study["epochs"]} epochs of
  {study["iterations_per_epoch"]} updates, {study["optimiser"]} from
  {study["learning_rate"]:g}, rotation up to {study["rotation_deg"]:g} degrees, mirrored axes
  {study["mirror_axes"]}, seed {study["seed"]}, on {about["device"]}.
- **Validation in the last epoch** (Dice over patches, nnU-Net's own, not over whole pictures):
  {dice or "none"}.
- **Pieces:** {_pieces(about["pieces"])}
- **Use:** research on reconstruction and segmentation of the neonatal hip. Not a medical
  device; never for the care of a patient.
- **Licence:** {licence(about["origin"], about["scheme"])}
- **Weights:** `weights.pt`, tensors only, SHA-256 `{about["sha256"]}`.
"""


def licence(origin: str, scheme: str) -> str:
    """Return under which terms weights may be passed on.

    Parameters
    ----------
    origin : str
        Of the pictures that were learned from.
    scheme : str
        Of their labels.

    Returns
    -------
    str
        A sentence. Only what was learned from the project's own simulated pictures is free of
        others' rights; pictures of unknown terms are taken to need their owner's consent.
    """
    if origin == SIMULATED:
        return "that of hipus, whose code and simulated pictures made it."
    if scheme == _STILLS:
        return "CC BY-NC-SA, as of the stills that it learned from; not shipped with hipus."
    return "none. Not to be passed on without the consent of the owner of the data."


def _pieces(pieces: Mapping) -> str:
    """Return of which structures only the largest piece is kept, and why."""
    told = ", ".join(
        f"{name} ({found['dice']:.3f} -> {found['dice_largest']:.3f})"
        for name, found in pieces.items()
        if found["is_better"]
    )
    if not told:
        return "all kept: dropping smaller ones betters no structure of the validation cases."
    return f"only the largest is kept of {told}:\n  mean Dice of the validation cases' labels."


def _reach(origin: str) -> str:
    """Return how far its scores reach."""
    if origin == SIMULATED:
        return "What it reaches on simulated\n  pictures says nothing about patients."
    return "What it reaches there holds for\n  pictures of that origin alone."
