"""The command line on many machines, `python -m parsing FOLDER -o FOLDER --ray [ADDRESS]`: Ray Data gives photos to workers.

A worker is a process with a model and a processor core of its own, because many photos are done soonest when nobody waits for
anybody. Photos travel in small bundles, as names; photos, results and weights lie on a disk that all machines have in the same
place. The work on each photo is `results.parse_photos`, so the files are those of one machine. Ray gives the bundle of a
worker that died, or of a machine that was lost, to another; files appear whole and may be written twice, so nothing is lost.

Ray needs `pip install -r requirements-ray.txt` on all machines, with the same version of Python.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import itertools
import logging
import os
import pickle
import re
import socket
import subprocess
import sys
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Final

from parsing.cli.results import Done, Task, explain, mute, parse_photos
from parsing.cores import usable_cores
from parsing.models import MODELS
from parsing.models.m2fp.weights import local_folder
from parsing.parser import Parser, load
from parsing.program import one_line

LOCAL_CLUSTER: Final = "local"
"""The address where none was given: a cluster that begins and ends with the command."""
BUNDLES: Final = 50
"""That each worker gets, at least: so many that all end at about the same time."""
LARGEST_BUNDLE: Final = 64
RETRIES: Final = 1
"""Of a bundle whose worker died, before its photos are tried one by one."""
PATIENCE: Final = 40.0
"""Seconds that a cluster has to answer; a program that is no cluster has given itself away long before."""
ROOT: Final = Path(__file__).parents[2]


def read_address(words: str) -> str:
    """A cluster's address as Ray has it: auto or HOST:PORT; raises `ArgumentTypeError` with a sentence."""
    if words.startswith("ray://"):
        raise argparse.ArgumentTypeError(
            "Ray Data does not run through ray://; run this on a machine of the cluster, with auto"
        )
    if words not in (LOCAL_CLUSTER, "auto") and not re.fullmatch(r"[\w.-]+:\d{1,5}", words):
        raise argparse.ArgumentTypeError(
            f"the address of a cluster is auto or HOST:PORT, but this is {words!r}; for this machine alone, write --ray last"
        )
    if importlib.util.find_spec("ray") is None:
        raise argparse.ArgumentTypeError("Ray is not installed; 'pip install -r requirements-ray.txt' installs it")
    return words


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to a cluster, or a cluster of this machine's cores, until the end of the block.

    Raises:
        OSError: the cluster is out of reach or has other versions of Ray or Python; one sentence for the user.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"runtime_env": {"working_dir": str(ROOT), "excludes": ["/*", "!/.", "!/parsing", "!/assets"]}}
    if address == LOCAL_CLUSTER:
        options = {"num_cpus": usable_cores(), "include_dashboard": False}
    try:
        if address not in (LOCAL_CLUSTER, "auto"):
            _knock(address)
        with mute():
            import ray

            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"No Ray cluster answers at {address!r}; 'ray start --head' begins one.") from error
    except RuntimeError as error:  # of other versions than ours, most often, which it says
        raise ConnectionError(f"The cluster at {address!r} cannot be used: {str(error).strip()}") from error
    with open(os.devnull, "w") as silence, redirect_stdout(silence):  # where Ray tells, in pages, of workers that died
        try:
            yield
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError unless it is a cluster that answers at HOST:PORT. Ray's client would end this process where it is not."""
    host, port = address.split(":")
    socket.create_connection((host, int(port)), PATIENCE).close()
    command = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
    environment = {**os.environ, "RAY_gcs_rpc_server_reconnect_timeout_s": "5"}
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError("no answer") from error
    if answer.returncode:
        raise ConnectionError("another program listens there")


