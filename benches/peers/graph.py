"""A case as an ONNX graph: one recurrent operator a layer; a streamed step has its states as inputs and outputs."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

from cases import GATES, Case

# An old opset and format, which every reader of ONNX takes.
OPSET, IR_VERSION = 17, 8
# ONNX's gates by their places in PyTorch: i o f c, and z r h.
ORDER = {"lstm": [0, 3, 1, 2], "gru": [1, 0, 2], "rnn": [0]}


def write(case: Case, values: dict[str, np.ndarray], path: Path) -> None:
    """Inputs `x` (and `h0`, `c0`), outputs `y` (and `h`, `c`); time-major, all sizes fixed."""
    stream = case.feeding == "stream"
    steps = 1 if stream else case.steps
    nodes, constants = [], {"no_directions": np.array([1]), "joined": np.array([steps, case.batch, -1])}
    y = "x"
    for layer in range(case.layers):
        nodes += recurrent(case, layer, y, stream)
        constants |= weights(case, layer, values)
        y = "y" if layer == case.layers - 1 else f"y{layer}"
        nodes += flatten(case, f"raw{layer}", y)

    tensor = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    state = [case.directions, case.batch, case.hidden]
    carried = (["h", "c"] if case.cell == "lstm" else ["h"]) if stream else []
    inputs = [tensor("x", steps, case.batch, case.input)] + [tensor(f"{name}0", *state) for name in carried]
    outputs = [tensor("y", steps, case.batch, case.directions * case.hidden)]
    outputs += [tensor(name, *state) for name in carried]
    used = {name for node in nodes for name in node.input}
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items() if name in used]
    body = helper.make_graph(nodes, case.name, inputs, outputs, initializers)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model)
    save(model, path)


def recurrent(case: Case, layer: int, x: str, stream: bool) -> list:
    operator = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}[case.cell]
    inputs = [x, f"w{layer}", f"r{layer}", f"b{layer}"]
    outputs = [f"raw{layer}"]
    if stream:
        inputs += ["", "h0"] + (["c0"] if case.cell == "lstm" else [])
        outputs += ["h"] + (["c"] if case.cell == "lstm" else [])
    attributes = {"hidden_size": case.hidden, "direction": "bidirectional" if case.directions == 2 else "forward"}
    if case.cell == "gru":
        attributes["linear_before_reset"] = 1
    return [helper.make_node(operator, inputs, outputs, **attributes)]


def flatten(case: Case, raw: str, y: str) -> list:
    """[T, D, B, H] to [T, B, D·H]."""
    if case.directions == 1:
        return [helper.make_node("Squeeze", [raw, "no_directions"], [y])]
    turned = f"{raw}_turned"
    return [
        helper.make_node("Transpose", [raw], [turned], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", [turned, "joined"], [y]),
    ]


def weights(case: Case, layer: int, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    suffixes = case.suffixes(layer)
    stack = lambda name: np.stack([reorder(case.cell, values[f"{name}_{suffix}"]) for suffix in suffixes])
    biases = np.concatenate([stack("bias_ih"), stack("bias_hh")], axis=1)
    return {f"w{layer}": stack("weight_ih"), f"r{layer}": stack("weight_hh"), f"b{layer}": biases}


def reorder(cell: str, tensor: np.ndarray) -> np.ndarray:
    blocks = np.split(tensor, GATES[cell])
    return np.concatenate([blocks[gate] for gate in ORDER[cell]])
