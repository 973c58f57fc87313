"""Words of the turning hip: what each way of seeing it is called, and its planes as a table.

Decides how a plane's number or refusal is said. Every number comes from stage `hip_scene`.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Way of labelling and poses -> what it is called.
WAYS = {
    ("truth", "true"): "truth: what was insonified, at true poses",
    ("model", "predicted"): "network 3.2, without tracking",
    ("model", "stored"): "network 3.2, volume as stored",
}
_KINDS = {"mature": "Mature hip", "dysplastic": "Dysplastic hip", "typical": "Typical hip"}


def title(kind: str, name: str, side: str) -> str:
    """Return what a hip is called.

    Parameters
    ----------
    kind : {"mature", "dysplastic", "typical"}
    name : str
        Subject and sweep.
    side : {"left", "right"}

    Returns
    -------
    str
    """
    return f"{_KINDS[kind]}, {side} ({name})"


def place(at_mm: float) -> str:
    """Return where a plane lies.

    Parameters
    ----------
    at_mm : float
        Behind the Graf plane.

    Returns
    -------
    str
    """
    if abs(at_mm) < 0.005:
        return "Graf plane"
    where = "behind" if at_mm > 0 else "in front of"
    return f"{abs(at_mm):.1f} mm {where} the Graf plane"


def table_rows(hip: Mapping) -> dict:
    """Return a hip's planes as rows for who sees no drawing.

    Parameters
    ----------
    hip : mapping
        As `hip_scene` makes it.

    Returns
    -------
    dict
        "title", "columns" and "rows" of text.
    """
    ways = hip["ways"]
    rows = [[place(one["at_mm"])] + [_alpha(way, number) for way in ways]
            for number, one in enumerate(ways[0]["planes"])]  # fmt: skip
    columns = ["Plane", *(f"Alpha, {way['title']}" for way in ways)]
    return {"title": hip["title"], "columns": columns, "rows": rows}


def _alpha(way: Mapping, number: int) -> str:
    """Return alpha with its calibrated interval, or the refusal; of truth, what was built."""
    plane = way["planes"][number]
    if plane["alpha_deg"] is None:
        return f"refused: {plane['refusal']}"
    text = f"{plane['alpha_deg']:.1f}°"
    if way["name"] != "truth" and plane["lower_deg"] is not None:
        text += (
            f"; calibrated {plane['calibrated_deg']:.1f}° "
            f"({plane['lower_deg']:.1f}° to {plane['upper_deg']:.1f}°)"
        )
    if way["name"] == "truth" and plane["truth_deg"] is not None:
        text += f"; built with {plane['truth_deg']:.1f}°"
    return text
