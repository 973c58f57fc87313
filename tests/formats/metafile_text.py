"""Sequence files spelled out by hand, independently of the writer under test."""

import zlib

import numpy as np

from hipus import geometry, rotations

WIDTH, HEIGHT, COUNT = 7, 4, 3


def pixels(count=COUNT, height=HEIGHT, width=WIDTH):
    """Return frames in which every pixel of every frame differs from its neighbours."""
    return (np.arange(count * height * width) % 251).astype(np.uint8).reshape(count, height, width)


def pose(index, shift=0.0):
    """Return an oblique rigid pose."""
    return geometry.transform(
        rotations.from_euler(np.array([10.0 + index, -25.0, 40.0]), "ZYX"), [index + shift, 2, -3]
    )


def row(matrix):
    """Return a matrix as PLUS writes it: 16 numbers and a trailing blank."""
    return " ".join(f"{value:.17g}" for value in np.ravel(matrix)) + " "


def frame_fields(count=COUNT):
    """Return the frame fields of a tracked sequence."""
    fields = {}
    for index in range(count):
        key = f"Seq_Frame{index:04d}_"
        fields |= {
            f"{key}ProbeToTrackerTransform": row(pose(index)),
            f"{key}ProbeToTrackerTransformStatus": "OK",
            f"{key}ReferenceToTrackerTransform": row(pose(5, shift=7.0)),
            f"{key}ReferenceToTrackerTransformStatus": "OK",
            f"{key}StylusToTrackerTransform": row(np.eye(4)),
            f"{key}StylusToTrackerTransformStatus": "INVALID",
            f"{key}Timestamp": f"{100 + 0.25 * index:.6f}",
            f"{key}FrameNumber": str(40 + index),
            f"{key}ImageStatus": "OK",
        }
    return fields


def mha_fields(changes=None, *, count=COUNT, height=HEIGHT, width=WIDTH):
    """Return the fields of an uncompressed file; a change to None takes a field out."""
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "DimSize": f"{width} {height}             {count}        ",
        "ElementSpacing": "0.3 0.7 1",
        "ElementType": "MET_UCHAR",
        "UltrasoundImageOrientation": "MFA",
        "UltrasoundImageType": "BRIGHTNESS",
        "CustomNote": "left = right",
        **frame_fields(count),
    }
    fields |= changes or {}
    return {key: value for key, value in fields.items() if value is not None}


def mha_bytes(changes=None, payload=None, *, compressed=False, data_file="LOCAL", **size):
    """Return a whole file."""
    payload = pixels(**size).tobytes() if payload is None else payload
    if compressed:
        payload = zlib.compress(payload)
        changes = {
            "CompressedData": "True",
            "CompressedDataSize": f"{len(payload):<16d}",
            **(changes or {}),
        }
    lines = [f"{key} = {value}" for key, value in mha_fields(changes, **size).items()]
    head = "\n".join([*lines, f"ElementDataFile = {data_file}", ""])
    return head.encode("latin-1") + (payload if data_file == "LOCAL" else b"")


def write_mha(folder, changes=None, payload=None, **options):
    """Write a file and return its path."""
    path = folder / "made.igs.mha"
    path.write_bytes(mha_bytes(changes, payload, **options))
    return path


def assert_same_sequence(a, b):
    """Check that pixels, times, transforms, statuses and fields are equal, bit for bit."""
    assert a.frames.shape == b.frames.shape
    for start in range(0, len(a), 16):
        part = slice(start, start + 16)
        np.testing.assert_array_equal(np.asarray(a.frames[part]), np.asarray(b.frames[part]))
    np.testing.assert_array_equal(a.time_s, b.time_s)
    assert list(a.transforms) == list(b.transforms)
    for name, track in a.transforms.items():
        np.testing.assert_array_equal(track.matrices, b.transforms[name].matrices)
        assert track.status == b.transforms[name].status
    assert a.image_status == b.image_status
    assert a.frame_fields == b.frame_fields
    assert list(a.fields.items()) == list(b.fields.items())
    assert (a.orientation, a.image_type, a.spacing_xy) == (
        b.orientation,
        b.image_type,
        b.spacing_xy,
    )
