"""OpenVINO's CPU plugin: latency hint, and f32 asked for, since it may choose a shorter format by itself."""

import sys

import numpy as np
import openvino
from openvino.passes import MakeStateful, Manager

from serve import Folder, serve


class Request:
    """A compiled graph whose input is in memory that it shares; a stream's states are kept inside."""

    def __init__(self, folder: Folder, threads: int) -> None:
        folder.needs_inference_only()
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        core = openvino.Core()
        model = core.read_model(folder.path / "model.onnx")
        if folder.stream:
            passes = Manager()
            passes.register_pass(MakeStateful({f"{name}0": name for name in folder.states()}))
            passes.run_passes(model)
        self.request = core.compile_model(model, "CPU", options).create_infer_request()
        x = folder.x()
        self.steps = np.split(x, len(x)) if folder.stream else [x]
        self.x = self.steps[0].copy()
        self.request.set_tensor("x", openvino.Tensor(self.x, shared_memory=True))

    def call(self) -> None:
        for x in self.steps:
            if len(self.steps) > 1:
                self.x[...] = x
            self.request.infer()

    def outputs(self) -> list[np.ndarray]:
        ys = []
        for x in self.steps:
            self.x[...] = x
            self.request.infer()
            ys.append(self.request.get_tensor("y").data.copy())
        return ys


if __name__ == "__main__":
    serve(lambda folder: Request(folder, int(sys.argv[1])))
