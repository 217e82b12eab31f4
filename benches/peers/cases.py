"""The cases that every peer is given, and their folders: sizes, weights, input, ONNX graph, expected results."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


@dataclass(frozen=True)
class Case:
    """Cell, sizes, and how the input comes: "sequences" (all steps in a call), "stream" (a step a call), "train"."""

    cell: str
    steps: int
    batch: int
    input: int
    hidden: int
    layers: int = 1
    directions: int = 1
    feeding: str = "sequences"

    @property
    def name(self) -> str:
        parts = [self.cell, f"T{self.steps}", f"B{self.batch}", f"I{self.input}", f"H{self.hidden}"]
        parts += [f"L{self.layers}"] if self.layers > 1 else []
        parts += ["bidirectional"] if self.directions == 2 else []
        parts += [self.feeding] if self.feeding != "sequences" else []
        return "_".join(parts)

    @property
    def label(self) -> str:
        """The case in words, for a table's row."""
        cell = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN tanh"}[self.cell]
        sizes = f"I=H={self.hidden}" if self.input == self.hidden else f"I={self.input} H={self.hidden}"
        if self.feeding == "stream":
            return f"{cell}, a streamed step, {sizes}"
        layers = f"{self.layers} {'bidirectional ' if self.directions == 2 else ''}layers, " if self.layers > 1 else ""
        train = ", learning" if self.feeding == "train" else ""
        return f"{cell}, {layers}{sizes}, B={self.batch}, T={self.steps}{train}"

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Names and shapes of the weights as PyTorch has them, in PyTorch's order."""
        rows = GATES[self.cell] * self.hidden
        for layer in range(self.layers):
            width = self.input if layer == 0 else self.directions * self.hidden
            for suffix in self.suffixes(layer):
                yield f"weight_ih_{suffix}", (rows, width)
                yield f"weight_hh_{suffix}", (rows, self.hidden)
                yield f"bias_ih_{suffix}", (rows,)
                yield f"bias_hh_{suffix}", (rows,)

    def suffixes(self, layer: int) -> list[str]:
        return [f"l{layer}", f"l{layer}_reverse"][: self.directions]

    def values(self) -> dict[str, np.ndarray]:
        """Input uniform in ±1, weights in ±1/√H as PyTorch begins; the same on every run."""
        random = np.random.default_rng(1)
        draw = lambda shape, scale: random.uniform(-scale, scale, shape).astype(np.float32)
        values = {"x": draw((self.steps, self.batch, self.input), 1.0)}
        values |= {name: draw(shape, self.hidden**-0.5) for name, shape in self.tensors()}
        return values


def all_cases() -> list[Case]:
    """The engine's table, and two of learning."""
    cases = [Case("lstm", 256, 1, 1, hidden, feeding="stream") for hidden in (8, 16, 32, 40, 64)]
    cases += [Case("lstm", 100, 1, size, size) for size in (64, 128, 256, 512, 1024)]
    cases += [Case("lstm", 50, batch, size, size) for size in (128, 256, 512, 1024) for batch in (32, 128)]
    cases += [Case("lstm", 64, 4096, 8, 32), Case("lstm", 64, 1024, 32, 64)]
    cases += [Case("lstm", 64, batch, 512, 512, layers=4) for batch in (1, 16)]
    cases += [Case("lstm", 128, 8, 128, 256, layers=2, directions=2)]
    for cell in ("gru", "rnn"):
        cases += [Case(cell, 100, 1, 256, 256), Case(cell, 50, 32, 256, 256)]
    cases += [Case("lstm", 50, 32, 256, 256, feeding="train"), Case("lstm", 50, 64, 512, 512, feeding="train")]
    return cases


def write(case: Case, root: Path) -> Path:
    """Writes a case's folder unless it is there: case.txt, NAME.f32 for each tensor, model.onnx, expected.npz."""
    import graph
    import reference

    folder = root / case.name
    here = Path(__file__).parent
    sources = [(here / name).read_bytes() for name in ("cases.py", "graph.py", "reference.py")]
    made = hashlib.sha256(b"".join(sources)).hexdigest()[:16]
    note = folder / "case.txt"
    if note.exists() and f"made {made}\n" in note.read_text():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    values = case.values()
    for name, array in values.items():
        array.tofile(folder / f"{name}.f32")
    graph.write(case, values, folder / "model.onnx")
    np.savez(folder / "expected.npz", **reference.compute(case, values))
    sizes = ("cell", "steps", "batch", "input", "hidden", "layers", "directions", "feeding")
    note.write_text("".join(f"{key} {getattr(case, key)}\n" for key in sizes) + f"made {made}\n")
    return folder
