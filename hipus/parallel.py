"""Many cases at once, on one machine or on many.

Decides how independent work is spread: on Dask, in processes of this machine by default, on
any scheduler whose address is given (SLURM, Kubernetes, ...). Decides how a failure is told:
at once, and by the name of its case. Deliberately owns no queue, cache or scheduler, and
knows nothing of what a case is.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

log = logging.getLogger(__name__)

#: Environment variable that holds the address of a Dask scheduler, as Dask itself names it.
ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"
#: Cases run side by side, so that libraries must not start threads of their own. Set before
#: a worker starts: numerical libraries read them once, when they are loaded.
THREAD_LIMITS = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
    ),
    "1",
)


class CaseError(RuntimeError):
    """A case failed; its message names the case and the reason."""


def map_cases(
    function: Callable[[Any], Any],
    cases: Iterable[Any],
    *,
    address: str | None = None,
    workers: int | None = None,
    progress: str | None = None,
    name: Callable[[Any], str] = str,
) -> list:
    """Apply a function to every case and return the results in the cases' order.

    Parameters
    ----------
    function : callable
        Of one case. It and its result travel between processes: define it in a module, and
        return names and numbers rather than images.
    cases : iterable
    address : str, optional
        Of a running Dask scheduler; the environment variable `DASK_SCHEDULER_ADDRESS` when
        left out, processes of this machine when that is not set.
    workers : int, optional
        Processes on this machine; one per usable core when left out. 1 runs every case here,
        in this process, also where there is a scheduler.
    progress : str, optional
        Title of a progress bar, shown in a terminal only.
    name : callable
        Names a case in messages.

    Returns
    -------
    list
        Of the function's results.

    Raises
    ------
    ValueError
        If `workers` is not positive.
    CaseError
        When the first case fails; cases that have not begun are not begun. The case's own
        error is its cause.
    RuntimeError
        If called while a worker starts, that is, by an unguarded script.

    Notes
    -----
    Results do not depend on the number of workers: cases share nothing. A call from within
    a case runs serially. Workers of a scheduler by address must have hipus installed and
    limit their threads themselves (`THREAD_LIMITS`).
    """
    cases = list(cases)
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be >= 1, got {workers}")
    _refuse_bootstrap()
    address = address or os.environ.get(ADDRESS_VARIABLE) or None
    count = 1 if workers is None and address else workers or usable_cores()
    is_serial = (workers == 1 or len(cases) < 2 or (count < 2 and not address)) or in_worker()
    if is_serial:
        return _map_serially(function, cases, progress, name)
    with _quiet(), _client(address, min(count, len(cases))) as client:
        return _map_on(client, function, cases, progress, name)


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_worker() -> bool:
    """Return whether this process was started by another Python: a worker starts no workers."""
    return multiprocessing.parent_process() is not None


def _refuse_bootstrap() -> None:
    """Refuse to start workers from a worker that is only just importing the main script."""
    # Without this, every starting worker would run the script again and start workers.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            "map_cases was called while a worker process was starting: put the script's own "
            'code under `if __name__ == "__main__":`'
        )


def _map_serially(function, cases: Sequence, progress: str | None, name) -> list:
    """Apply the function here, one case after the other."""
    results = []
    for case in _bar(cases, progress, len(cases)):
        try:
            results.append(function(case))
        except Exception as error:
            raise _failure(name(case), error) from error
    return results


def _map_on(client, function, cases: Sequence, progress: str | None, name) -> list:
    """Apply the function on a Dask cluster; cancel the rest when a case fails."""
    from dask.distributed import as_completed

    futures = [client.submit(function, case, pure=False, retries=0) for case in cases]
    place = {future.key: index for index, future in enumerate(futures)}
    results: list = [None] * len(cases)
    try:
        for future in _bar(as_completed(futures, loop=client.loop), progress, len(cases)):
            index = place[future.key]
            if future.status != "finished":
                error = future.exception()
                raise _failure(name(cases[index]), error) from error
            results[index] = future.result()
    except BaseException:
        client.cancel(futures, force=True)
        raise
    return results


def _failure(name: str, error: BaseException) -> CaseError:
    """Return the error that names a case."""
    return CaseError(f"case {name} failed: {type(error).__name__}: {error}")


def _bar(items: Iterable, title: str | None, total: int) -> Iterable:
    """Return items behind a progress bar where somebody looks."""
    if title is None:
        return items
    from tqdm import tqdm

    log.info("%s: %d cases", title, total)
    return tqdm(items, desc=title, total=total, disable=None)


@contextmanager
def _quiet():
    """Keep Dask's own log to errors: it reports every connection as news."""
    import dask.distributed  # noqa: F401 - sets its loggers' levels when it is imported

    loud = logging.getLogger("distributed")
    level = loud.level
    loud.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        loud.setLevel(level)


@contextmanager
def _client(address: str | None, workers: int):
    """Yield a client of the scheduler at an address, or of workers made for the occasion."""
    from dask import config
    from dask.distributed import Client, LocalCluster

    if address:
        with Client(address, timeout="20s", set_as_default=False) as client:
            yield client
        return
    settings = {
        "distributed.nanny.pre-spawn-environ": THREAD_LIMITS,
        # A case that kills its worker would kill the next one as well.
        "distributed.scheduler.allowed-failures": 0,
        "logging.distributed": "critical",
    }
    with (
        config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            # Cases bound their own memory; Dask's default would pause a worker at its share.
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client
