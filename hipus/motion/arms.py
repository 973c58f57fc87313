"""The networks that are compared: what each sees, says and is trained for.

Decides the study's list of learned arms, each a small set of named choices (`Arm`), and which
network a name stands for. What is not learned by gradient (identity, constant step, speckle
decorrelation) lives in `baselines`. Deliberately decides no size: iterations, batch and input
size are a profile's. Siamese ConvLSTM (El Hadramy et al. 2023) and contrastive pose learning
(Guo et al. 2022), which the paper names, are out of scope.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

PAIR_CHANNELS = ("flow_u", "flow_v", "correlation")
"""Channels that compare a frame with the next one: zero in the last frame of a window."""
CHANNELS = ("intensity", *PAIR_CHANNELS)
FIELD_NETWORKS = ("displacement_field",)
"""Their forward returns a named tuple (numbers, field)."""
NETWORKS = ("efficientnet_b0", "prevost", "dcl_net", "convolutional_lstm", *FIELD_NETWORKS)
ROTATION_NUMBERS = (3, 4, 6, 9)
_TRANSLATION_NUMBERS = 3
_NOT_TRAINED = ("name", "overlap", "uses_imu")


@dataclass(frozen=True)
class Arm:
    """One learned arm of the comparison.

    Parameters
    ----------
    name : str
        As tables call it.
    network : str
        One of `NETWORKS`.
    frames : int
        Consecutive frames the network sees, at least 2.
    channels : tuple of str
        Of each frame, from `CHANNELS`.
    rotation_numbers : int
        How a rotation is said: 3 (rotation vector), 4 (quaternion), 6 (two columns), 9
        (matrix).
    correlation_weight : float
        Weight of the correlation loss, from 0 to 1; the mean squared error has the rest.
    field_weight, rigidity_weight : float
        Weights of the displacement field's error and of its lack of rigidity; only networks
        with a field can have them.
    augment : bool
        Train on skipped frames and reversed sweeps too.
    targets : {"both", "apart"}
        One network for rotation and translation, or one for each.
    overlap : bool
        Predict from every window and average, or from windows that share only an end frame.
    uses_imu : bool
        Fuse inertial rotation afterwards, where there is any.

    Raises
    ------
    ValueError
        For a choice that does not exist or does not go with another one.
    """

    name: str
    network: str = "efficientnet_b0"
    frames: int = 6
    channels: tuple[str, ...] = ("intensity", "flow_u", "flow_v")
    rotation_numbers: int = 6
    correlation_weight: float = 0.0
    field_weight: float = 0.0
    rigidity_weight: float = 0.0
    augment: bool = False
    targets: Literal["both", "apart"] = "both"
    overlap: bool = True
    uses_imu: bool = True

    def __post_init__(self) -> None:
        """Check every choice and those that depend on each other."""
        self._check_choices()
        self._check_weights()

    @property
    def in_channels(self) -> int:
        """Return the channels of a network's input."""
        return self.frames * len(self.channels)

    @property
    def step_count(self) -> int:
        """Return the steps that one window predicts."""
        return self.frames - 1

    @property
    def numbers_per_step(self) -> int:
        """Return the numbers that say one step: rotation, then translation."""
        return self.rotation_numbers + _TRANSLATION_NUMBERS

    def trained_settings(self) -> dict[str, object]:
        """Return the choices that training depends on, as JSON can hold them.

        Returns
        -------
        dict
            Without the name and without what is decided at prediction. Arms that agree in it
            share one training.
        """
        choices = {key: value for key, value in asdict(self).items() if key not in _NOT_TRAINED}
        return {**choices, "channels": list(self.channels)}

    def _check_choices(self) -> None:
        """Raise for a choice that does not exist."""
        _check_in(self, "network", NETWORKS)
        _check_in(self, "rotation_numbers", ROTATION_NUMBERS)
        _check_in(self, "targets", ("both", "apart"))
        if self.frames < 2:
            raise ValueError(f"arm {self.name!r}: frames must be at least 2, got {self.frames}")
        known = set(self.channels) <= set(CHANNELS)
        if not self.channels or not known or len(set(self.channels)) < len(self.channels):
            raise ValueError(
                f"arm {self.name!r}: channels must be different ones of {', '.join(CHANNELS)}, "
                f"got {self.channels}"
            )

    def _check_weights(self) -> None:
        """Raise for weights of losses that the network cannot have."""
        if not 0 <= self.correlation_weight <= 1:
            raise ValueError(
                f"arm {self.name!r}: correlation_weight must be from 0 to 1, "
                f"got {self.correlation_weight}"
            )
        if min(self.field_weight, self.rigidity_weight) < 0:
            raise ValueError(
                f"arm {self.name!r}: field_weight and rigidity_weight must not be negative, "
                f"got {self.field_weight} and {self.rigidity_weight}"
            )
        has_field = self.network in FIELD_NETWORKS
        if not has_field and self.field_weight + self.rigidity_weight > 0:
            raise ValueError(
                f"arm {self.name!r}: network {self.network!r} has no displacement field to weigh"
            )
        if has_field and self.targets == "apart":
            raise ValueError(
                f"arm {self.name!r}: a displacement field moves and turns at once, so targets "
                "must be 'both'"
            )


