"""What tissue returns and takes away, point by point: the hot functions of the march.

Decides how distances and slow variation become echo amplitude (dB) and loss (dB/mm). All
borders are smooth over some tenths of a millimetre: a hard threshold shows at once as a step
(SIMULATION.md A5.10). Numbers without a source in this file are assumed, chosen by eye beside
real pictures.
"""

from __future__ import annotations

import numpy as np

from hipus.phantom.ultrasound.appearance import TABLE_STEP_MM
from hipus.phantom.ultrasound.compiling import compiled
from hipus.phantom.ultrasound.guides import (
    ALONG,
    ALONG_2,
    BONE,
    BONE_SLOPE,
    CAPSULE,
    CAPSULE_SLOPE,
    CARTILAGE,
    FINE,
    HEAD,
    HEAD_SLOPE,
    LABRUM,
    LAYER,
    LAYER_ACROSS,
    LAYER_SLOPE,
    MIDDLE,
    SKIN,
    SLOW,
    SPARKLE,
    SPARKLE_2,
    SPREAD,
    TILT,
    TRIRADIATE,
)

# Tables begin here, so that tilted and swollen layers stay within them.
_TABLE_START_MM = -12.0


@compiled
def below(value, half_width):
    """Return 1 well below zero, 0 well above, smoothly between -half_width and half_width."""
    part = min(max(0.5 - 0.5 * value / half_width, 0.0), 1.0)
    return part * part * (3 - 2 * part)


@compiled
def mix(first, second, weight):
    """Return first at weight 0 and second at weight 1."""
    return first + weight * (second - first)


@compiled
def look_up(table, depth_mm):
    """Interpolate a fascia table."""
    position = (depth_mm - _TABLE_START_MM) / TABLE_STEP_MM
    position = min(max(position, 0.0), len(table) - 1.001)
    low = int(position)
    return table[low] + (position - low) * (table[low + 1] - table[low])


@compiled
def layers_db(row, line, levels, sheets_db):
    """Return the echo of gel, skin, fat and muscle with what fascia adds, dB."""
    skin, layer = row[SKIN, line], row[LAYER, line]
    fat_end = levels.skin_mm + levels.fat_mm + 0.5 * row[SPREAD, line]
    base = mix(levels.muscle_db, levels.fat_db, below(layer - fat_end, 0.5))
    base += 2.2 * row[FINE, line] + 1.6 * row[SLOW, line]
    base += levels.stripe_gain * sheets_db
    # Skin: a thin bright epidermis over an even, paler dermis.
    epidermis = 7.0 * np.exp(-((skin / 0.22) ** 2))
    base = mix(base, levels.skin_db + epidermis + 1.5 * row[FINE, line],
               below(skin - levels.skin_mm - 0.12 * row[MIDDLE, line], 0.25))  # fmt: skip
    return mix(base, levels.gel_db, below(skin, 0.12))


@compiled
def fascia_db(row, line, levels, tables):
    """Return what fascia adds: two families of sheets at a small angle, and fibres.

    Sheets swell with slow variation and come and go along their length; they reflect like
    mirrors, so they fade where the beam meets them at a slant.
    """
    layer, spread = row[LAYER, line], row[SPREAD, line]
    along, across = max(row[LAYER_SLOPE, line], 0.0), row[LAYER_ACROSS, line]
    squarely = along * along / (along * along + across * across + 0.02)
    wave = 0.10 * row[MIDDLE, line]
    long_wave = 0.35 * row[ALONG_2, line]
    first = layer + 1.1 * spread + wave + long_wave
    second = layer + levels.stripe_tilt * row[TILT, line] - 0.9 * spread + 1.5 * wave
    coarse = look_up(tables[0], first) * min(max(0.62 + 0.70 * row[ALONG, line], 0.0), 1.15)
    other = look_up(tables[1], second) * min(max(0.60 - 0.70 * row[ALONG, line], 0.0), 1.15)
    fibre = look_up(tables[2], 0.5 * (first + second) + 0.05 * row[FINE, line])
    fibre *= min(max(0.75 + 0.65 * row[ALONG_2, line], 0.0), 1.2)
    return (max(coarse, other) + 0.60 * fibre) * squarely * squarely


@compiled
def in_capsule(row, line):
    """Return whether a point lies within the joint capsule, 0 to 1."""
    return below(row[CAPSULE, line] + 0.3, 0.5)


