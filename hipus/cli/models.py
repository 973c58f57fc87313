"""`hipus models`: which models are here, whether each is what it says, and one from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit

app = typer.Typer(no_args_is_help=True, help="List, verify and add trained models.")


@app.command("list")
def list_models() -> None:
    """List the models of all profiles, with what they were trained on and their SHA-256."""
    from hipus.intake.stored_models import list_models as listed

    emit({"models": listed()})


@app.command("verify")
def verify(
    model: Annotated[
        str | None, typer.Argument(help="Name or folder of a MODEL. Left out: all of them.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(help="SHA-256 that the weights of MODEL must have.")
    ] = None,
) -> None:
    """Check weights against their SHA-256, and load them weights-only: nothing in them is run.

    Exit status 1 if one fails.
    """
    from hipus.intake.stored_models import list_models as listed
    from hipus.intake.stored_models import verify as verified

    if sha256 is not None and model is None:
        raise ValueError("--sha256 needs the MODEL whose weights must have it")
    found = [row["folder"] for row in listed() if model in (None, row["name"])]
    folders = found or ([model] if model else [])
    good, failed = [], {}
    for folder in folders:
        try:
            good.append(verified(Path(folder), sha256))
        except (ValueError, OSError) as error:
            failed[folder] = str(error)
    emit({"verified": good, "failed": failed})
    if failed:
        raise typer.Exit(1)


@app.command("add")
def add(
    folder: Annotated[
        Path, typer.Argument(help="nnU-Net's FOLDER: TRAINER__PLANS__CONFIGURATION.")
    ],
    name: Annotated[str, typer.Option(help="Name to find it by, e.g. released-3.2.")],
    sha256: Annotated[str, typer.Option(help="SHA-256 of the checkpoint, from who released it.")],
    kind: Annotated[str, typer.Option(help="The study's model it is like: 2.1 to 3.2.")] = "3.2",
    labels: Annotated[str, typer.Option(help="Scheme of its labels: hip or stills.")] = "hip",
    trained_on: Annotated[str, typer.Option(help="recorded or simulated.")] = "recorded",
    fold: Annotated[str, typer.Option(help="Folder of the checkpoint.")] = "fold_0",
    profile: Annotated[str, typer.Option(help="Profile below whose results it is put.")] = "paper",
) -> None:
    """Add a trained nnU-Net: its tensors only, after its checkpoint's SHA-256 was compared.

    Afterwards `hipus segment ... --model NAME` finds it. Nothing that the folder names is run.
    """
    from hipus.intake.nnunet_folder import ForeignModel, add_nnunet

    stated = ForeignModel(name, kind, labels, sha256, origin=trained_on, fold=fold)
    emit({"written": add_nnunet(folder, stated, profile=profile)})
