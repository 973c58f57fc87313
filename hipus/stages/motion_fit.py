"""The arms of stage `motion`, fitted on the training sweeps. No stage of its own.

Decides which arms `make reproduce` compares and what they share: correlation features are
measured once, a network and its IMU-fused version come from one training, and the inertial
sensor's spread is that of no arm. Deliberately judges nothing (see `motion_judging`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from hipus import config, paths
from hipus.motion import arms
from hipus.motion.baselines import ConstantPath, ConstantStep, Identity, WithImuRotation
from hipus.motion.correlation_regression import CorrelationRegression, features_of
from hipus.motion.decorrelation import DecorrelationStep
from hipus.motion.prediction import Predictor, StepPrediction
from hipus.motion.preparation import PreparedSweep
from hipus.motion.scale_correlation import sweep_features
from hipus.motion.spread import Spread
from hipus.motion.sweep_context import SweepContext
from hipus.motion.trained_model import TrainedModel, TrainingSettings
from hipus.parallel import usable_cores

log = logging.getLogger(__name__)

#: The paper's network with the IMU after it, and the same network alone.
NETWORKS = ("published", "published_without_imu")
#: The study's own arm; its folder is `folder_of` its name.
CONTEXT = "sweep context"
WITH_IMU = "IMU rotation + "
STUDY_ARM = f"{WITH_IMU}{CONTEXT}"
#: Arms that count as learned. All others are means, a few curves, or linear: the largest,
#: correlation regression, is a ridge on 60 components with two steps of context.
LEARNED = (*NETWORKS, CONTEXT, STUDY_ARM)
#: To stand still is no arm to which rotation is added.
_WITHOUT_SENSOR = ("identity",)


@dataclass(frozen=True, eq=False)
class Fitted:
    """All arms, ready to predict.

    Attributes
    ----------
    plain : tuple of Predictor
        What is compared with: none is learned from pictures by many weights.
    context : SweepContext
        The study's own arm.
    published : TrainedModel
    imu_spread : Spread or None
        Of inertial rotations; None where no training sweep has a sensor, and then no arm has
        its rotation added.
    """

    plain: tuple[Predictor, ...]
    context: SweepContext
    published: TrainedModel
    imu_spread: Spread | None


@dataclass(frozen=True)
class Told:
    """A predictor that repeats what another one said of one sweep.

    Attributes
    ----------
    name : str
    said : StepPrediction
    """

    name: str
    said: StepPrediction

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return what was said."""
        return self.said


def folder_of(arm: str) -> str:
    """Return the name of an arm's folders, `sweep_context_imu` for the study's own.

    Parameters
    ----------
    arm : str
        As tables call it.

    Returns
    -------
    str
    """
    base = arm.removeprefix(WITH_IMU)
    return base.replace(" ", "_") + ("_imu" if base != arm else "")


def fit_arms(
    study: config.Study, training: Sequence[PreparedSweep], validation: Sequence[PreparedSweep]
) -> Fitted:
    """Fit every arm.

    Parameters
    ----------
    study : Study
    training, validation : sequence of PreparedSweep
        Tracked, of different subjects.

    Returns
    -------
    Fitted

    Notes
    -----
    The network's checkpoints lie in `work/<profile>/motion/training`: a stage that was killed
    goes on there, and one that runs again does not train again.
    """
    log.info("fitting arms without a network on %d sweeps", len(training))
    features = in_threads(features_of, training)
    plain = fit_plain(training, features)
    context = SweepContext.fit(
        training, features=in_threads(sweep_features, training), features_of_steps=features
    )
    log.info("training %s on %d sweeps", NETWORKS[0], len(training))
    from hipus.motion.training import train  # torch takes seconds to load

    published = train(
        arms.named(NETWORKS[0]),
        training,
        validation,
        settings=training_settings(study),
        folder=paths.work_dir(study.profile) / "motion" / "training",
        origin=study.cohort.source,
    )
    return Fitted(plain, context, published, imu_spread(training))


def fit_plain(
    training: Sequence[PreparedSweep], features: Sequence[np.ndarray]
) -> tuple[Predictor, ...]:
    """Fit every arm that is not learned from pictures by many weights.

    Parameters
    ----------
    training : sequence of PreparedSweep
    features : sequence of numpy.ndarray (N-1, F)
        Of `correlation_regression.features_of`.

    Returns
    -------
    tuple of Predictor
    """
    return (
        Identity.fit(training),
        ConstantStep.fit(training),
        ConstantStep.fit(training, by_type=True),
        replace(ConstantPath.fit(training), name="constant path by type"),
        DecorrelationStep.fit(training),
        CorrelationRegression.fit(training, features=features),
    )


def training_settings(study: config.Study) -> TrainingSettings:
    """Return how long and how the profile trains the published network."""
    sizes = study.motion
    return TrainingSettings(
        iterations=sizes.iterations,
        epochs=sizes.epochs,
        batch_size=sizes.batch_size,
        seed=study.common.seed,
        validate_every=sizes.validate_every,
        threads=sizes.threads,
        device=sizes.device,
    )


def imu_spread(training: Sequence[PreparedSweep]) -> Spread | None:
    """Return how far inertial rotations are off on training sweeps, None without a sensor."""
    if all(sweep.imu_rotations is None for sweep in training):
        log.warning("no training sweep has inertial rotations: no arm has them added")
        return None
    return WithImuRotation.fit(Identity(), training).spread


def predict_all(fitted: Fitted, sweeps: Sequence[PreparedSweep]) -> list[dict[str, StepPrediction]]:
    """Predict sweeps by every arm.

    Parameters
    ----------
    fitted : Fitted
    sweeps : sequence of PreparedSweep

    Returns
    -------
    list of dict of str to StepPrediction
        By arm, one dict a sweep. An arm and its IMU-fused version look at pictures once.
    """
    from tqdm import tqdm

    quick = (*fitted.plain, fitted.context)
    found = in_threads(lambda sweep: {one.name: one.predict(sweep) for one in quick}, sweeps)
    pairs = zip(tqdm(sweeps, desc="predicting", disable=None), found, strict=True)
    return [_with_sensor_and_network(fitted, sweep, said) for sweep, said in pairs]


def in_threads(function: Callable, sweeps: Sequence[PreparedSweep]) -> list:
    """Return a function of every sweep, in their order, on as many threads as there are cores.

    Notes
    -----
    Threads, not `parallel.map_cases`: correlation is computed outside of Python's lock, and a
    sweep's arrays are mapped files that are better not sent to other processes.
    """
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(function, sweeps))


def _with_sensor_and_network(
    fitted: Fitted, sweep: PreparedSweep, said: dict[str, StepPrediction]
) -> dict[str, StepPrediction]:
    """Return predictions with those that add the inertial sensor, and the network's."""
    said = dict(said)
    if fitted.imu_spread is not None:
        for name in [name for name in said if name not in _WITHOUT_SENSOR]:
            felt = WithImuRotation(Told(name, said[name]), fitted.imu_spread)
            said[felt.name] = felt.predict(sweep)
    return said | _by_network(fitted.published, sweep)


def _by_network(model: TrainedModel, sweep: PreparedSweep) -> dict[str, StepPrediction]:
    """Return what one network says with and without the sensor, asked once."""
    from hipus.motion.network_prediction import NetworkPredictor, merged_steps

    (merged,) = merged_steps(model.network, model.arm, scaling=model.scaling, sweeps=[sweep])
    variants = [NetworkPredictor(replace(model, arm=arms.named(name))) for name in NETWORKS]
    return {one.name: one.predict_from(merged, sweep) for one in variants}
