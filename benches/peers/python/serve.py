"""What every Python peer does alike: reads a case, answers the requests on standard input, times the calls."""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np


class Runner(Protocol):
    """A case, ready to run."""

    def outputs(self) -> list[np.ndarray]:
        """Runs from zero states: y, and behind it the gradients of a case that learns."""

    def call(self) -> None:
        """Runs and leaves the result where the library has it: this is what is timed."""


class Refusal(Exception):
    """What a library does not do, or is not asked to here."""


class Folder:
    """A case's folder: sizes as attributes, tensors by their names."""

    def __init__(self, path: Path) -> None:
        self.path = path
        keys = dict(line.split(" ", 1) for line in (path / "case.txt").read_text().splitlines())
        self.cell, self.feeding = keys["cell"], keys["feeding"]
        sizes = (int(keys[key]) for key in ("steps", "batch", "input", "hidden", "layers", "directions"))
        self.steps, self.batch, self.input, self.hidden, self.layers, self.directions = sizes

    def tensor(self, name: str) -> np.ndarray:
        return np.fromfile(self.path / f"{name}.f32", dtype=np.float32)

    def x(self) -> np.ndarray:
        return self.tensor("x").reshape(self.steps, self.batch, self.input)

    @property
    def stream(self) -> bool:
        return self.feeding == "stream"

    def needs_inference_only(self) -> None:
        if self.feeding == "train":
            raise Refusal("inference only")

    def states(self) -> list[str]:
        """What a step hands to the next."""
        return ["h", "c"] if self.cell == "lstm" else ["h"]


def serve(load: Callable[[Folder], Runner]) -> None:
    """Answers `load FOLDER Y_FILE`, `time SECONDS`, `quit` until there are no more."""
    runner: Runner | None = None
    for line in sys.stdin:
        try:
            match line.split():
                case ["quit"]:
                    return
                case ["load", folder, y_file]:
                    runner = None
                    runner = load(Folder(Path(folder)))
                    outputs = runner.outputs()
                    np.concatenate([array.ravel() for array in outputs]).astype(np.float32).tofile(y_file)
                    reply = f"ok {timed(runner):.0f}"
                case ["time", seconds]:
                    if runner is None:
                        raise ValueError("no case is loaded")
                    median, calls = median_time(runner, float(seconds) * 1e9)
                    reply = f"ok {median:.0f} {calls}"
                case _:
                    raise ValueError(f"{line.strip()}: expected load FOLDER Y_FILE, time SECONDS or quit")
        except Refusal as refusal:
            reply = f"error: {refusal}"
        except Exception as error:  # Whatever a library says is for the page.
            reply = f"error: {type(error).__name__}: {error}".replace("\n", " ")
        print(reply, flush=True)


def median_time(runner: Runner, least: float) -> tuple[float, int]:
    """The first call fills the caches and does not count, unless it takes as long alone."""
    first = timed(runner)
    if first >= least:
        return first, 1
    times: list[float] = []
    while sum(times) < least:
        times.append(timed(runner))
    return statistics.median_high(times), len(times)


def timed(runner: Runner) -> float:
    start = time.perf_counter_ns()
    runner.call()
    return max(time.perf_counter_ns() - start, 1)
