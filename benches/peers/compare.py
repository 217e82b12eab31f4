"""One case, gatewise and a peer: results compared with f64 first, then times taken in turn."""

import math
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cases import Case
from process import Failure, Process

# Where the largest error of y goes beyond this, or a gradient's beyond this share of the largest gradient, it is wrong.
TOLERANCE = 2e-5
# Seconds for a first call with all its preparations.
LOAD_LIMIT = 60.0


@dataclass(frozen=True)
class Effort:
    """How many rounds, how long each takes at least, and what a pair of processes may take together; seconds."""

    rounds: int = 7
    least: float = 0.02
    budget: float = 1.2

    def rounds_for(self, pair: float) -> int:
        """An odd number: fewer where a call of each takes long, and less depends on noise."""
        fit = int(self.budget / max(2 * pair, 2 * self.least, 1e-9))
        return self.rounds if fit >= self.rounds else max(3, fit // 2 * 2 + 1) if pair < 4 else 1


def error_of(y_file: Path, expected: dict[str, np.ndarray]) -> float:
    """The largest difference from f64: of y absolute, of a gradient beside its tensor's largest value."""
    values, at, worst = np.fromfile(y_file, dtype=np.float32), 0, 0.0
    wanted = sum(array.size for array in expected.values())
    if values.size != wanted:
        raise Failure(f"gave {values.size} values, expected {wanted}")
    for name, array in expected.items():
        difference = np.abs(values[at : at + array.size] - array.ravel()).max()
        worst = max(worst, float(difference if name == "y" else difference / np.abs(array).max()))
        if math.isnan(difference):
            raise Failure("gave NaN")
        at += array.size
    return worst


def load(process: Process, folder: Path, y_file: Path) -> tuple[float, float]:
    """A first run: its error, and the time of a second."""
    took = process.load(folder, y_file, LOAD_LIMIT)
    with np.load(folder / "expected.npz") as expected:
        return error_of(y_file, dict(expected)), took


def compare(case: Case, ours: Process, our_call: float, peer: Process, peer_call: float, effort: Effort) -> dict:
    """Both times a step in ns, and how many times longer the peer takes: medians over rounds in turn."""
    pair, limit = (our_call + peer_call) / 1e9, 30 + 20 * max(our_call, peer_call) / 1e9
    rounds = [(ours.time(effort.least, limit), peer.time(effort.least, limit)) for _ in range(effort.rounds_for(pair))]
    ratios = [theirs / own for own, theirs in rounds]
    own, theirs = (statistics.median(times) / case.steps for times in zip(*rounds))
    return {
        "ours": own,
        "theirs": theirs,
        "ratio": statistics.median(ratios),
        "rounds": len(rounds),
        "spread": [min(ratios), max(ratios)],
    }
