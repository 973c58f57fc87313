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

from hipus import config, paths
from hipus.motion import arms
from hipus.motion.baselines import ConstantPath, ConstantStep, Identity, WithImuRotation
from hipus.motion.correlation_regression import CorrelationRegression, features_of
from hipus.motion.decorrelation import DecorrelationStep
from hipus.motion.prediction import Predictor, StepPrediction
from hipus.motion.preparation import PreparedSweep
from hipus.motion.spread import Spread
from hipus.motion.trained_model import TrainedModel, TrainingSettings
from hipus.parallel import usable_cores

log = logging.getLogger(__name__)

#: The paper's network with the IMU after it, and the same network alone.
NETWORKS = ("published", "published_without_imu")
#: The study's own arm; its folder is `folder_of` its name.
CONTEXT = "sweep context"
WITH_IMU = "IMU rotation + "
STUDY_ARM = f"{WITH_IMU}{CONTEXT}"
#: Arms whose weights are learned from pictures; all others have at most a few curves.
LEARNED = (*NETWORKS, CONTEXT, STUDY_ARM)
#: To stand still is no arm to which rotation is added.
_WITHOUT_SENSOR = ("identity",)


@dataclass(frozen=True, eq=False)
class Fitted:
    """All arms, ready to predict.

    Attributes
    ----------
    plain : tuple of Predictor
        What is not learned from pictures by many weights.
    context : Predictor
        The study's own arm.
    published : TrainedModel
    imu_spread : Spread or None
        Of inertial rotations; None where no training sweep has a sensor, and then no arm has
        its rotation added.
    """

    plain: tuple[Predictor, ...]
    context: Predictor
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
    plain = fit_plain(training)
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
    log.info("fitting the arm %s", CONTEXT)
    context = _fit_context(study, training)
    return Fitted(plain, context, published, imu_spread(training))


def fit_plain(training: Sequence[PreparedSweep]) -> tuple[Predictor, ...]:
    """Fit every arm that is no network.

    Parameters
    ----------
    training : sequence of PreparedSweep

    Returns
    -------
    tuple of Predictor
    """
    log.info("fitting arms without a network on %d sweeps", len(training))
    return (
        Identity.fit(training),
        ConstantStep.fit(training),
        ConstantStep.fit(training, by_type=True),
        replace(ConstantPath.fit(training), name="constant path by type"),
        DecorrelationStep.fit(training),
        CorrelationRegression.fit(training, features=in_threads(features_of, training)),
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

    plain = in_threads(lambda sweep: {one.name: one.predict(sweep) for one in fitted.plain}, sweeps)
    watched = tqdm(sweeps, desc="predicting", disable=None)
    pairs = zip(watched, plain, strict=True)
    return [_with_the_rest(fitted, sweep, said) for sweep, said in pairs]


def in_threads(function: Callable, sweeps: Sequence[PreparedSweep]) -> list:
    """Return a function of every sweep, in their order, on as many threads as there are cores.

    Notes
    -----
    Threads, not `parallel.map_cases`: correlation is computed outside of Python's lock, and a
    sweep's arrays are mapped files that are better not sent to other processes.
    """
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(function, sweeps))


def _fit_context(study: config.Study, training: Sequence[PreparedSweep]) -> Predictor:
    """Fit the study's own arm."""
    from hipus.motion.sweep_context import SweepContext

    return SweepContext.fit(training, seed=study.common.seed)


def _with_the_rest(fitted: Fitted, sweep: PreparedSweep, said: dict) -> dict[str, StepPrediction]:
    """Return the plain arms' predictions with those of networks and of the inertial sensor."""
    said = {**said, CONTEXT: fitted.context.predict(sweep)}
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
