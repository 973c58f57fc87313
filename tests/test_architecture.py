"""The house rules, read from the source: who may import whom, sizes, names, docstrings."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from imports import imported_names

from hipus import paths

ROOT = paths.root()
SOURCES = sorted((ROOT / "hipus").rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
#: Packages that only some families may touch, because they are slow to import or optional.
MAY_IMPORT = {
    "torch": r"(reconstruction|motion|segmentation|fusion|borders)\b|phantom\.ultrasound\b"
    r"|intake\.nnunet_folder$",
    "monai": r"(reconstruction|motion|segmentation|fusion|borders)\b",
    "nnunetv2": r"segmentation\.nnunet",
    "SimpleITK": r"(images|fusion\.rigid)$",
    "typer": r"cli\b",
    "torchvision": r"(?!)",
    "timm": r"(?!)",
    "segmentation_models_pytorch": r"(?!)",
}


def name_of(path: Path) -> str:
    """Return a module's dotted name without the package, "" for the package itself."""
    parts = path.relative_to(ROOT / "hipus").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def layers() -> list[list[str]]:
    """Return the order of modules that docs/architecture.md states."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```layers\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [line.split() for line in block.splitlines() if line.strip()]


def rank() -> dict[str, int]:
    """Return each family's place: lines from the top, within a line from the left."""
    return {name: place for place, name in enumerate(sum(layers(), []))}


def late_families(own: str, source: str) -> set[str]:
    """Return the families that a module of family `own` imports against the order."""
    places = rank()
    imported = {name.split(".")[1] for name in imported_names(source) if "." in name}
    return {
        family
        for family in imported & set(places)
        if family != own and (not own or places[family] >= places[own])
    }


def foreign_imports(path: Path) -> set[str]:
    """Return the top-level packages that a module imports, lazily or not."""
    names = set()
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def functions(path: Path) -> list[ast.FunctionDef]:
    """Return all functions and methods of a module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(TREES[path]) if isinstance(node, kinds)]


def code_lines(function: ast.FunctionDef) -> int:
    """Return a function's lines without its docstring."""
    count = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        count -= function.body[0].end_lineno - function.body[0].lineno + 1
    return count


def each_source(test):
    """Run a test for every module."""
    return pytest.mark.parametrize(
        "path", SOURCES, ids=[name_of(path) or "hipus" for path in SOURCES]
    )(test)


class TestOrder:
    def test_every_family_stands_in_the_documented_order_once(self):
        listed = sum(layers(), [])
        assert len(set(listed)) == len(listed)
        there = {name_of(path).split(".")[0] for path in SOURCES} - {""}
        assert there <= set(listed)

    def test_the_ends_of_the_order_are_files_and_notebooks(self):
        listed = sum(layers(), [])
        assert listed[0] == "files"
        assert listed[-3:] == ["stages", "cli", "notebooks"]

    @each_source
    def test_imports_come_from_earlier_families_or_the_own_one(self, path):
        family = name_of(path).split(".")[0]
        assert late_families(family, path.read_text(encoding="utf-8")) == set()

    @pytest.mark.parametrize(
        ("family", "source", "late"),
        [
            ("calibration", "from hipus import geometry\nimport hipus.sweep", set()),
            ("calibration", "from hipus.calibration.wires import NWirePhantom", set()),
            ("calibration", "from hipus.reconstruction.grid import VoxelGrid", {"reconstruction"}),
            ("calibration", "def late():\n    from hipus import cli", {"cli"}),
            ("config", "from hipus import paths", set()),
            ("paths", "from hipus import config", {"config"}),
            ("", "from hipus import files", {"files"}),
            ("provenance", "from hipus import __version__", set()),
        ],
    )
    def test_the_rule_itself_on_hand_worked_imports(self, family, source, late):
        assert late_families(family, source) == late

    @each_source
    def test_imports_of_the_package_are_absolute(self, path):
        relative = [
            node.lineno
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.ImportFrom) and node.level
        ]
        assert relative == []

    def test_anatomy_and_measurement_never_know_each_other(self):
        for path in SOURCES:
            family = name_of(path).split(".")[0]
            other = {"phantom": "hipus.morphometry", "morphometry": "hipus.phantom"}.get(family)
            names = imported_names(path.read_text())
            assert not any(name.startswith(other) for name in names if other)

    def test_nobody_imports_the_notebook_tooling(self):
        users = [
            name_of(path)
            for path in SOURCES
            if "hipus.notebooks" in imported_names(path.read_text())
        ]
        assert users == []


