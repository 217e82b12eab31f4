"""The page: who, how, every case's row, losses in bold, and why a peer is missing."""

import datetime
import os
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import cases
import machine
import peers
import plot
from cases import Case
from compare import DISTURBED, TOLERANCE, Effort
from peers import GATEWISE, Peer

Found = dict[str, dict]


@dataclass
class Notes:
    """Reasons, numbered as they come up."""

    numbers: dict[str, int] = field(default_factory=dict)

    def mark(self, why: str) -> str:
        # Where it was on this machine is nobody's concern.
        plain = re.sub(r"\w+://\S+|(?<!\w)/[\w.-]+/\S*", "…", why)
        return f"– ({self.numbers.setdefault(plain, len(self.numbers) + 1)})"

    def text(self) -> str:
        return "".join(f"{number}. {why}\n" for why, number in self.numbers.items())


def write(path: Path, results: dict[str, dict], work: Path, seconds: float) -> None:
    """Writes the page, and beside it a plot for each number of threads."""
    by_threads: dict[int, dict[Case, Found]] = defaultdict(dict)
    known = {case.name: case for case in cases.all_cases()}
    order = {name: place for place, name in enumerate(known)}
    for key in sorted(results, key=lambda key: order.get(key.split("|")[0], -1)):
        name, peer, threads = key.split("|")
        if name in known:
            by_threads[int(threads)].setdefault(known[name], {})[peer] = results[key]
    shown = [
        peer
        for peer in peers.PEERS
        if any(peer.key in found for rows in by_threads.values() for found in rows.values())
    ]
    notes, parts = Notes(), [head(shown, results, seconds), verdict(by_threads)]
    for count, rows in sorted(by_threads.items()):
        picture = plot.draw(path.parent / "plots", rows, shown, count)
        parts.append(table(rows, shown, count, notes, os.path.relpath(picture, path.parent)))
    parts.append(f"## Why a number is missing\n\n{notes.text() or 'None is.'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts))


def head(shown: list[Peer], results: dict[str, dict], seconds: float) -> str:
    rows = "".join(
        f"| {peer.title} | {peers.version(peer)} | {peer.how} | {largest_error(peer, results)} |\n"
        for peer in [GATEWISE, *shown]
    )
    day = f"{datetime.date.today():%d %B %Y}".lstrip("0")
    return f"""# gatewise beside its peers

Made by `python3 benches/peers/run.py` on {day} (the last of its runs took {seconds / 60:.1f} minutes), not edited by hand;
[benches/peers](../benches/peers/README.md) says how, and holds what each peer is run with.

The machine: {machine.describe()}.

Each library runs in a process of its own, which is stopped while it is not asked. Every result is compared with an f64
computation first: beyond {TOLERANCE:.0e} it is wrong, and its time is not shown. Then gatewise and the peer are timed
in turn, up to {Effort.rounds} times each (3 with `--quick`); a cell is the median of the rounds' ratios. On one thread all
are bound to the same core. {disturbance(results)}

| library | version | how it is run | largest error |
|---|---|---|---|
{rows}
The error is the largest difference of any output from f64 in any case, and of gradients beside the largest of their
tensor. Peers written in Rust are compiled for this very processor, gatewise is not. What is called from Python includes
the call: the streamed steps of PyTorch, ONNX Runtime and OpenVINO are mostly that.
"""


def disturbance(results: dict[str, dict]) -> str:
    """Whether the machine had other things to do."""
    rounds = sum(result.get("rounds", 0) for result in results.values())
    disturbed = sum(result.get("disturbed", 0) for result in results.values())
    share = f"{100 * disturbed / max(rounds, 1):.0f} %"
    return (
        f"In {share} of the rounds that count, one of the two waited for a core\n"
        f"for more than {100 * DISTURBED:.0f} % of the time, because something else ran."
    )


def largest_error(peer: Peer, results: dict[str, dict]) -> str:
    errors = [result["error"] for key, result in results.items() if key.split("|")[1] == peer.key and "error" in result]
    return f"{max(errors):.1e}" if errors else "–"


def verdict(by_threads: dict[int, dict[Case, Found]]) -> str:
    """How many rows and comparisons are won, and every one that is lost."""
    lines = []
    for threads, rows in sorted(by_threads.items()):
        pairs = [(case, key, one) for case, found in rows.items() for key, one in found.items() if "ratio" in one]
        lost = sorted(
            ((one["ratio"], case, key) for case, key, one in pairs if one["ratio"] < 1), key=lambda loss: loss[0]
        )
        first = sum(fastest(found) == GATEWISE.title for found in rows.values())
        lines.append(
            f"{threads_in_words(threads)}: gatewise is the fastest in {first} of {len(rows)} cases, and faster in "
            f"{len(pairs) - len(lost)} of {len(pairs)} comparisons.\n"
        )
        lines += [f"- **{number(ratio)}** {title(key)}: {case.label}\n" for ratio, case, key in lost]
        lines.append("\n" if lost else "")
    return "## Who wins\n\nLosses first, the worst at the top.\n\n" + "".join(lines).rstrip("\n") + "\n"


def table(rows: dict[Case, Found], shown: list[Peer], threads: int, notes: Notes, picture: str) -> str:
    titles = "".join(f" {peer.title} |" for peer in shown)
    text = f"## {threads_in_words(threads)}\n\n"
    text += "gatewise's time for a step of the whole batch in µs, and how many times longer each peer takes; below\n"
    text += (
        "1, in bold, gatewise loses. A ~ says that the rounds fell on both sides of 1, a ? that something else ran\n"
    )
    text += "in most of them; a number in brackets, why there is none (below).\n\n"
    if threads > 1:
        text += "Nothing is bound to a core. Streamed steps are left out: gatewise runs them on one thread.\n\n"
    text += f"| case | gatewise |{titles} fastest |\n|---|---|{'---|' * len(shown)}---|\n"
    for case, found in rows.items():
        ours = found[GATEWISE.key]
        own = f"{significant(ours['ours'] / 1e3)}" if "ours" in ours else notes.mark(f"gatewise: {ours['why']}")
        cells = "".join(f" {cell(peer, found, notes)} |" for peer in shown)
        text += f"| {case.label} | {own} |{cells} {fastest(found)} |\n"
    return f"{text}\n![How many times faster gatewise is than each peer]({picture})\n"


def cell(peer: Peer, found: Found, notes: Notes) -> str:
    result = found.get(peer.key)
    if result is None:
        return ""
    if "ratio" not in result:
        return notes.mark(result["why"])
    low, high = result["spread"]
    text = number(result["ratio"]) + ("~" if low < 1 < high else "")
    text += "?" if 2 * result["disturbed"] > result["rounds"] else ""
    return f"**{text}**" if result["ratio"] < 1 else text


def fastest(found: Found) -> str:
    """The title of whoever took least; a peer that is not faster than gatewise beside it is behind."""
    ratios = {key: one["ratio"] for key, one in found.items() if "ratio" in one and one["ratio"] < 1}
    return title(min(ratios, key=ratios.__getitem__)) if ratios else GATEWISE.title


def title(key: str) -> str:
    return next(peer.title for peer in peers.PEERS if peer.key == key)


def threads_in_words(threads: int) -> str:
    return {1: "One thread", 2: "Two threads"}.get(threads, f"{threads} threads")


def number(ratio: float) -> str:
    """Three digits, and never a 1.00 that is not one."""
    return f"{ratio:.3f}" if abs(ratio - 1) < 0.005 else f"{ratio:.2f}" if ratio < 1 else significant(ratio)


def significant(value: float) -> str:
    if value < 1:
        return f"{value:.3f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
