"""One training in a process of its own: `python -m hipus.segmentation.nnunet_child JOB.json`.

Decides the process's environment, which nnU-Net, torch and OpenMP read when they are
imported, and what a finished training leaves: `weights.pt` and `finished.json`. Deliberately
prepares no data and writes no model (see `training`).
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from hipus.files import atomic_path, sha256, write_text

log = logging.getLogger(__name__)

JOB, CHECKPOINT, EPOCHS = "job.json", "checkpoint.pt", "epochs.jsonl"
WEIGHTS, FINISHED = "weights.pt", "finished.json"


def main(job_file: str) -> None:
    """Train as a job file says, or go on with its training.

    Parameters
    ----------
    job_file : str
        JSON with "plans", "dataset", "device" ("cpu", "cuda" or "auto") and
        "initial_weights" (null, or a path and whether the last layers are taken too); its
        folder is the training's.
    """
    path = Path(job_file)
    job = json.loads(path.read_text(encoding="utf-8"))
    study = next(iter(job["plans"]["configurations"].values()))["study"]
    os.environ.update(environment(path.parent, study))
    device = _device(job["device"])
    os.environ.update(nnUNet_n_proc_DA=str(0 if device == "cpu" else study["loader_processes"]))
    _train(job, path.parent, device=device)


def environment(folder: Path, study: Mapping) -> dict[str, str]:
    """Return the variables that a training's process needs.

    Parameters
    ----------
    folder : Path
        Of the training.
    study : mapping
        The block "study" of its plans.

    Returns
    -------
    dict of str to str

    Notes
    -----
    To be set before torch is imported. Passive waiting halves the time on a machine that
    others use too. How many processes augment is set later, by the device: on a CPU none,
    because two runs are equal only so, and starting one costs seconds.
    """
    return {
        "OMP_NUM_THREADS": str(study["threads"]),
        "OMP_WAIT_POLICY": "PASSIVE",
        "MPLBACKEND": "agg",
        "nnUNet_raw": str(folder / "raw"),
        "nnUNet_preprocessed": str(folder / "preprocessed"),
        "nnUNet_results": str(folder / "results"),
        "nnUNet_def_n_proc": "1",
        "nnUNet_compile": "f",
        "nnUNet_wandb_enabled": "0",
    }


def _train(job: Mapping, folder: Path, *, device: str) -> None:
    """Train and leave the weights."""
    import torch

    from hipus.segmentation.nnunet_trainer import StudyTrainer

    configuration = next(iter(job["plans"]["configurations"]))
    study = job["plans"]["configurations"][configuration]["study"]
    torch.set_num_threads(study["threads"])
    trainer = StudyTrainer(job["plans"], configuration, 0, job["dataset"], torch.device(device))
    trainer.folder = folder
    initial = job["initial_weights"]
    if not trainer.resume() and initial:
        weights = torch.load(initial["path"], map_location=device, weights_only=True)
        trainer.start_from(weights, with_heads=initial["with_heads"])
    trainer.run_training()
    weights = {n: p.detach().cpu().clone() for n, p in trainer.network.named_parameters()}
    held = io.BytesIO()
    torch.save(weights, held)  # a file's name would be stored in it, and with it a process's id
    with atomic_path(folder / WEIGHTS) as temporary:
        temporary.write_bytes(held.getvalue())
    finished = {"device": device, "epochs": trainer.current_epoch}
    finished["sha256"] = sha256(folder / WEIGHTS)
    write_text(folder / FINISHED, json.dumps(finished, indent=2, sort_keys=True) + "\n")


def _device(wanted: str) -> str:
    """Return "cpu" or "cuda"; "auto" is a GPU where there is one."""
    if wanted != "auto":
        return wanted
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it went."""

    def wait() -> None:
        while os.read(0, 1):  # past Python's buffer, whose lock would outlive the main thread
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _end_with_parent()
    with contextlib.redirect_stdout(sys.stderr):
        main(sys.argv[1])
