"""Signed distance of every structure at one point, compiled.

Decides how the structures are formed and how they keep clear of each other. Points are those
of a left hip in anatomical axes (lateral x, posterior y, superior z), in mm; `Shape` holds the
dimensions. Bones are exact for plane faces and first-order exact for curved ones, so that
|gradient| = 1 near every surface; soft tissues between them are cut by simple maxima.
"""

from __future__ import annotations

from math import atan2, cos, sin, sqrt, tanh

from hipus.phantom.anatomy.primitives import (
    compiled,
    round_cone,
    rounded_max,
    smooth_min,
    triangle,
)

#: Lean of the medial face of the ilium (its plate thins upwards), as sine and cosine, and
#: widening of the wing from front to back per mm above the rim (assumed).
_MEDIAL_SINE, _MEDIAL_COSINE = 0.21, 0.978
_WIDENING = 0.35
#: Range over which roof and flare go on changing beyond the anterior and posterior sections.
_SECTION_RANGE = 1.6
_FLARE_HEIGHT_MM = 8.0
_FAR_MM = 1e3


@compiled
def roof_frame(shape, y: float) -> tuple[float, float]:
    """Return cosine and sine of the roof's tilt in the section y."""
    s = _SECTION_RANGE * tanh(y / (_SECTION_RANGE * shape.section))
    # tanh shrinks the sections themselves a little; this puts them back at s = -1 and 1.
    s /= _SECTION_RANGE * tanh(1.0 / _SECTION_RANGE)
    tilt = shape.tilt[0] + s * (shape.tilt[1] + s * shape.tilt[2])
    return cos(tilt), sin(tilt)


@compiled
def wing(shape, x: float, y: float, z: float) -> tuple[float, float]:
    """Return the distance to the lateral face of the ilium and its gradient along x."""
    above = max(z - shape.flare_start, 0.0) / _FLARE_HEIGHT_MM
    bend = _FLARE_HEIGHT_MM**2 * (1.0 - 1.0 / (1.0 + above * above))
    bend_slope = _FLARE_HEIGHT_MM * 2.0 * above / (1.0 + above * above) ** 2
    face = shape.wing_offset - 0.5 * y * y * shape.wing_curvature - shape.flare * y * bend
    slope_y = y * shape.wing_curvature + shape.flare * bend
    slope_z = shape.flare * y * bend_slope
    steepness = sqrt(1.0 + slope_y * slope_y + slope_z * slope_z)
    return (x - face) / steepness, 1.0 / steepness


@compiled
def upright(shape, x: float, z: float) -> tuple[float, float]:
    """Turn a point into the pelvis' own upright axes."""
    c, s = shape.incline
    return c * x - s * z, s * x + c * z


@compiled
def ilium(shape, x: float, y: float, z: float) -> tuple[float, float]:
    """Return the distance to the ilium and how far a point lies past its lower limb.

    Notes
    -----
    The roof is the inside of a torus: an arc in coronal planes, the acetabular circle across.
    """
    c, s = roof_frame(shape, y)
    n, t = c * x - s * z, -s * x - c * z
    q = sqrt((n - shape.roof_shift) ** 2 + t * t) + 1e-9
    across = q - shape.roof_shift
    ring = sqrt(across * across + y * y) + 1e-9
    roof = shape.socket_radius - ring
    lateral, lateral_x = wing(shape, x, y, z)
    roof_x = -(across / ring) * ((n - shape.roof_shift) * c - t * s) / q
    roof_t = -(across / ring) * t / q
    past = t - shape.limb_t
    d = rounded_max(roof, lateral, shape.rim_radius, roof_x * lateral_x)
    d = rounded_max(d, past, shape.limb_radius, roof_t)
    d = rounded_max(d, n - shape.horn, 1.0, c if lateral > roof else 0.0)
    medial = _MEDIAL_COSINE * (shape.medial_offset - x) + _MEDIAL_SINE * max(z, 0.0)
    d = rounded_max(d, medial, 1.0, _MEDIAL_COSINE * s - _MEDIAL_SINE * c)
    above = z - shape.socket_radius
    ends = abs(y) - shape.half_width
    if above > 0.0:
        ends = (ends - _WIDENING * above) / sqrt(1.0 + _WIDENING * _WIDENING)
    d = rounded_max(d, ends, 1.0, abs(y) * shape.wing_curvature if lateral > roof else 0.0)
    return rounded_max(d, z - shape.top, 1.5, 0.0), past


@compiled
def lower_pelvis(shape, x: float, y: float, z: float, past: float) -> tuple[float, float]:
    """Return the distances to ischium and pubis, below the triradiate cartilage."""
    socket = shape.socket_radius + 0.2 - sqrt(x * x + y * y + z * z)
    clear = max(socket, shape.triradiate - past)
    ischium = round_cone(x, y, z, shape.ischium_start, shape.ischium_end, shape.ischium_radii)
    pubis = round_cone(x, y, z, shape.pubis_start, shape.pubis_end, shape.pubis_radii)
    return rounded_max(ischium, clear, 0.8, 0.0), rounded_max(pubis, clear, 0.8, 0.0)


