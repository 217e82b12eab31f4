"""PyTorch: eager `torch.nn.LSTM`, `GRU` and `RNN`, without gradients where nothing learns."""

import sys
from collections.abc import Callable

import numpy as np
import torch

from serve import Folder, Runner, serve

MODULES = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


def module(folder: Folder) -> torch.nn.Module:
    made = MODULES[folder.cell](
        folder.input, folder.hidden, num_layers=folder.layers, bidirectional=folder.directions == 2
    )
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(torch.from_numpy(folder.tensor(name)).reshape(parameter.shape))
    return made


class Sequences:
    """All steps in a call."""

    def __init__(self, folder: Folder) -> None:
        self.module, self.x = module(folder).eval(), torch.from_numpy(folder.x())

    @torch.inference_mode()
    def call(self) -> None:
        self.y = self.module(self.x)[0]

    def outputs(self) -> list[np.ndarray]:
        self.call()
        return [self.y.numpy()]


class Stream:
    """A step a call, the state handed on; by `LSTMCell`, which is faster here than `LSTM`."""

    def __init__(self, folder: Folder) -> None:
        self.cell = torch.nn.LSTMCell(folder.input, folder.hidden).eval()
        self.cell.load_state_dict(
            {name.removesuffix("_l0"): value for name, value in module(folder).state_dict().items()}
        )
        self.state: tuple[torch.Tensor, torch.Tensor] | None = None
        self.steps = list(torch.from_numpy(folder.x()).unbind())

    @torch.inference_mode()
    def call(self) -> None:
        state = self.state
        for x in self.steps:
            state = self.cell(x, state)
        self.state = state

    @torch.inference_mode()
    def outputs(self) -> list[np.ndarray]:
        hidden = []
        for x in self.steps:
            h, c = self.cell(x, self.state)
            self.state = h, c
            hidden.append(h)
        return [torch.stack(hidden).numpy()]


class Learning:
    """Forward and back: the gradients of the sum of all y, for the weights and for x."""

    def __init__(self, folder: Folder) -> None:
        self.module = module(folder).train()
        self.x = torch.from_numpy(folder.x()).requires_grad_()
        self.ones = torch.ones(folder.steps, folder.batch, folder.hidden)

    def call(self) -> None:
        self.x.grad = None
        self.module.zero_grad()
        self.y = self.module(self.x)[0]
        self.y.backward(self.ones)

    def outputs(self) -> list[np.ndarray]:
        self.call()
        gradients = [self.x.grad] + [parameter.grad for parameter in self.module.parameters()]
        # Both biases have the same gradient: one stands for the two.
        return [self.y.detach().numpy()] + [gradient.numpy() for gradient in gradients[:4]]


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    runners: dict[str, Callable[[Folder], Runner]] = {"stream": Stream, "train": Learning, "sequences": Sequences}
    serve(lambda folder: runners[folder.feeding](folder))
