"""Notebooks are canonical, thin, parameterised, and numbered as the study's questions."""

import ast
import json
import re
import sys

import pytest

from hipus import config, notebooks

ALL = notebooks.all_notebooks()
PARAMETERS = {"profile"}
#: Who reads, in notebook 09; every other parameter is of the view.
READER = {"reader_id"}


def cells(path) -> list[dict]:
    """Return the cells of a notebook."""
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code_lines(cell) -> list[str]:
    """Return a cell's lines of code."""
    return "".join(cell["source"]).splitlines()


def whole_source(path) -> str:
    """Return the Python of all code cells, those left to the reader among them."""
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    return "\n".join("".join(cell["source"]) for cell in code)


class TestCanonicalWriter:
    NOTEBOOK = {
        "nbformat": 4,
        "nbformat_minor": 2,
        "metadata": {"papermill": {"duration": 3.1}},
        "cells": [
            {
                "cell_type": "code",
                "execution_count": 7,
                "id": "zz",
                "metadata": {"tags": ["parameters"], "execution": {"at": "now"}},
                "outputs": [{"output_type": "stream", "text": "x"}],
                "source": "profile = 'smoke'   \n",
            }
        ],
    }

    def test_outputs_counts_and_time_stamps_go_and_tags_stay(self):
        cell = json.loads(notebooks.canonical(self.NOTEBOOK))["cells"][0]
        assert cell == {
            "cell_type": "code",
            "id": "cell-00",
            "metadata": {"tags": ["parameters"]},
            "source": ["profile = 'smoke'"],
            "outputs": [],
            "execution_count": None,
        }

    def test_writing_twice_changes_nothing(self):
        once = notebooks.canonical(self.NOTEBOOK)
        assert notebooks.canonical(json.loads(once)) == once

    def test_old_format_is_refused(self):
        with pytest.raises(ValueError, match="nbformat 4, got 3"):
            notebooks.canonical({"nbformat": 3})

    def test_clean_and_check_on_a_file(self, tmp_path):
        path = tmp_path / "x.ipynb"
        path.write_text(json.dumps(self.NOTEBOOK))
        assert notebooks.main(["check", str(path)]) == 1
        assert notebooks.main(["clean", str(path)]) == 0
        assert notebooks.main(["check", str(path)]) == 0

    def test_bad_usage_exits_with_2(self):
        assert notebooks.main(["polish"]) == 2


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
class TestEveryNotebook:
    def test_is_canonical(self, path):
        assert notebooks.is_canonical(path), "run: python -m hipus.notebooks clean"

    def test_opens_with_a_question(self, path):
        first = cells(path)[0]
        title = "".join(first["source"]).splitlines()[0]
        assert first["cell_type"] == "markdown"
        assert re.match(r"# .*\?$", title)

    def test_has_one_parameters_cell_with_known_names(self, path):
        tagged = [c for c in cells(path) if "parameters" in c["metadata"].get("tags", [])]
        assert len(tagged) == 1
        assigned = [
            target.id
            for node in ast.parse("".join(tagged[0]["source"])).body
            for target in node.targets
        ]
        assert set(assigned) >= PARAMETERS
        assert all(name in PARAMETERS | READER or name.startswith("show_") for name in assigned)

    def test_default_profile_is_smoke(self, path):
        tagged = [c for c in cells(path) if "parameters" in c["metadata"].get("tags", [])]
        assert 'profile = "smoke"' in "".join(tagged[0]["source"])

    def test_is_thin(self, path):
        code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
        assert len(code) <= 25
        assert max(len(code_lines(cell)) for cell in code) <= 12
        tree = ast.parse(whole_source(path))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        assert all(node.end_lineno - node.lineno < 5 for node in functions)

    def test_states_its_answer_before_and_findings_after(self, path):
        text = ["".join(c["source"]) for c in cells(path) if c["cell_type"] == "markdown"]
        assert any(part.startswith("## What we found") for part in text)
        assert len(text[0].splitlines()) > 1

    def test_imports_no_private_name_and_no_network_layer(self, path):
        imported = set()
        for node in ast.walk(ast.parse(whole_source(path))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
        assert imported <= {"hipus", "pandas", "numpy", "matplotlib", "IPython"} | {
            name for name in sys.stdlib_module_names if name not in ("socket", "urllib", "http")
        }


def test_notebooks_are_found_by_glob_and_numbered_once():
    numbers = [path.name[:2] for path in ALL]
    assert numbers == sorted(set(numbers))
    assert {"00", "02", "04", "91"} <= set(numbers)


def test_profiles_of_the_parameters_exist():
    assert "smoke" in config.profiles()