@compiled
def triradiate(shape, x: float, y: float, z: float, past: float, bone: float) -> float:
    """Return the distance to the growth cartilage on the acetabular floor.

    One arm lies below the ilium, the other between pubis (in front) and ischium; `bone` is the
    distance to the nearest pelvic bone, which it fills up to.
    """
    r = sqrt(x * x + y * y + z * z)
    half = 0.5 * shape.triradiate
    upper_arm = abs(past - half) - half
    lower_arm = max(abs(y + 0.45 * shape.head_radius) - half, -z - 0.8 * shape.head_radius)
    floor = max(shape.socket_radius - r, r - shape.socket_radius - 4.5)
    floor = max(max(floor, x + 0.6 * shape.head_radius), abs(y) - shape.head_radius)
    return max(max(min(upper_arm, max(lower_arm, -past)), floor), -bone)


@compiled
def head_ball(shape, x: float, y: float, z: float) -> float:
    """Return the distance to the femoral head."""
    dx, dy, dz = x - shape.head[0], y - shape.head[1], z - shape.head[2]
    return sqrt(dx * dx + dy * dy + dz * dz) - shape.head_radius


@compiled
def nucleus(shape, x: float, y: float, z: float) -> float:
    """Return the distance to the ossific nucleus; far away when there is none."""
    if shape.nucleus_radius <= 0.0:
        return _FAR_MM
    dx, dy, dz = x - shape.nucleus[0], y - shape.nucleus[1], z - shape.nucleus[2]
    return sqrt(dx * dx + dy * dy + dz * dz) - shape.nucleus_radius


@compiled
def femur(shape, x: float, y: float, z: float) -> tuple[float, float]:
    """Return the distance to the femur's bone, and how much more its growth plate bounds it.

    The second number is positive where the growth plate (chondro-osseous border) is the
    nearest face, negative where the cortex is.
    """
    body = round_cone(x, y, z, shape.femur_start, shape.femur_end, shape.femur_radii)
    cx, cy, cz = shape.plate_centre
    plate = sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) - shape.plate_radius
    return rounded_max(body, plate, shape.plate_edge, 0.2), plate - body


@compiled
def rim_axes(shape, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Return (lateral, height) of a point in the rim's section through it, and its azimuth.

    The section turns about the lateral axis; height is shifted so that the rim, an ellipse
    seen from the side, keeps its height of the Graf plane all around.
    """
    r = sqrt(y * y + z * z) + 1e-9
    azimuth = atan2(abs(y), z)
    up, back = z / (r * shape.rim[1]), y / (r * shape.socket_radius)
    height = r + shape.rim[1] - 1.0 / sqrt(up * up + back * back)
    return x + 0.5 * y * y * shape.wing_curvature, height, azimuth


@compiled
def labrum(shape, x: float, y: float, z: float, head: float) -> float:
    """Return the distance to the labrum, a rounded wedge that follows the rim."""
    lateral, height, azimuth = rim_axes(shape, x, y, z)
    wedge = triangle(lateral, height, shape.labrum) - 0.2
    ends = (azimuth - 1.75) * height
    return max(max(wedge, ends), shape.gap - head)


@compiled
def acetabular_cartilage(
    shape, x: float, y: float, z: float, past: float, bone: float, head: float, wedge: float
) -> float:
    """Return the distance to the hyaline cartilage between bony roof, head and labrum.

    `past` tells how far the point lies past the lower limb, `bone` is the distance to the
    nearest pelvic bone, `wedge` that to the labrum.
    """
    lateral, height, azimuth = rim_axes(shape, x, y, z)
    u, v = lateral - shape.rim[0], height - shape.rim[1]
    along = u * shape.cartilage_side[0] + v * shape.cartilage_side[1]
    beyond = -u * shape.cartilage_side[1] + v * shape.cartilage_side[0]
    r = sqrt(x * x + y * y + z * z)
    ball = max(shape.joint_radius - r, shape.gap - head)
    # Under the bone it fills the socket's shell; lateral of it, the triangle to the labrum.
    floor = x - min(shape.rim[0], 0.0)
    shell = max(r - shape.socket_radius - 0.8 - 0.4 * max(-past, 0.0), floor)
    roof = max(max(beyond - 0.9, along - shape.cartilage_length), max(-along - 0.8, -u - 2.0))
    reach = max(min(shell, roof), (azimuth - 1.75) * height)
    return max(max(max(ball, reach), -bone), -wedge)


@compiled
def capsule(shape, x: float, y: float, z: float) -> float:
    """Return the distance to the joint capsule, from the rim over the head to the neck."""
    hx, hy, hz = shape.head
    dx, dy, dz = x - hx, y - hy, z - hz
    ball = sqrt(dx * dx + dy * dy + dz * dz) - shape.capsule_radius
    sx, sy, sz = shape.femur_start
    foot = (hx + 1.15 * (sx - hx), hy + 1.15 * (sy - hy), hz + 1.15 * (sz - hz))
    neck_radius = shape.femur_radii[0] + 1.0
    neck = round_cone(x, y, z, shape.head, foot, (0.9 * shape.capsule_radius, neck_radius))
    return smooth_min(ball, neck, 3.0)


@compiled
def skin_depth(shape, x: float, y: float, z: float) -> float:
    """Return the depth below the skin, negative outside the body."""
    ky, kz = shape.skin_curvature
    height = shape.skin_height - 0.5 * (ky * y * y + kz * z * z) - x
    return height / sqrt(1.0 + (ky * y) ** 2 + (kz * z) ** 2)
