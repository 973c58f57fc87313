"""The parameters that are frozen before a network is trained, and their fingerprint.

Decides which numbers count: those of motion, tracking and inertial samples, as
`acquisition.frozen` lists them, and those of speckle and probe, which are found in the modules
themselves so that none can be forgotten: defaults, named constants, and the numbers written in
functions that draw.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
from dataclasses import MISSING, fields, is_dataclass
from types import ModuleType

from hipus.phantom.acquisition import frozen

_MODULES = ("appearance", "settings", "speckle")
#: Sizes of a picture, which differ between profiles and are no property of speckle or motion.
_SIZES = ("shape_px", "line_count", "sample_pitch_mm")


def frozen_parameters() -> dict[str, str]:
    """Return the frozen parameters by name, as text.

    Returns
    -------
    dict of str
        For example `acquisition.infant.amplitude_mm` -> "1.2"; numbers within a function that
        draws stand under its name, in their order.
    """
    found = {f"acquisition.{name}": repr(value) for name, value in frozen.parameters().items()}
    for name in _MODULES:
        module = importlib.import_module(f"hipus.phantom.ultrasound.{name}")
        for key, value in {**_constants(module), **_defaults(module), **_literals(module)}.items():
            found[f"ultrasound.{name}.{key}"] = value
    return dict(sorted(found.items()))


def frozen_hash() -> str:
    """Return the fingerprint of the frozen parameters, 64 hexadecimal digits.

    Returns
    -------
    str
        SHA-256 of names and values; comments, docstrings and the order of code do not count.
    """
    return hashlib.sha256(json.dumps(frozen_parameters()).encode()).hexdigest()


def check_frozen(expected: str) -> None:
    """Refuse to simulate with other parameters than those that were frozen.

    Parameters
    ----------
    expected : str
        `common.simulation_sha256` of params.yaml.

    Raises
    ------
    ValueError
        If the code's fingerprint differs; the message says what to do.
    """
    found = frozen_hash()
    if found != expected:
        raise ValueError(
            f"params.yaml: common.simulation_sha256 must be the fingerprint of the frozen "
            f"parameters, got {expected}, but the code's is {found}. Motion, tracking, inertial "
            f"samples, probe and speckle were frozen before any network was trained. If the "
            f"change is meant, write the code's fingerprint into params.yaml, rerun every "
            f"profile (`dvc repro`), and list all results that changed; otherwise undo it "
            f"(`hipus.phantom.cohort.frozen.frozen_parameters()` lists what counts)"
        )


def _is_plain(value) -> bool:
    """Return whether a value is made of numbers and texts only."""
    if isinstance(value, dict):
        return all(_is_plain(part) for pair in value.items() for part in pair)
    if isinstance(value, (tuple, list)):
        return all(_is_plain(part) for part in value)
    return isinstance(value, (int, float, str, bool)) or value is None


def _constants(module: ModuleType) -> dict[str, str]:
    """Return a module's own named constants, public or not."""
    tree = ast.parse(inspect.getsource(module))
    targets = [
        target.id
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        for group in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for target in ast.walk(group)
        if isinstance(target, ast.Name)
    ]
    named = {name: getattr(module, name) for name in targets if name.lstrip("_").isupper()}
    arrays = {name: value.tolist() for name, value in named.items() if hasattr(value, "tolist")}
    return {name: repr(value) for name, value in (named | arrays).items() if _is_plain(value)}


def _defaults(module: ModuleType) -> dict[str, str]:
    """Return the defaults of a module's own dataclasses."""
    found = {}
    for name, kind in vars(module).items():
        if not (
            inspect.isclass(kind) and is_dataclass(kind) and kind.__module__ == module.__name__
        ):
            continue
        for entry in fields(kind):
            if entry.default is not MISSING and entry.name not in _SIZES:
                found[f"{name}.{entry.name}"] = repr(entry.default)
    return found


def _literals(module: ModuleType) -> dict[str, str]:
    """Return the numbers written in a module's functions that draw."""
    found = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef) and "draw" in node.name:
            numbers = [
                repr(part.value)
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and type(part.value) in (int, float)
            ]
            if numbers:
                found[f"{node.name}()"] = " ".join(numbers)
    return found