class TestPackages:
    @pytest.mark.parametrize("package", MAY_IMPORT)
    def test_only_its_own_modules_import_a_heavy_package(self, package):
        users = {name_of(path) for path in SOURCES if package in foreign_imports(path)}
        assert {user for user in users if not re.match(MAY_IMPORT[package], user)} == set()

    def test_the_simulator_imports_torch_only_when_it_runs(self):
        for path in SOURCES:
            if name_of(path).startswith("phantom"):
                assert not any(
                    "torch" in ast.unparse(node)
                    for node in TREES[path].body
                    if isinstance(node, ast.Import | ast.ImportFrom)
                )

    def test_the_command_starts_without_the_heavy_packages(self):
        heavy = ["torch", "monai", "nnunetv2", "SimpleITK", "matplotlib", "numba", "pandas"]
        code = f"import sys, hipus.cli; print(*sorted(set({heavy}) & set(sys.modules)))"
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert run.returncode == 0, run.stderr
        assert run.stdout.split() == []


class TestNamesAndSizes:
    @pytest.mark.parametrize("word", ["utils", "util", "helpers", "helper", "common", "misc"])
    def test_no_module_has_a_name_that_names_no_job(self, word):
        assert [name_of(path) for path in SOURCES if word in name_of(path).split(".")] == []

    @each_source
    def test_module_has_a_docstring_and_at_most_300_lines(self, path):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300
        assert not text.strip() or ast.get_docstring(TREES[path])

    @each_source
    def test_functions_are_short(self, path):
        long = {node.name: code_lines(node) for node in functions(path) if code_lines(node) > 60}
        assert long == {}

    def test_most_functions_are_shorter_still(self):
        sizes = sorted(code_lines(node) for path in SOURCES for node in functions(path))
        assert statistics.median(sizes) <= 12
        assert sizes[int(0.9 * len(sizes))] <= 30

    @each_source
    def test_everything_public_has_a_docstring(self, path):
        bare = []
        for owner in [TREES[path], *ast.walk(TREES[path])]:
            if isinstance(owner, ast.Module | ast.ClassDef):
                for node in owner.body:
                    is_named = isinstance(node, ast.FunctionDef | ast.ClassDef)
                    if is_named and not node.name.startswith("_") and not ast.get_docstring(node):
                        bare.append(node.name)
        assert bare == []


class TestHabits:
    @each_source
    def test_nothing_prints_asserts_or_swallows_every_error(self, path):
        for node in ast.walk(TREES[path]):
            assert not isinstance(node, ast.Assert), f"line {node.lineno}: assert"
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) != "print", f"line {node.lineno}: print"
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"line {node.lineno}: bare except"

    @each_source
    def test_no_unfinished_work_is_left(self, path):
        marks = re.findall(r"\b(?:TO" r"DO|FIX" r"ME)\b", path.read_text(encoding="utf-8"))
        assert marks == []

    def test_nothing_names_a_folder_of_one_machine(self):
        pattern = re.compile(r"\.\./" r"shared|(?<![\w.}>])/" r"work/|/" r"home/\w|/" r"tmp/\w")
        places = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "docs").rglob("*.md")]
        found = {str(path.relative_to(ROOT)) for path in places if pattern.search(path.read_text())}
        assert found == set()
