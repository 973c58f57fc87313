"""A recorded sequence as a PLUS file states it, and the sweep that it holds.

Decides what a transform's status means (only OK may be used), which transforms a sweep
needs (the chain from probe to reference and no other), and under which names a sweep is
stored. Deliberately reads and writes nothing: `metafile` does.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from hipus import geometry
from hipus.formats import header
from hipus.sweep import FrameStack, Sweep

OK = "OK"
#: Header field that carries a sweep's `T_pixel_to_probe`, scale included. PLUS means the
#: same by ImageToProbe: its Image frame is in pixels.
CALIBRATION_FIELD = "ImageToProbeTransform"

_TRANSFORM_NAME = re.compile(r"([A-Za-z]\w*?)To([A-Z]\w*)")


@dataclass(frozen=True)
class TransformTrack:
    """One transform over time.

    Attributes
    ----------
    matrices : numpy.ndarray (N, 4, 4) float64
        As written in the file, whatever the status says; NaN where a frame states none.
    status : tuple of N str
        As written: "OK", "INVALID", "MISSING" ...; empty where a frame states none.
    """

    matrices: np.ndarray
    status: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the shape against the statuses."""
        matrices = np.asarray(self.matrices, np.float64)
        if matrices.shape != (len(self.status), 4, 4):
            raise ValueError(
                f"matrices must be ({len(self.status)}, 4, 4) like status, got {matrices.shape}"
            )
        object.__setattr__(self, "matrices", matrices)

    @property
    def is_valid(self) -> np.ndarray:
        """Return (N,) bool, True where the status is OK. The matrix plays no part: PLUS
        writes a near-identity matrix with status INVALID."""
        return np.array([status == OK for status in self.status], bool)


