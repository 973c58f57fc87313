"""Which bright dots are which wires of an N-wire phantom, frame by frame.

Decides names from the phantom's geometry alone: no tracking, no previous frame, no assumption
on which side of the image a wire appears or from which end the probe looks, so that an image
stored mirrored gets its names right too. A frame whose wires are not found says why.
Deliberately computes no calibration (see `spatial`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hipus.calibration.nwire_dots import Dots, find_dots
from hipus.calibration.nwire_model import PatternModel, pattern_model
from hipus.calibration.wires import NWirePhantom, SegmentationSettings

log = logging.getLogger(__name__)

#: Pixel sides and slant together stretch a layer's line by at most these factors.
STRETCH = (0.8, 1.7)
#: A naming is accepted up to this misfit (units of `PatternModel.misfit`) ...
GREATEST_MISFIT = 3.0
#: ... and only if every other naming of the same dots fits this much worse.
NAMING_MARGIN = 0.5
#: More stacks of lines than this are cut to the strongest, frame by frame.
MOST_STACKS = 20_000


@dataclass(frozen=True)
class WireFinding:
    """The wires of one frame.

    Attributes
    ----------
    points_px : numpy.ndarray (3 L, 2) float64
        Dots (u, v) in the order of the phantom's wires; NaN where nothing was found.
    misfit : float
        How far the dots are from what a plane through the wires can show (see
        `nwire_model.PatternModel`); NaN where no pattern was seen at all.
    reason : str
        Empty if found, else why not.
    """

    points_px: np.ndarray
    misfit: float
    reason: str = ""

    @property
    def is_found(self) -> bool:
        """Tell whether the wires were found."""
        return not self.reason


@dataclass(frozen=True)
class SweepFindings:
    """The wires of a sweep.

    Attributes
    ----------
    points_px : numpy.ndarray (N, 3 L, 2) float64
        NaN in frames where they were not found.
    misfit : numpy.ndarray (N,) float64
    reasons : tuple of str (N,)
        Empty where found.
    """

    points_px: np.ndarray
    misfit: np.ndarray
    reasons: tuple[str, ...]

    @property
    def is_found(self) -> np.ndarray:
        """Return where the wires were found, (N,) bool."""
        return np.array([not reason for reason in self.reasons], bool)


def find_wires(frame, phantom: NWirePhantom) -> WireFinding:
    """Find and name a phantom's wires in one frame.

    Parameters
    ----------
    frame : numpy.ndarray (H, W) uint8
    phantom : NWirePhantom

    Returns
    -------
    WireFinding

    Raises
    ------
    ValueError
        If the frame or the clip rectangle is malformed (never for a frame without wires).

    Notes
    -----
    Bright dots; triples of them on a line; one line per layer, nearly parallel and at the
    layers' distance; then the naming whose dots a plane through the wires explains best: the
    outer wires' dots are an affine picture of their cross-section, and the plane's slant told
    by the middle wires must agree with the stretch of that picture.
    """
    settings = phantom.segmentation
    dots = find_dots(frame, settings)
    count = len(phantom.names)
    if len(dots.points_px) < count:
        return _nothing(phantom, f"{len(dots.points_px)} bright dots, {count} wires")
    model = pattern_model(phantom)
    points_mm = dots.points_px * settings.approximate_spacing_mm
    lines = _lines(points_mm, settings, model)
    if len(lines) < phantom.pattern_count:
        return _nothing(
            phantom, f"{len(lines)} lines of three dots, {phantom.pattern_count} layers"
        )
    stacks = _stacks(points_mm, lines, settings, model)
    if not len(stacks):
        return _nothing(phantom, f"no {phantom.pattern_count} of {len(lines)} lines fit the layers")
    return _best_naming(dots, stacks, phantom, model)


def find_in_frames(frames, phantom: NWirePhantom, *, block: int = 16) -> SweepFindings:
    """Find the wires in every frame of a stack, reading it block by block.

    Parameters
    ----------
    frames : FrameStack (N, H, W) uint8
    phantom : NWirePhantom
    block : int
        Frames held in memory at a time.

    Returns
    -------
    SweepFindings
        One entry per frame; frames without wires are counted in a warning.

    Raises
    ------
    ValueError
        If there is no frame.
    """
    if frames.shape[0] == 0:
        raise ValueError("frames must hold at least one frame, got 0")
    findings = [find_wires(frame, phantom) for frame in _each(frames, block)]
    found = sum(finding.is_found for finding in findings)
    if found < len(findings):
        reasons = sorted({finding.reason for finding in findings if finding.reason})
        log.warning("wires found in %d of %d frames: %s", found, len(findings), "; ".join(reasons))
    return SweepFindings(
        points_px=np.stack([finding.points_px for finding in findings]),
        misfit=np.array([finding.misfit for finding in findings]),
        reasons=tuple(finding.reason for finding in findings),
    )


def _each(frames, block: int) -> Iterator[np.ndarray]:
    """Yield frames one by one."""
    for start in range(0, frames.shape[0], block):
        yield from np.asarray(frames[start : start + block])


def _nothing(phantom: NWirePhantom, reason: str, misfit: float = np.nan) -> WireFinding:
    """Return a finding that says why there is none."""
    return WireFinding(np.full((len(phantom.names), 2), np.nan), misfit, reason)


def _lines(points_mm: np.ndarray, settings: SegmentationSettings, model: PatternModel):
    """Return triples of dots, left to right, that may be a layer, (M, 3) int."""
    order = np.argsort(points_mm[:, 0], kind="stable")
    triples = order[np.array(list(combinations(range(len(order)), 3)))]
    first, middle, last = np.moveaxis(points_mm[triples], 1, 0)
    along = last - first
    length = np.linalg.norm(along, axis=1)
    shift = middle - first
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(along[:, 0] * shift[:, 1] - along[:, 1] * shift[:, 0]) / length
    angle = np.degrees(np.arctan2(along[:, 1], along[:, 0]))
    fits = off <= settings.collinear_distance_mm
    fits &= (angle >= settings.min_line_angle_deg) & (angle <= settings.max_line_angle_deg)
    fits &= (length >= STRETCH[0] * model.widths_mm.min()) & (
        length <= STRETCH[1] * model.widths_mm.max()
    )
    return triples[fits]


def _stacks(points_mm, lines, settings: SegmentationSettings, model: PatternModel):
    """Return sequences of lines, top to bottom, that may be the layers, (S, L, 3) int."""
    may_follow = _may_follow(points_mm, lines, settings, model)
    stacks = np.arange(len(lines))[:, None]
    for _ in range(model.layer_count - 1):
        rows, after = np.nonzero(may_follow[stacks[:, -1]])
        stacks = np.concatenate([stacks[rows], after[:, None]], axis=1)
    dots = lines[stacks].reshape(len(stacks), 3 * model.layer_count)
    ordered = np.sort(dots, axis=1)
    is_distinct = (np.diff(ordered, axis=1) > 0).all(axis=1)
    # Dots are numbered brightest first: the smallest sums are the strongest stacks.
    stacks, dots = stacks[is_distinct], dots[is_distinct]
    strongest = np.argsort(dots.sum(axis=1), kind="stable")[:MOST_STACKS]
    return lines[stacks[strongest]]


def _may_follow(points_mm, lines, settings: SegmentationSettings, model: PatternModel):
    """Return which line may be the next layer below which, (M, M) bool."""
    ends = points_mm[lines[:, [0, 2]]]
    along = ends[:, 1] - ends[:, 0]
    angle = np.degrees(np.arctan2(along[:, 1], along[:, 0]))
    fits = np.abs(angle[:, None] - angle) <= settings.max_angle_difference_deg
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    centre = ends.mean(axis=1)
    gap = np.einsum("abi,ai->ab", centre[None] - centre[:, None], normal)
    # A slant towards the layers' normal stretches gaps as it stretches widths; a shear between
    # the two can shorten them, by the cosine of the slant.
    low, high = STRETCH[0] ** 2 * model.gaps_mm.min(), STRETCH[1] * model.gaps_mm.max()
    return fits & (gap >= low) & (gap <= high)


def _best_naming(dots: Dots, stacks, phantom: NWirePhantom, model: PatternModel) -> WireFinding:
    """Name the dots of the stack that the phantom explains best."""
    scale = phantom.segmentation.approximate_spacing_mm
    named = model.namings(stacks)
    misfit = model.misfit(dots.points_px[named] * scale)
    best = np.unravel_index(np.argmin(misfit), misfit.shape)
    lowest = float(misfit[best])
    if not lowest <= GREATEST_MISFIT:
        return _nothing(
            phantom, f"dots unlike the phantom (misfit above {GREATEST_MISFIT})", lowest
        )
    others = np.delete(misfit[best[0]], best[1])
    if others.min() < lowest + NAMING_MARGIN:
        return _nothing(phantom, "two namings of the wires fit alike", lowest)
    return WireFinding(dots.points_px[named[best]], lowest)