@compiled
def joint_db(row, line, levels, soft_db, beyond):
    """Return the echo of deep tissue, pulvinar, cartilages, labrum, capsule and head, dB.

    `beyond` is 1 for a beam that has entered the joint, 0 before: no muscle lies there.
    """
    head, slope = row[HEAD, line], row[HEAD_SLOPE, line]
    jitter = 0.10 * row[MIDDLE, line]
    fine = row[FINE, line]
    deep_db = levels.deep_db + 2.5 * fine + 3.0 * row[SLOW, line]
    db = mix(soft_db, deep_db, beyond * below(-head, 0.8))
    fat = np.exp(-(((head - 1.1) / 1.0) ** 2)) * below(0.55 - slope, 0.35)
    fat *= below(0.9 - row[CARTILAGE, line] + 4 * jitter, 1.4)
    db = mix(db, levels.pulvinar_db + 4.0 * row[MIDDLE, line] + 3.0 * fine, fat)
    db = mix(db, levels.triradiate_db + fine, below(row[TRIRADIATE, line] + 3 * jitter + 0.2, 0.9))
    roof = below(row[CARTILAGE, line] + 3 * jitter + 0.2, 0.7)
    db = mix(db, levels.cartilage_db + 1.5 * fine + 3.0 * row[SLOW, line], roof)
    db = mix(db, levels.labrum_db + 2.5 * fine, below(row[LABRUM, line] + jitter, 0.45))
    db = mix(db, levels.head_db + fine, below(head + 0.6 * jitter, 0.35))
    return _capsule_db(row, line, levels, db)


@compiled
def _capsule_db(row, line, levels, db):
    """Lay the capsule over: bright where the beam meets it squarely, uneven along it."""
    steep = min(abs(row[CAPSULE_SLOPE, line]), 1.0)
    thickness = levels.capsule_mm * (1 + 0.3 * row[MIDDLE, line])
    thickness = max(thickness, 0.15)
    sheet = np.exp(-((row[CAPSULE, line] / thickness) ** 2))
    level = levels.capsule_db + 5.0 * row[ALONG, line] - 26.0 * (1 - steep * steep)
    return mix(db, max(level, db), sheet)


@compiled
def sparkle_db(row, line, levels):
    """Return what canals in the head's cartilage add, fading towards its rim, dB."""
    inside = below(row[HEAD, line] + levels.rim_mm + 0.5, 0.6)
    if inside <= 0:
        return 0.0
    power = row[SPARKLE, line] ** 2 + row[SPARKLE_2, line] ** 2
    return levels.sparkle_db * inside * min(max((power - levels.sparkle_threshold) / 3, 0.0), 1.0)


@compiled
def bone_fraction(row, line, levels):
    """Return how far a point lies behind a bone's front: 0 outside, 1 inside."""
    return below(row[BONE, line] + levels.roughness_mm * row[FINE, line] + 0.05, 0.16)


@compiled
def bone_echo(row, line, levels):
    """Return the amplitude of a bone's surface: mirror-like, rough, uneven along it.

    Falls with the angle of incidence as 0.05 + 0.95 cos^p (SIMULATION.md A5.5).
    """
    distance = row[BONE, line]
    if distance > 1.2 or distance < -2.6:
        return 0.0
    distance += levels.roughness_mm * (row[FINE, line] + 0.5 * row[MIDDLE, line])
    if distance > 0:
        profile = np.exp(-((distance / levels.bone_profile_mm) ** 2))
    else:
        profile = np.exp(distance / levels.bone_tail_mm)
    cosine = min(max(-row[BONE_SLOPE, line], 0.0), 1.0)
    incidence = 0.05 + 0.95 * cosine**levels.incidence_power
    uneven = 0.40 * row[SLOW, line] + 0.50 * row[FINE, line] + 0.45 * row[ALONG, line]
    return 10 ** (levels.bone_db / 20) * incidence * profile * np.exp(uneven)


@compiled
def loss_db_per_mm(row, line, levels, bone, beyond):
    """Return two-way loss beyond the nominal compensation.

    Cartilage attenuates less than nominal, so that what lies behind is enhanced; the head's
    sides refract the beam away and leave an edge shadow.
    """
    head, slope = row[HEAD, line], row[HEAD_SLOPE, line]
    cartilage = max(below(head, 0.3), below(row[CARTILAGE, line], 0.3))
    side = below(abs(slope) - 0.22, 0.2) * np.exp(-((head / 0.5) ** 2))
    loss = levels.cartilage_loss * cartilage + levels.deep_loss * beyond * (1 - cartilage)
    loss += levels.edge_loss * side
    return mix(loss, levels.bone_loss, bone)
