"""One frame on the native grid: all lines march in depth together.

Decides the order of physics: tissue echo, loss, shadow blurred by the aperture, clutter,
reverberation, noise, speckle, and the vendor's speckle reduction. The result is amplitude in
dB before gain and grey map. Rows are computed once, top to bottom; nothing depends on threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hipus.phantom.ultrasound.compiling import cached, compiled, source_stamp
from hipus.phantom.ultrasound.guides import BONE, GUIDE_COUNT
from hipus.phantom.ultrasound.speckle import QUANTUM, depth_to_index, read_row
from hipus.phantom.ultrasound.tissue_kernel import (
    bone_echo,
    bone_fraction,
    fascia_db,
    in_capsule,
    joint_db,
    layers_db,
    loss_db_per_mm,
    sparkle_db,
)

#: Nepers (amplitude) per dB.
NEPER_PER_DB = np.log(10) / 20
#: Half width of the aperture's blur of a shadow, at the face and its growth with depth;
#: half width of a bone echo's lateral blur, mm (SIMULATION.md A1.3).
SHADOW_MM, SHADOW_GROWTH, ECHO_MM = 0.25, 0.035, 0.22
#: Half the beam's width, over which it averages the strength of tissue, mm: half of the
#: lateral point spread. Borders along the beam are therefore soft.
BEAM_MM = 0.30
#: Part of a fascia's power that is mirrored, not scattered, and how far fascia must stand out
#: for it, dB (assumed): fascia has less speckle than muscle and decorrelates later.
COHERENT, COHERENT_DB = 0.75, 18.0
#: Half width of the side lobes that make clutter, mm (assumed).
CLUTTER_MM = 3.0
#: Ring-down of the transducer and haze of the near field, amplitudes at the face (assumed).
RING_DOWN, RING_DOWN_MM = 0.08, 0.30
HAZE, HAZE_MM = 0.010, 2.2
#: Without contact: loss of tissue echo, dB, and multiple echoes within the probe's cover.
NO_CONTACT_DB, COVER_ECHO, COVER_MM = 50.0, 0.05, 2.8


class Beam(NamedTuple):
    """Numbers of probe and frame that the march needs.

    `plane` maps (line, row) in steps of the native grid to field coordinates in mm:
    `plane[:, 0] + line * plane[:, 1] + row * plane[:, 2]`, rows lateral, axial, elevational.
    """

    plane: np.ndarray
    depth_index: np.ndarray
    depth_start_mm: float
    depth_step_mm: float
    field_pitch_mm: tuple[float, float]
    row_step: int
    line_step: int
    row_mm: float
    line_mm: float
    loss_scale: float
    looks: int
    smoothing: float
    clutter_scale: float
    reverberation_scale: float
    noise_start: tuple[int, int, int]
    noise_step: tuple[int, int]


class Rows(NamedTuple):
    """Buffers of one row, (lines,) float32; `shadow_db`, `beyond`, `clutter` carry over."""

    tissue: np.ndarray
    sheet: np.ndarray
    echo: np.ndarray
    passed: np.ndarray
    clutter: np.ndarray
    shadow_db: np.ndarray
    beyond: np.ndarray
    near: np.ndarray
    fresh: np.ndarray
    sums: np.ndarray
    look: np.ndarray
    power: np.ndarray


@compiled
def _empty_rows(lines):
    """Return fresh buffers."""
    flat = np.zeros((10, lines), np.float32)
    return Rows(
        flat[0], flat[1], flat[2], flat[3], flat[4], flat[5], flat[6], flat[7], flat[8],
        np.zeros(lines + 1, np.float32), np.empty((2, lines), np.float32), flat[9],
    )  # fmt: skip


@compiled
def _fill_row(guides, index, beam, row):
    """Interpolate the coarse guides to one native row."""
    above = index // beam.row_step
    b = np.float32(index - above * beam.row_step) / np.float32(beam.row_step)
    scale = np.float32(1) / np.float32(beam.line_step)
    for guide in range(row.shape[0]):
        top, bottom = guides[above, guide], guides[above + 1, guide]
        for line in range(row.shape[1]):
            left = line // beam.line_step
            a = np.float32(line - left * beam.line_step) * scale
            near = top[left] + b * (bottom[left] - top[left])
            far = top[left + 1] + b * (bottom[left + 1] - top[left + 1])
            row[guide, line] = near + a * (far - near)


@compiled
def _pass_tissue(row, levels, tables, beam, rows):
    """Compute echoes at a row, and the shadow that the next row stands in."""
    for line in range(row.shape[1]):
        bone = bone_fraction(row, line, levels)
        rows.passed[line] = np.exp(-NEPER_PER_DB * rows.shadow_db[line])
        rows.echo[line] = bone_echo(row, line, levels)
        rows.beyond[line] = max(rows.beyond[line], in_capsule(row, line))
        loss = loss_db_per_mm(row, line, levels, bone, rows.beyond[line]) * beam.loss_scale
        rows.shadow_db[line] = min(rows.shadow_db[line] + loss * beam.row_mm, 120.0)
        if rows.shadow_db[line] > 60 or row[BONE, line] < -2.0:
            rows.tissue[line] = rows.sheet[line] = 0.0
            continue
        sheets_db = fascia_db(row, line, levels, tables)
        db = layers_db(row, line, levels, sheets_db)
        db = joint_db(row, line, levels, db, rows.beyond[line]) + sparkle_db(row, line, levels)
        amplitude = (1 - bone) * np.exp(NEPER_PER_DB * db)
        mirrored = COHERENT * min(sheets_db / COHERENT_DB, 1.0) * (1 - rows.beyond[line])
        rows.sheet[line] = amplitude * np.sqrt(mirrored)
        rows.tissue[line] = amplitude * np.sqrt(1 - mirrored)


@compiled
def _blur(values, sums, half):
    """Replace a row by its running mean over 2 * half + 1 lines, shorter at the ends."""
    lines = len(values)
    for line in range(lines):
        sums[line + 1] = sums[line] + values[line]
    for line in range(lines):
        first, last = max(line - half, 0), min(line + half + 1, lines)
        values[line] = (sums[last] - sums[first]) / np.float32(last - first)


@compiled
def _blur_row(rows, depth_mm, beam, contact):
    """Blur shadow and echoes across lines, and apply shadow and contact."""
    half = int((SHADOW_MM + SHADOW_GROWTH * depth_mm) / beam.line_mm + 0.5)
    for _ in range(2):  # Twice: one box would end a shadow with a corner, seen once compressed.
        _blur(rows.passed, rows.sums, half)
    _blur(rows.echo, rows.sums, int(ECHO_MM / beam.line_mm + 0.5))
    _blur(rows.tissue, rows.sums, int(BEAM_MM / beam.line_mm + 0.5))
    _blur(rows.sheet, rows.sums, int(BEAM_MM / beam.line_mm + 0.5))
    for line in range(len(contact)):
        rows.passed[line] *= np.exp(-NEPER_PER_DB * NO_CONTACT_DB * (1 - contact[line]))
        rows.echo[line] *= rows.passed[line]


@compiled
def _add_clutter(rows, surface, index, levels, beam, contact):
    """Update clutter behind bone, reverberation of bone, ring-down and haze at the face."""
    depth = index * beam.row_mm
    decay = np.exp(-beam.row_mm / levels.clutter_reach_mm)
    ring = RING_DOWN * np.exp(-((depth / RING_DOWN_MM) ** 2)) + HAZE * np.exp(-depth / HAZE_MM)
    cover = COVER_ECHO * np.exp(-depth / COVER_MM) * (0.6 + 0.4 * np.cos(7.0 * depth))
    rows.fresh[:] = rows.echo
    _blur(rows.fresh, rows.sums, int(CLUTTER_MM / beam.line_mm + 0.5))
    for line in range(len(rows.echo)):
        fresh = levels.clutter_gain * beam.clutter_scale * rows.fresh[line]
        rows.clutter[line] = max(rows.clutter[line] * decay, fresh)
        again = levels.reverberation_gain * surface[index // 2, line]
        lost = (1 - contact[line]) * cover
        rows.near[line] = beam.clutter_scale * (ring + lost) + beam.reverberation_scale * again


@compiled
def _form_row(values, losses, index, beam, noise, rows, out_db):
    """Combine echoes, speckle and noise over the looks, and reduce speckle as vendors do."""
    rows.power[:] = 0
    for look in range(beam.looks):
        _read_look(values, losses, index, look, beam, rows.look)
        _add_look(values, index, look, beam, noise, rows)
    scale = np.float32(1) / np.float32(beam.looks)
    for line in range(len(out_db)):
        tissue = rows.tissue[line] * rows.passed[line] + rows.clutter[line]
        near, mirrored = rows.near[line], _mirrored_power(rows, line)
        expected = tissue * tissue + noise * noise + near * near + mirrored
        power = max(rows.power[line] * scale, np.float32(1e-14))
        out_db[line] = 10 * np.log10(power)
        if beam.smoothing < 1:
            evened = 10 * np.log10(max(expected, np.float32(1e-14)))
            out_db[line] = evened + beam.smoothing * (out_db[line] - evened)


@compiled
def _read_look(values, losses, index, look, beam, out):
    """Read one look's speckle along a row; the second lies half a period away."""
    rows, columns = values.shape[0], values.shape[2]
    first, last = np.empty(3), np.empty(3)
    for end in range(2):
        line = end * (out.shape[1] - 1)
        at = beam.plane[:, 0] + line * beam.plane[:, 1] + index * beam.plane[:, 2]
        point = last if end else first
        point[0] = at[2] / beam.field_pitch_mm[0] + look * (rows // 2)
        point[1] = depth_to_index(beam.depth_index, beam.depth_start_mm, beam.depth_step_mm, at[1])
        point[2] = at[0] / beam.field_pitch_mm[1] + look * (columns // 2)
    read_row(values, losses, first, (last - first) / (out.shape[1] - 1), out)


@compiled
def _add_look(values, index, look, beam, noise, rows):
    """Add one look's power: speckle of tissue and clutter, noise, near field, bone.

    Noise and near field take their texture from the same field at whole grid points: noise
    from another place in every frame, the near field, which belongs to the probe, from one.
    """
    count, planes, columns = values.shape[0], values.shape[1], values.shape[2]
    y, z, x = beam.noise_start
    y, z = (y + look * (count // 2)) % count, (z + index * beam.noise_step[0]) % planes
    near_y, near_z = look * (count // 2), (index * beam.noise_step[0]) % planes
    for line in range(len(rows.power)):
        at, own = (x + line * beam.noise_step[1]) % columns, (line * beam.noise_step[1]) % columns
        tissue = rows.tissue[line] * rows.passed[line] + rows.clutter[line]
        grain, total = np.float32(0), np.float32(0)
        for part in range(2):
            speckle = rows.look[part, line]
            grain += speckle * speckle
            sum_ = tissue * speckle
            sum_ += noise * np.float32(QUANTUM) * values[y, z, at, part]
            sum_ += rows.near[line] * np.float32(QUANTUM) * values[near_y, near_z, own, part]
            total += sum_ * sum_
        rows.power[line] += total
        rows.power[line] += _mirrored_power(rows, line) * (
            np.float32(0.5) + np.float32(0.5) * grain
        )


@compiled
def _mirrored_power(rows, line):
    """Return the power of bone and fascia that reflect like mirrors."""
    sheet = rows.sheet[line] * rows.passed[line]
    return rows.echo[line] * rows.echo[line] + sheet * sheet


def _compile_march(stamp: int):
    """Compile the march, keyed to the sources it is compiled from."""

    @cached
    def march(guides, levels, tables, field, beam, noise, contact, out):
        out_db, out_passed_db = out
        samples, lines = out_db.shape[0] + 0 * stamp, out_db.shape[1]
        row, rows = np.empty((GUIDE_COUNT, lines), np.float32), _empty_rows(lines)
        surface = np.zeros((samples, lines), np.float32)
        for index in range(samples):
            _fill_row(guides, index, beam, row)
            _pass_tissue(row, levels, tables, beam, rows)
            _blur_row(rows, index * beam.row_mm, beam, contact)
            surface[index] = rows.echo
            _add_clutter(rows, surface, index, levels, beam, contact)
            _form_row(field[0], field[1], index, beam, noise[index], rows, out_db[index])
            for line in range(lines):
                out_passed_db[index, line] = 20 * np.log10(max(rows.passed[line], 1e-6))

    return march


_MARCH = _compile_march(source_stamp())


def march(guides, levels, tables, *, field, beam: Beam, noise, contact, out) -> None:
    """Render one frame.

    Parameters
    ----------
    guides : (rows, GUIDE_COUNT, lines) float32
        From `sample_guides`.
    levels : Levels
    tables : (3, K) float32
    field : tuple of arrays
        `values` and `losses` of the `SpeckleField`.
    beam : Beam
    noise : (samples,) float32
        Amplitude of electronic noise per row.
    contact : (lines,) float32
        1 where the probe touches, 0 where it does not.
    out : tuple of two (samples, lines) float32
        Amplitude before gain, and transmission (two-way, compensated), dB; changed in place.
    """
    _MARCH(guides, levels, tables, field, beam, noise, contact, out)
