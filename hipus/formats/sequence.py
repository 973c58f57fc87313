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
from hipus.formats import sweep_fields
from hipus.sweep import FrameStack, Sweep, check_times

OK = "OK"
INVALID = "INVALID"

#: Name of a transform without its ending "Transform".
TRANSFORM_NAME = re.compile(r"([A-Za-z][\w.-]*?)To([A-Z][\w.-]*)")


@dataclass(frozen=True)
class TransformTrack:
    """One transform over time.

    Attributes
    ----------
    matrices : numpy.ndarray (N, 4, 4) float64
        As written in the file, whatever the status says; NaN where a frame states none.
    status : tuple of N str
        As written: "OK", "INVALID", "MISSING" ...; empty where a frame states none (not
        "MISSING", which PLUS writes for a tool that the tracker does not see).
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
        """Return (N,) bool, True where the status is OK, whatever the matrix looks like."""
        # PLUS writes a near-identity matrix with status INVALID.
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
        Other header fields, verbatim and in order.
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

    def __post_init__(self) -> None:
        """Check that times increase and that everything is stated for every frame."""
        count = self.frames.shape[0]
        time_s = check_times(self.time_s, f"{self.source}: Timestamp", count=count)
        object.__setattr__(self, "time_s", time_s)
        for name in self.transforms:
            if not TRANSFORM_NAME.fullmatch(name):
                raise ValueError(f"a transform must be named like ProbeToTracker, got {name!r}")
        counts = {name: len(track.status) for name, track in self.transforms.items()}
        counts |= {name: len(column) for name, column in self.frame_fields.items()}
        for name, stated in (counts | {"image_status": len(self.image_status)}).items():
            if stated != count:
                raise ValueError(f"{self.source}: {name} must have {count} frames, got {stated}")

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.time_s)

    @property
    def has_images(self) -> bool:
        """Return False for a tracker log, whose frames are 0 x 0 or 1 x 1."""
        return self.frames.shape[1] * self.frames.shape[2] > 1

    def chain(self, source: str, target: str, *, accepts_unstated: bool = False) -> np.ndarray:
        """Compose the transforms that lead from one frame of reference to another.

        Parameters
        ----------
        source, target : str
            Names as in the file, for example "Probe" and "Reference".
        accepts_unstated : bool
            Take a matrix without any status for valid. PLUS does not, nor do we unless told:
            no statement is not a promise.

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
        T = np.tile(np.eye(4), (len(self), 1, 1))
        for name, is_backwards in self._route(source, target):
            step = self._checked(name, accepts_unstated)
            T = geometry.compose(geometry.invert(step) if is_backwards else step, T)
        return T

    def _route(self, source: str, target: str) -> list[tuple[str, bool]]:
        """Return the shortest list of (transform, used backwards) from source to target."""
        edges = [(name, *TRANSFORM_NAME.fullmatch(name).groups()) for name in self.transforms]
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

    def _checked(self, name: str, accepts_unstated: bool) -> np.ndarray:
        """Return a transform's matrices, NaN where it is not OK, after checking the others."""
        track = self.transforms[name]
        is_valid = track.is_valid
        if accepts_unstated:
            is_unstated = np.array([status == "" for status in track.status])
            is_valid = is_valid | (is_unstated & ~np.isnan(track.matrices).all(axis=(1, 2)))
        try:
            geometry.check_transform(track.matrices[is_valid])
        except ValueError:
            for index in np.flatnonzero(is_valid):
                where = f"{self.source}: frame {index}: {name}Transform"
                geometry.check_transform(track.matrices[index], where)
        return np.where(is_valid[:, None, None], track.matrices, np.nan)

    def to_sweep(
        self,
        *,
        probe: str = "Probe",
        reference: str | None = None,
        T_pixel_to_probe=None,
        sweep_id: str | None = None,
        accepts_unstated: bool = False,
    ) -> Sweep:
        """Return the sweep: frames, times, and the poses of the probe in the reference.

        Parameters
        ----------
        probe : str
            Name of the probe's frame of reference as in the file.
        reference : str, optional
            What the poses shall refer to, as in the file. Left out: what the header field
            SweepReference says (see `from_sweep`), else "Reference".
        T_pixel_to_probe : array-like (4, 4), optional
            Calibration, mm per pixel included. Left out: the header field
            ImageToProbeTransform where there is one, else none.
        sweep_id : str, optional
            Left out: the header field SweepId, else empty.
        accepts_unstated : bool
            See `chain`.

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
            shape = self.frames.shape
            raise ValueError(f"{self.source}: a sweep needs images, got frames of {shape}")
        reference = reference or self.fields.get(sweep_fields.REFERENCE, "Reference")
        poses = self.chain(probe, reference, accepts_unstated=accepts_unstated)
        spacing_xy_mm = None
        if T_pixel_to_probe is None:
            T_pixel_to_probe = sweep_fields.calibration_of(self.fields, self.source)
            spacing_xy_mm = sweep_fields.spacing_of(self.fields, self.source)
        return Sweep(
            frames=self.frames,
            time_s=self.time_s,
            T_probe_to_reference=poses,
            is_valid=self._validity(poses, probe, reference),
            T_pixel_to_probe=T_pixel_to_probe,
            pixel_spacing_xy_mm=spacing_xy_mm,
            imu=sweep_fields.imu_of(self.fields, self.source),
            reference=reference[:1].lower() + reference[1:],
            sweep_id=self.fields.get(sweep_fields.SWEEP_ID, "") if sweep_id is None else sweep_id,
        )

    def _validity(self, poses: np.ndarray, probe: str, reference: str) -> np.ndarray:
        """Return where image and pose are valid; refuse a file without any valid pose."""
        is_posed = ~np.isnan(poses).any(axis=(1, 2))
        if is_posed.any():
            return is_posed & np.array([status in ("", OK) for status in self.image_status])
        counts = [
            f"{name} is {status or 'without a status'} in {count}"
            for name, _ in self._route(probe, reference)
            for status, count in Counter(self.transforms[name].status).items()
        ]
        raise ValueError(
            f"{self.source}: no frame has a valid pose of {probe} in {reference}: "
            f"{', '.join(counts)} of {len(self)} frames"
        )


def from_sweep(sweep: Sweep) -> Sequence:
    """Return a sequence that holds a sweep, to be written to a file.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    Sequence
        Poses as the transform ProbeToReference (ProbeToTracker, ProbeToHip ...: after
        `sweep.reference`), INVALID with an identity matrix where they are NaN, as PLUS
        does; image status INVALID where a frame is invalid in spite of its pose.
        Calibration, spacing, names and inertial samples as header fields (`sweep_fields`).

    Notes
    -----
    `from_sweep(sweep).to_sweep()` returns an equal sweep, also through a file.
    """
    poses = sweep.T_probe_to_reference
    is_posed = ~np.isnan(poses).any(axis=(1, 2))
    track = TransformTrack(
        matrices=np.where(is_posed[:, None, None], poses, np.eye(4)),
        status=tuple(OK if posed else INVALID for posed in is_posed),
    )
    has_image = sweep.is_valid | ~is_posed
    return Sequence(
        frames=sweep.frames,
        time_s=sweep.time_s,
        transforms={f"ProbeTo{sweep_fields.frame_name(sweep.reference)}": track},
        image_status=tuple(OK if there else INVALID for there in has_image),
        fields=sweep_fields.fields_of(sweep),
        source=f"sweep {sweep.sweep_id!r}",
    )
