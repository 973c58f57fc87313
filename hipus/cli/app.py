"""The application: commands, errors, verbosity."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from hipus import __version__
from hipus.cli import (
    calibrate,
    check,
    data,
    evaluate,
    figure,
    fuse,
    import_,
    measure,
    models,
    motion,
    run,
    segment,
    sweeps,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Freehand 3D ultrasound: look at sweeps, calibrate a probe, reconstruct a volume, "
    "predict the motion of an untracked one, label the structures of a hip and measure them; "
    "or all of it in one go.",
)
app.command("info")(sweeps.info)
app.command("convert")(sweeps.convert)
app.command("reconstruct")(sweeps.reconstruct)
app.command("track")(motion.track)
app.command("segment")(segment.segment)
app.command("measure")(measure.measure)
app.command("fuse")(fuse.fuse)
app.command("run")(run.run)
app.command("figure")(figure.figure)
app.command("check")(check.check)
app.command("import")(import_.import_)
app.command("fetch")(data.fetch)
app.add_typer(calibrate.app, name="calibrate")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(models.app, name="models")

_VERBOSE = typer.Option("--verbose", "-v", help="Say more, and show where an error arose.")


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    verbose: Annotated[bool, _VERBOSE] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Set up logging for all commands."""
    level = logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(format="%(levelname)s: %(message)s", level=level, stream=sys.stderr)
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


def main() -> None:
    """Run the command; an expected error is one line on standard error and exit status 1."""
    try:
        app()
    except (ValueError, OSError) as error:
        if "-v" in sys.argv or "--verbose" in sys.argv:
            raise
        typer.echo(f"hipus: error: {error}", err=True)
        sys.exit(1)
    except MemoryError as error:
        typer.echo(f"hipus: error: not enough memory: {error}", err=True)
        sys.exit(1)
