"""How many times faster gatewise is than each peer, a row a case: an SVG."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

from cases import Case
from peers import Peer

# Colours that stay apart for most eyes (Okabe and Ito), each with a mark of its own.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
    "#000000",
    "#7F7F7F",
    "#882255",
    "#117733",
    "#999933",
)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p")


def draw(folder: Path, rows: dict[Case, dict], shown: list[Peer], threads: int) -> Path:
    """Writes peers.svg, or peers-threadsN.svg; the same results give the same bytes."""
    matplotlib.rcParams.update({"svg.hashsalt": "peers", "svg.fonttype": "none", "font.size": 9})
    streams = {case: found for case, found in rows.items() if case.feeding == "stream"}
    others = {case: found for case, found in rows.items() if case.feeding != "stream"}
    parts = [part for part in (others, streams) if part]
    heights = [len(part) + 2.5 for part in parts]
    figure, panels = pyplot.subplots(
        len(parts), figsize=(8.2, 1.1 + 0.27 * sum(heights)), height_ratios=heights, squeeze=False
    )
    for axes, part in zip(panels[:, 0], parts):
        panel(axes, part, shown)
    words = "one thread" if threads == 1 else f"{threads} threads"
    figure.suptitle(f"How many times faster gatewise is, {words}", fontsize=11)
    entries: dict[str, object] = {}
    for axes in panels[:, 0]:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            entries.setdefault(label, handle)
    top = 1 - 0.34 / figure.get_figheight()
    figure.legend(
        entries.values(), entries, loc="upper center", bbox_to_anchor=(0.5, top), ncols=6, frameon=False, fontsize=8
    )
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.66 / figure.get_figheight()))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("peers.svg" if threads == 1 else f"peers-threads{threads}.svg")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def panel(axes: pyplot.Axes, rows: dict[Case, dict], shown: list[Peer]) -> None:
    """Some of the rows, on a scale of their own; marks are a little apart, so that none hides another."""
    for place, peer in enumerate(shown):
        apart = 0.5 * ((place + 0.5) / len(shown) - 0.5)
        ratios = [(found.get(peer.key, {}).get("ratio"), at + apart) for at, found in enumerate(rows.values())]
        points = [point for point in ratios if point[0]]
        if points:
            mark = {"marker": MARKS[place % len(MARKS)], "color": COLOURS[place % len(COLOURS)], "markersize": 4.5}
            axes.plot(*zip(*points), linestyle="none", label=peer.title, **mark)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.xaxis.set_minor_formatter(
        FuncFormatter(lambda value, _: f"{value:g}×" if value in (0.5, 2, 5, 20, 50) else "")
    )
    axes.tick_params(axis="x", which="minor", labelsize=8)
    axes.set_yticks(range(len(rows)), [case.label for case in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x", which="both", color="#dddddd", linewidth=0.6)
    axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("the peer's time over gatewise's; left of the line gatewise loses")