@dataclass(frozen=True)
class Sequence:
    """A sequence of frames, times and transforms.

    Attributes
    ----------
    frames : FrameStack (N, H, W) uint8
        In MF orientation, read on demand. (N, 0, 0) or (N, 1, 1) where the file has no
        images; see `has_images`.
    time_s : numpy.ndarray (N,)
        Strictly increasing.
    transforms : dict of TransformTrack
        Keyed like "ProbeToTracker", without the ending "Transform".
    image_status : tuple of N str
        As written; empty where a frame states none, which counts as valid.
    frame_fields : dict of tuple
        All other frame fields, verbatim; None where a frame lacks one.
    fields : dict of str
        Header fields that are no syntax, verbatim and in order.
    orientation : str
        Of `frames`: "MF", "MFA", "MFD", or "XX" where there are no images.
    stored_orientation : str
        What the file said.
    image_type : str
        For example "BRIGHTNESS"; empty where it is not stated.
    spacing_xy : tuple of 2 float
        Of the columns and rows of `frames` as the header has it. PLUS writes 1 1 and keeps
        the scale in ImageToProbe, so this is never taken for millimetres.
    source : str
        The file's path, for messages.
    """

    frames: FrameStack
    time_s: np.ndarray
    transforms: dict[str, TransformTrack]
    image_status: tuple[str, ...]
    frame_fields: dict[str, tuple[str | None, ...]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    orientation: str = "MFA"
    stored_orientation: str = "MFA"
    image_type: str = "BRIGHTNESS"
    spacing_xy: tuple[float, float] = (1.0, 1.0)
    source: str = "sequence"

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.time_s)

    @property
    def has_images(self) -> bool:
        """Return False for a tracker log, whose frames are 0 x 0 or 1 x 1."""
        return self.frames.shape[1] * self.frames.shape[2] > 1

    def chain(self, source: str, target: str) -> np.ndarray:
        """Compose the transforms that lead from one frame of reference to another.

        Parameters
        ----------
        source, target : str
            Names as in the file, for example "Probe" and "Reference".

        Returns
        -------
        numpy.ndarray (N, 4, 4) float64
            `T_source_to_target`, NaN where a transform of the chain is not OK.

        Raises
        ------
        ValueError
            If no chain leads there (names what is in the file), or if a matrix with status
            OK is not rigid or not finite (names the transform and frame).

        Notes
        -----
        The shortest chain is taken; each transform may be used backwards, inverted as a
        full matrix. Statuses of transforms outside the chain are not looked at.
        """
        T = np.broadcast_to(np.eye(4), (len(self), 4, 4))
        for name, is_backwards in self._route(source, target):
            step = self._checked(name)
            T = geometry.compose(geometry.invert(step) if is_backwards else step, T)
        return T

    def _route(self, source: str, target: str) -> list[tuple[str, bool]]:
        """Return the shortest list of (transform, used backwards) from source to target."""
        edges = [(name, *_TRANSFORM_NAME.fullmatch(name).groups()) for name in self.transforms]
        routes = {source: []}
        queue = [source]
        for here in queue:
            for name, a, b in edges:
                there = b if here == a else a
                if here in (a, b) and there not in routes:
                    routes[there] = [*routes[here], (name, here == b)]
                    queue.append(there)
        if target not in routes:
            raise ValueError(
                f"{self.source}: no chain of transforms leads from {source} to {target}; present: "
                f"{', '.join(self.transforms) or 'none'}"
            )
        return routes[target]

    def _checked(self, name: str) -> np.ndarray:
        """Return a transform's matrices, NaN where it is not OK, after checking the others."""
        track = self.transforms[name]
        for index in np.flatnonzero(track.is_valid):
            geometry.check_transform(
                track.matrices[index], f"{self.source}: frame {index}: {name}Transform"
            )
        return np.where(track.is_valid[:, None, None], track.matrices, np.nan)

    def to_sweep(
        self,
        *,
        probe: str = "Probe",
        reference: str = "Reference",
        T_pixel_to_probe=None,
        sweep_id: str = "",
    ) -> Sweep:
        """Return the sweep: frames, times, and the poses of the probe in the reference.

        Parameters
        ----------
        probe, reference : str
            Names of the two frames of reference as in the file.
        T_pixel_to_probe : array-like (4, 4), optional
            Calibration, mm per pixel included. Left out: from the header field
            ImageToProbeTransform where there is one (see `from_sweep`), else none.
        sweep_id : str

        Returns
        -------
        Sweep
            A frame is valid where its image and every transform of the chain are.

        Raises
        ------
        ValueError
            If there are no images, no chain, or no frame with a valid chain, or a matrix
            with status OK is not rigid.
        """
        if not self.has_images:
            raise ValueError(
                f"{self.source}: a sweep needs images, got frames of {self.frames.shape}"
            )
        poses = self.chain(probe, reference)
        is_posed = ~np.isnan(poses).any(axis=(1, 2))
        if not is_posed.any():
            raise ValueError(
                f"{self.source}: no frame has a valid pose of {probe} in {reference}: "
                + self._describe(self._route(probe, reference))
            )
        has_image = np.array([status in ("", OK) for status in self.image_status], bool)
        return Sweep(
            frames=self.frames,
            time_s=self.time_s,
            T_probe_to_reference=poses,
            is_valid=is_posed & has_image,
            T_pixel_to_probe=self._calibration(T_pixel_to_probe),
            reference=reference[:1].lower() + reference[1:],
            sweep_id=sweep_id,
        )

    def _describe(self, route: list[tuple[str, bool]]) -> str:
        """Return how often each status of a chain occurs."""
        counts = [
            f"{name} is {', '.join(f'{s or UNSTATED} in {n}' for s, n in counted.items())}"
            for name, _ in route
            for counted in [Counter(self.transforms[name].status)]
        ]
        return "; ".join(counts) + f" of {len(self)} frames"

    def _calibration(self, T_pixel_to_probe):
        """Return the given calibration, else the header's, else None."""
        text = self.fields.get(CALIBRATION_FIELD)
        if T_pixel_to_probe is not None or text is None:
            return T_pixel_to_probe
        where = f"{self.source}: {CALIBRATION_FIELD}"
        return header.numbers(text, where, count=16).reshape(4, 4)


UNSTATED = "unstated"
