"""YAML that means what it says.

Decides what of YAML is accepted: no key twice (the last would win in silence), no merge keys
(a few lines of them unfold to any size), no objects, a bounded size, UTF-8. Deliberately knows
no key by name: `config` and the Clarius readers do.
"""

from __future__ import annotations

import functools
import os
import reprlib
from collections.abc import Callable, Hashable
from pathlib import Path

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring = 2, 60


def read_documents(
    path: str | os.PathLike, *, max_bytes: int, mend: Callable[[str], str] | None = None
) -> list:
    """Return the documents of a YAML file.

    Parameters
    ----------
    path : path-like
    max_bytes : int
        Size above which the file is not read.
    mend : callable, optional
        Applied to the text before it is parsed, for writers whose YAML is none.

    Returns
    -------
    list
        One value per document; None for an empty one.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    ValueError
        If it is too large, not UTF-8, no YAML, or states a key twice.

    Notes
    -----
    Trap: aliases are kept, as references. Walking, comparing or printing nested ones can take
    for ever; show values in messages with `short`.
    """
    import yaml

    path = Path(path)
    found = path.stat().st_size
    if found > max_bytes:
        raise ValueError(f"{path.name} must be <= {max_bytes} bytes, got {found}")
    try:
        text = path.read_text(encoding="utf-8")
        return list(yaml.load_all(mend(text) if mend else text, Loader=_loader()))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name} is no readable YAML: {error}") from error


def short(value: object) -> str:
    """Return a value for a message, cut where it is long or deeply nested.

    Parameters
    ----------
    value : object

    Returns
    -------
    str
    """
    return _SHORT.repr(value)


@functools.cache
def _loader() -> type:
    """Return the safe loader, C where there is one, with two refusals added."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Safe loader that refuses merge keys and repeated keys."""

        def flatten_mapping(self, node) -> None:
            """Look at the keys of a mapping before it is built."""
            seen = set()
            for key, _ in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    raise yaml.MarkedYAMLError(None, None, "merge key `<<`", key.start_mark)
                name = key.value if isinstance(key.value, Hashable) else None
                if name is not None and (key.tag, name) in seen:
                    fault = f"key {short(name)} is stated twice"
                    raise yaml.MarkedYAMLError(None, None, fault, key.start_mark)
                seen.add((key.tag, name))

    return Loader
