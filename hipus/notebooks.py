"""Canonical form of notebooks: `python -m hipus.notebooks clean | check [FILE ...]`.

Decides what a committed notebook looks like byte for byte: no outputs, no execution counts,
only `tags` in the metadata of cells, a fixed kernel, cell ids in order. A run in place leaves
time stamps in metadata, which would rerun a stage for nothing; writing the canonical form
restores the same bytes. Developer tooling: no other module imports it.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from hipus import paths
from hipus.files import write_text

log = logging.getLogger(__name__)

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def canonical(notebook: dict) -> str:
    """Return the canonical text of a notebook.

    Parameters
    ----------
    notebook : dict
        Parsed nbformat 4 JSON.

    Returns
    -------
    str
        JSON text, ending in a newline.

    Raises
    ------
    ValueError
        If the notebook is not nbformat 4.
    """
    if notebook.get("nbformat") != 4:
        raise ValueError(f"notebook must be nbformat 4, got {notebook.get('nbformat')}")
    cells = [_cell(cell, index) for index, cell in enumerate(notebook["cells"])]
    content = {"cells": cells, "metadata": _METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cell(cell: dict, index: int) -> dict:
    """Return a cell without outputs, counts and foreign metadata."""
    tags = cell.get("metadata", {}).get("tags", [])
    kept = {
        "cell_type": cell["cell_type"],
        "id": f"cell-{index:02d}",
        "metadata": {"tags": tags} if tags else {},
        "source": _lines(cell["source"]),
    }
    if cell["cell_type"] == "code":
        kept |= {"outputs": [], "execution_count": None}
    return kept


def _lines(source: str | list[str]) -> list[str]:
    """Return a cell's source as lines, without white space at the end."""
    text = "".join(source) if isinstance(source, list) else source
    return "\n".join(line.rstrip() for line in text.strip().split("\n")).splitlines(keepends=True)


def is_canonical(path: Path) -> bool:
    """Return whether a notebook file already has its canonical bytes."""
    text = path.read_text(encoding="utf-8")
    return text == canonical(json.loads(text))


def clean(path: Path) -> bool:
    """Rewrite a notebook in canonical form; return whether it changed."""
    if is_canonical(path):
        return False
    write_text(path, canonical(json.loads(path.read_text(encoding="utf-8"))))
    return True


def all_notebooks() -> list[Path]:
    """Return the study's notebooks, found by glob, in execution order."""
    return sorted((paths.root() / "notebooks").glob("*.ipynb"))


def main(arguments: list[str]) -> int:
    """Run `clean` or `check` on the named notebooks, by default on all.

    Returns
    -------
    int
        Exit status: 0, 1 if `check` found a notebook that is not canonical, 2 for bad usage.
    """
    if not arguments or arguments[0] not in ("clean", "check"):
        log.error("usage: python -m hipus.notebooks clean|check [FILE ...]")
        return 2
    files = [Path(name) for name in arguments[1:]] or all_notebooks()
    if arguments[0] == "clean":
        for path in filter(clean, files):
            log.warning("%s: rewritten in canonical form", path.name)
        return 0
    wrong = [path for path in files if not is_canonical(path)]
    for path in wrong:
        log.error("%s is not canonical: run `python -m hipus.notebooks clean`", path.name)
    return 1 if wrong else 0


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    sys.exit(main(sys.argv[1:]))
