"""ONNX Runtime: all graph optimisations, inputs and outputs bound to memory once."""

import sys

import numpy as np
import onnxruntime

from serve import Folder, serve

Value = onnxruntime.OrtValue


class Bound:
    """One binding for sequences; one for each step of a stream, whose states two buffers take in turn."""

    def __init__(self, folder: Folder, threads: int) -> None:
        folder.needs_inference_only()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        providers = ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(folder.path / "model.onnx", options, providers)
        x = folder.x()
        width = folder.directions * folder.hidden
        self.y = np.zeros((folder.steps, folder.batch, width), np.float32)
        if not folder.stream:
            self.bindings = [self.bind({"x": x}, {"y": self.y})]
            return
        shape = (folder.directions, folder.batch, folder.hidden)
        states = [{name: np.zeros(shape, np.float32) for name in folder.states()} for _ in range(2)]
        self.bindings = []
        for step in range(folder.steps):
            before = {f"{name}0": array for name, array in states[step % 2].items()}
            after = states[(step + 1) % 2]
            self.bindings.append(self.bind({"x": x[step : step + 1]} | before, {"y": self.y[step : step + 1]} | after))

    def bind(self, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]) -> onnxruntime.IOBinding:
        binding = self.session.io_binding()
        for arrays, add in ((inputs, binding.bind_input), (outputs, binding.bind_output)):
            for name, array in arrays.items():
                add(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        # The arrays live as long as what points at them.
        self.kept = getattr(self, "kept", []) + [inputs, outputs]
        return binding

    def call(self) -> None:
        for binding in self.bindings:
            self.session.run_with_iobinding(binding)

    def outputs(self) -> list[np.ndarray]:
        self.call()
        return [self.y]


if __name__ == "__main__":
    serve(lambda folder: Bound(folder, int(sys.argv[1])))
