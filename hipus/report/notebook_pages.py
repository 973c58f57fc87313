"""Executed notebooks as pages that need no network.

Decides that pages share one style and keep pictures as files beside them, and carry nothing that
a browser would run or have to fetch: nbconvert's scripts (MathJax, require.js, jQuery, Mermaid)
are left out. Deliberately knows nothing of what a notebook says but its title.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from hipus.files import write_text
from hipus.report import assets

_SCRIPT = re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^>]*>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
_BODY = re.compile(r"<body\b[^>]*>")
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
#: Nothing may be fetched: styles and pictures lie beside the page.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "img-src 'self' file: data:; style-src 'self' file: 'unsafe-inline'; "
    "script-src 'self' file: 'unsafe-inline'\">"
)


@dataclass(frozen=True)
class NotebookPage:
    """An executed notebook of the site.

    Attributes
    ----------
    name : str
        Stem of its file, "10_hip_angles".
    title : str
        Its first heading: the question that it asks.
    address : str
        From the site's root.
    """

    name: str
    title: str
    address: str


def titles(folder: Path) -> list[NotebookPage]:
    """Return the executed notebooks of a folder by their names.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of NotebookPage
    """
    return [
        NotebookPage(path.stem, _title(path), f"notebooks/{path.stem}.html")
        for path in sorted(folder.glob("*.ipynb"))
    ]


def write_pages(folder: Path, site: Path) -> list[Path]:
    """Convert every executed notebook of a folder to a page of a site.

    Parameters
    ----------
    folder : Path
        Executed notebooks.
    site : Path
        Root of the site; pages go to `notebooks/`, what they share to `assets/notebooks/`.

    Returns
    -------
    list of Path

    Raises
    ------
    FileNotFoundError
        If there is no executed notebook.
    """
    from nbconvert import HTMLExporter

    pages = titles(folder)
    if not pages:
        raise FileNotFoundError(f"{folder} holds no executed notebook: run the profile first")
    exporter = HTMLExporter(template_name="lab", embed_images=True)
    # Slow and of no use to a reader: cells need no input prompts in an archived page.
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    return [_write_page(exporter, folder / f"{page.name}.ipynb", site, page) for page in pages]


def _write_page(exporter, notebook: Path, site: Path, page: NotebookPage) -> Path:
    """Convert one notebook."""
    html, _ = exporter.from_filename(str(notebook))
    head, body = _SCRIPT.sub("", html).split("</head>", 1)
    style = "\n".join(_STYLE.findall(head))
    address = assets.write_by_content(style.encode(), site, suffix=".css")
    head = _TITLE.sub(f"<title>{escape(page.title)} – hipus</title>", _STYLE.sub("", head), count=1)
    links = "".join(
        f'<link rel="stylesheet" href="../{one}">' for one in (address, "assets/notebook.css")
    )
    body = _PNG.sub(lambda found: _apart(found[1], site), body)
    body = _BODY.sub(lambda found: f"{found[0]}\n{_bar(page)}", body, count=1)
    body = re.sub(r"<main\b", '<main id="main" tabindex="-1"', body, count=1)
    return write_text(site / page.address, f"{head}{POLICY}{links}</head>{body}")


def _apart(encoded: str, site: Path) -> str:
    """Return the address of a picture that stood in the page."""
    data = base64.b64decode(encoded)
    return f"../{assets.write_by_content(data, site, suffix='.png')}"


def _bar(page: NotebookPage) -> str:
    """Return what leads from a notebook back to the report."""
    return (
        '<a class="skip" href="#main">Skip to the notebook</a>'
        '<nav class="back" aria-label="Report"><a href="../index.html">hipus report</a>'
        f'<a href="../notebooks.html">All notebooks</a><span>{escape(page.name)}, as executed'
        "</span></nav>"
    )


def _title(path: Path) -> str:
    """Return a notebook's first heading, or its name."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = re.search(r"^#\s+(.+)$", text, flags=re.MULTILINE)
    return found[1].strip() if found else path.stem
