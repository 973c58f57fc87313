"""Executed notebooks as pages that need no network.

Decides that a page carries its own style and pictures, and nothing that a browser would run or
have to fetch: nbconvert's scripts (MathJax, require.js, jQuery, Mermaid) are left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from hipus.files import write_text

_SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)


def write_pages(folder: Path, target: Path) -> list[Path]:
    """Convert every executed notebook of a folder to HTML.

    Parameters
    ----------
    folder : Path
        Executed notebooks.
    target : Path
        Folder of the pages, named after the notebooks.

    Returns
    -------
    list of Path

    Raises
    ------
    FileNotFoundError
        If there is no executed notebook.
    """
    from nbconvert import HTMLExporter

    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"{folder} holds no executed notebook: run the profile first")
    exporter = HTMLExporter(template_name="lab", embed_images=True)
    # Slow and of no use to a reader: cells need no input prompts in an archived page.
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    return [_write_page(exporter, path, target / f"{path.stem}.html") for path in notebooks]


def _write_page(exporter, notebook: Path, page: Path) -> Path:
    """Convert one notebook."""
    html, _ = exporter.from_filename(str(notebook))
    return write_text(page, _SCRIPT.sub("", html))