def parse_on_cluster(parser: Parser, tasks: Sequence[Task], options: argparse.Namespace) -> Iterator[Done]:
    """`results.parse_photos` on the cluster that is connected, in the order in which workers are done.

    Args:
        parser: the model that the workers are to load.
        tasks: as there.
        options: as there.

    Raises:
        OSError: the cluster has no machine that is large enough, a machine lacks the weights or the photos, or it was lost.
    """
    import ray

    options = copy.copy(options)
    options.model = parser.name
    row = MODELS[parser.name]
    if row.weights == "inside":  # "auto" has become this, which takes no options
        options.precision, options.size = "auto", "official"
    elif row.weights == "file":
        options.weights = os.path.abspath(options.weights)
    elif folder := local_folder(row.official, options.weights):
        options.weights = os.path.abspath(folder)
    workers = count_workers(row.memory)
    try:
        # What a dead worker left comes one by one the second time, so that a photo that kills workers takes no others with it.
        for largest in (LARGEST_BUNDLE, 1):
            size = min(max(len(tasks) // (workers * BUNDLES), 1), largest)
            tasks = yield from _parse_bundles(_bundles(tasks, size), workers, row.memory, options)
            if not tasks:
                return
    except ray.exceptions.RayError as error:
        raise OSError(f"The cluster was lost ({type(error).__name__}); --resume goes on where it ended.") from error
    for task in tasks:
        yield Done(task, "The worker died of this photo, several times; its memory may be too small.")


def count_workers(memory: int) -> int:
    """How many workers of one core and so much memory, in bytes, find a place on the cluster's machines."""
    import ray

    places = 0
    for node in ray.nodes():
        if node["Alive"]:
            resources = node["Resources"]
            places += int(min(resources.get("CPU", 0), resources.get("memory", 0) // memory))
    if not places:
        raise OSError(f"No machine of the cluster has a core and {memory / 1e9:.1f} GB of memory for a worker.")
    return places


def _bundles(tasks: Iterable[Task], size: int) -> list[bytes]:
    """Tasks, `size` in a bundle, packed: a million of them as objects would fill the memory."""
    remaining = iter(tasks)
    return [pickle.dumps(bundle) for bundle in iter(lambda: list(itertools.islice(remaining, size)), [])]


def _parse_bundles(
    bundles: list[bytes], workers: int, memory: int, options: argparse.Namespace
) -> Generator[Done, None, list[Task]]:
    """Yields what became of each photo, and gives the tasks of the bundles that did not come back."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a lost bundle ends nothing
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    rows = [{"number": number, "tasks": bundle} for number, bundle in enumerate(bundles)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray 2.60 deprecates max_task_retries, but has no other way to end endless retries
        finished = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            Worker,  # type: ignore[arg-type]
            fn_constructor_args=(options, os.getcwd()),
            # One bundle at a time: those that wait at a worker that dies would be counted as having killed it.
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(rows)), max_tasks_in_flight_per_actor=1),
            num_cpus=1,
            memory=memory,
            max_task_retries=RETRIES,
        )
    missing = set(range(len(bundles)))
    for row in finished.iter_rows():
        if row["refused"]:
            raise OSError(row["refused"])
        missing.discard(row["number"])
        yield from pickle.loads(row["outcomes"])  # noqa: S301, the cluster's own, as Ray itself hands everything on
    return [task for number in sorted(missing) for task in pickle.loads(bundles[number])]  # noqa: S301, made above


class Worker:
    """What each process of the cluster has: a model, and the driver's working folder as its own."""

    def __init__(self, options: argparse.Namespace, folder: str) -> None:
        self.options = options
        self.refused = ""
        import cv2

        cv2.setNumThreads(usable_cores())
        try:
            os.chdir(folder)
            self.parser = load(options.model, weights=options.weights, precision=options.precision, size=options.size)
        except Exception as error:  # noqa: BLE001, raised here it would reach the user as pages of traceback
            self.refused = one_line(f"The machine {socket.gethostname()} cannot work: {explain(error)}")

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Parses a bundle of tasks; "refused" says why this machine cannot, and is empty otherwise."""
        tasks = pickle.loads(row["tasks"])  # noqa: S301, the driver's own
        outcomes = [] if self.refused else list(parse_photos(self.parser, tasks, self.options))
        return {"number": row["number"], "refused": self.refused, "outcomes": pickle.dumps(outcomes)}
