"""All numbers that sweeps are drawn with, as one record with a fingerprint.

Decides what counts as a parameter of the acquisition: every constant of its modules and every
default of its settings. A study keeps the fingerprint beside its results, so that a later
change of any number shows (a change of the code that uses it does not: that is what the
commit is for). Deliberately holds no number of its own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from hipus.phantom.acquisition import (
    contact,
    courses,
    imu,
    motion,
    placement,
    protocol,
    recorded,
    recorder,
    session,
    smooth_motion,
    trajectory,
)
from hipus.phantom.acquisition.tracking import TrackerSettings

_MODULES = (
    *(protocol, smooth_motion, motion, courses, contact, placement, imu, session),
    *(trajectory, recorded, recorder),
)
_DEFAULTS = {
    "infant": motion.InfantMotion,
    "tracker": TrackerSettings,
    "imu_timing": imu.ImuTiming,
    "operator": session.OperatorStyle,
}


def parameters() -> dict[str, object]:
    """Return every parameter of the acquisition by name.

    Returns
    -------
    dict
        JSON-ready: "module.CONSTANT" and "setting.attribute" to numbers, texts, or lists and
        dicts of them, in a fixed order.
    """
    found: dict[str, object] = {}
    for module in _MODULES:
        for name, value in vars(module).items():
            # An imported constant is listed where it was first met: where it is defined.
            is_new = not any(key.endswith(f".{name}") for key in found)
            if is_new and name.isupper() and isinstance(value, (int, float, str, tuple, dict)):
                found[f"{module.__name__.rpartition('.')[2]}.{name}"] = value
    for title, kind in _DEFAULTS.items():
        found |= {f"{title}.{name}": value for name, value in asdict(kind()).items()}
    return json.loads(json.dumps(dict(sorted(found.items()))))


def parameters_sha256() -> str:
    """Return the fingerprint of `parameters`, 64 hexadecimal digits."""
    text = json.dumps(parameters(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
