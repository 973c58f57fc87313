"""The elements and attributes of the PLUS toolkit's XML files, read with clear errors.

Decides how such a file is opened (no entities, no document types) and what is said when
something in it is missing or malformed: file, element, attribute, expected and got.
Deliberately knows no element by name: `plus_config`, `calibration.plus_phantom` and
`calibration.plus_results` do.
"""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
from defusedxml.common import DefusedXmlException


def parse(path: str | os.PathLike) -> Element:
    """Return the root element of an XML file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    xml.etree.ElementTree.Element

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not well-formed, in an encoding that nothing here knows, or declares
        entities, which could unfold to any size.
    """
    path = Path(path)
    try:
        return defusedxml.ElementTree.parse(path, forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise ValueError(f"{path.name}: not a readable PLUS XML file: {error}") from error


def attribute(element: Element, name: str, where: str) -> str:
    """Return an attribute that must be there.

    Parameters
    ----------
    element : xml.etree.ElementTree.Element
    name : str
        The attribute's name.
    where : str
        File, and element where its tag alone does not tell; used in messages.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the element lacks it.
    """
    value = element.get(name)
    if value is None:
        raise ValueError(f"{where}: {element.tag} has no attribute {name}")
    return value


def numbers(element: Element, name: str, where: str, *, count: int) -> tuple[float, ...]:
    """Return an attribute's numbers, whatever white space parts them.

    Parameters
    ----------
    element : xml.etree.ElementTree.Element
    name : str
        The attribute's name.
    where : str
        As for `attribute`.
    count : int
        How many there must be.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If the element lacks it, or it is not that many finite numbers.
    """
    text = attribute(element, name, where)
    try:
        values = tuple(float(word) for word in text.split())
    except ValueError:
        values = ()
    if len(values) != count or not np.isfinite(values).all():
        raise ValueError(
            f"{where}: {element.tag} {name} must be {count} finite numbers, got {_short(text)}"
        )
    return values


def whole_numbers(element: Element, name: str, where: str, *, count: int) -> tuple[int, ...]:
    """Return an attribute's whole numbers.

    Parameters
    ----------
    element, name, where, count
        As for `numbers`.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        As `numbers`, and if one of them is not whole.
    """
    values = numbers(element, name, where, count=count)
    if any(value != int(value) for value in values):
        text = _short(element.get(name))
        raise ValueError(f"{where}: {element.tag} {name} must be {count} whole numbers, got {text}")
    return tuple(int(value) for value in values)


def matrix(element: Element, name: str, where: str) -> np.ndarray:
    """Return an attribute's 16 numbers as a matrix, row by row.

    Parameters
    ----------
    element, name, where
        As for `numbers`.

    Returns
    -------
    numpy.ndarray (4, 4) float64

    Raises
    ------
    ValueError
        As `numbers`.
    """
    return np.reshape(numbers(element, name, where, count=16), (4, 4))


def _short(text: str) -> str:
    """Return a text for a message, cut where it is long."""
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
