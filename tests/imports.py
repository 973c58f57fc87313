"""Which modules of the package a module or notebook reaches, read from the source."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from hipus import paths


def module_file(name: str) -> Path | None:
    """Return the file of a module of the package, or None if `name` is no module."""
    stem = paths.root() / Path(*name.split("."))
    for candidate in (stem.with_suffix(".py"), stem / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def imported_names(source: str) -> set[str]:
    """Return every dotted name of the package that a source text imports, lazily or not."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "hipus"}


def notebook_source(path: Path) -> str:
    """Return the Python of a notebook's code cells that the pipeline runs."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    run = (cell for cell in cells if "skip-execution" not in cell["metadata"].get("tags", []))
    return "\n".join("".join(cell["source"]) for cell in run if cell["cell_type"] == "code")


def reached(source: str) -> set[str]:
    """Return repository paths of all package modules that a source text reaches."""
    files: set[Path] = set()
    queue = list(imported_names(source))
    while queue:
        name = queue.pop()
        file = module_file(name)
        if file is None or file in files:
            continue
        files.add(file)
        parents = [".".join(name.split(".")[:end]) for end in range(1, name.count(".") + 1)]
        queue += parents + list(imported_names(file.read_text(encoding="utf-8")))
    return {str(file.relative_to(paths.root())) for file in files if file.stat().st_size}
