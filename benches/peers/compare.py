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
# A round in which a process waited longer for a core than this share of the time is taken again, as often as there are
# rounds unless calls take long; the least disturbed ones count.
DISTURBED = 0.05
# Seconds for a first call with all its preparations.
LOAD_LIMIT = 60.0


@dataclass(frozen=True)
class Effort:
    """How many rounds, and how many seconds of calls each takes at least."""

    rounds: int = 7
    least: float = 0.02

    def rounds_for(self, ours: float, theirs: float) -> int:
        """All of them where it is close; three where the peer is far behind or calls take long, one where very long."""
        pair = ours + theirs
        close = theirs < 2 * ours and pair < 1
        return self.rounds if close else min(3, self.rounds) if pair < 4 else 1


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
    limit = 30 + 20 * max(our_call, peer_call) / 1e9
    count = effort.rounds_for(our_call / 1e9, peer_call / 1e9)
    rounds: list[tuple[float, float, float]] = []
    most = 2 * count if our_call + peer_call < 1e9 else count
    while len(rounds) < most and sum(waited <= DISTURBED for _, _, waited in rounds) < count:
        (own, own_waited), (theirs, their_waited) = ours.time(effort.least, limit), peer.time(effort.least, limit)
        rounds.append((own, theirs, max(own_waited, their_waited)))
    rounds = sorted(rounds, key=lambda one: one[2])[:count]
    ratios = [theirs / own for own, theirs, _ in rounds]
    return {
        "ours": statistics.median(own for own, _, _ in rounds) / case.steps,
        "theirs": statistics.median(theirs for _, theirs, _ in rounds) / case.steps,
        "ratio": statistics.median(ratios),
        "rounds": count,
        "spread": [min(ratios), max(ratios)],
        "disturbed": sum(waited > DISTURBED for _, _, waited in rounds),
    }