def build_network(arm: Arm) -> nn.Module:
    """Build an arm's network with random weights.

    Parameters
    ----------
    arm : Arm

    Returns
    -------
    torch.nn.Module
        Maps (B, arm.in_channels, P, P) float32 to (B, steps x numbers) float32, step by step,
        rotation first; networks of `FIELD_NETWORKS` return a named tuple (numbers, field).
    """
    build = _builder(arm.network)
    if arm.targets == "both":
        return build(arm.in_channels, arm.step_count, arm.numbers_per_step)
    from hipus.motion.two_networks import TwoNetworks

    rotation = build(arm.in_channels, arm.step_count, arm.rotation_numbers)
    translation = build(arm.in_channels, arm.step_count, _TRANSLATION_NUMBERS)
    return TwoNetworks(rotation, translation, step_count=arm.step_count)


def named(name: str) -> Arm:
    """Return the arm of a name.

    Parameters
    ----------
    name : str
        One of `ARMS`.

    Returns
    -------
    Arm

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in ARMS:
        raise ValueError(f"arm must be one of {', '.join(ARMS)}, got {name!r}")
    return ARMS[name]


def _builder(network: str):
    """Return the function that builds a network from its ends."""
    from hipus.motion import convolutional_lstm, dcl_net, displacement_field, networks, prevost

    return {
        "efficientnet_b0": networks.build,
        "prevost": prevost.build,
        "dcl_net": dcl_net.build,
        "convolutional_lstm": convolutional_lstm.build,
        "displacement_field": displacement_field.build,
    }[network]


def _check_in(arm: Arm, field: str, choices: tuple) -> None:
    """Raise unless a choice is one of those there are."""
    if getattr(arm, field) not in choices:
        raise ValueError(
            f"arm {arm.name!r}: {field} must be one of {', '.join(map(str, choices))}, "
            f"got {getattr(arm, field)!r}"
        )


def _thesis(name: str, network: str = "dcl_net", **choices) -> Arm:
    """Return an arm on Guo's inputs: five frames without flow, rotation as three angles.

    Without the IMU, so that claims on rotation measure the network; and without the correlation
    loss, which has an arm of its own: on short trainings networks stay at the mean step with
    it, and comparisons of such networks tell nothing.
    """
    default = {"frames": 5, "channels": ("intensity",), "rotation_numbers": 3}
    default |= {"uses_imu": False}
    return Arm(name, network, **{**default, **choices})


_FIELD = {"field_weight": 1.0, "rigidity_weight": 0.1}

#: The learned arms of the study by name: the paper's network and what it is made of, one with
#: a map of local correlation in place of flow v (same layout, same count), and the networks of
#: Prevost et al. (2018) and Guo et al. (2020) with the changes that the thesis tries on them.
ARMS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        Arm("published"),
        Arm("published_without_imu", uses_imu=False),
        Arm("published_without_flow", channels=("intensity",)),
        Arm("published_without_both", channels=("intensity",), uses_imu=False),
        Arm("published_with_correlation", channels=("intensity", "flow_u", "correlation")),
        Arm("prevost", "prevost", frames=2, rotation_numbers=3, uses_imu=False),
        _thesis("dcl_net"),
        _thesis("dcl_net_correlation_loss", correlation_weight=0.5),
        _thesis("dcl_net_4_numbers", rotation_numbers=4),
        _thesis("dcl_net_6_numbers", rotation_numbers=6),
        _thesis("dcl_net_9_numbers", rotation_numbers=9),
        _thesis("dcl_net_augmented", augment=True),
        _thesis("dcl_net_two_networks", targets="apart"),
        _thesis("dcl_net_displacement_field", "displacement_field", **_FIELD),
        _thesis("cnn_convlstm", "convolutional_lstm"),
        _thesis("cnn_convlstm_without_overlap", "convolutional_lstm", overlap=False),
    )
}
