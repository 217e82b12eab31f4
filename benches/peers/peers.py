"""Who is compared: how each is started, what it is, and its version."""

import re
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Peer:
    """A library in a process of its own; `command` is relative to the work folder or to this one."""

    key: str
    title: str
    how: str
    command: tuple[str, ...]
    package: str
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, work: Path, threads: int) -> tuple[list[str], dict[str, str]]:
        """The command line and what it needs in its environment."""
        places = {"work": str(work), "here": str(HERE), "python": str(work / "venv/bin/python")}
        command = [part.format(**places) for part in self.command] + [str(threads)]
        own = {key: value.format(**places) for key, value in self.environment.items()}
        counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "RTEN_NUM_THREADS", "TBB_NUM_THREADS")
        return command, {count: str(threads) for count in counts} | own


def python(key: str, title: str, how: str) -> Peer:
    package = {"pytorch": "torch"}.get(key, key)
    return Peer(key, title, how, ("{python}", f"{{here}}/python/run_{key}.py"), package)


def rust(key: str, title: str, how: str, package: str) -> Peer:
    return Peer(key, title, how, (f"{{work}}/native/release/peer-{key}",), package)


# oneDNN's current build on PyPI reaches the CPU through OpenCL's loader.
ONEDNN = {"OCL_ICD_FILENAMES": "{work}/venv/lib/libintelocl.so", "LD_LIBRARY_PATH": "{work}/venv/lib"}

GATEWISE = Peer("gatewise", "gatewise", "a plain release build", ("{work}/plain/release/peer-gatewise",), "gatewise")

PEERS = [
    python("pytorch", "PyTorch", "eager `nn.LSTM`, `nn.GRU`, `nn.RNN` in `inference_mode`; `LSTMCell` for steps"),
    python("onnxruntime", "ONNX Runtime", "all graph optimisations, inputs and outputs bound once"),
    python("openvino", "OpenVINO", "CPU plugin, latency hint, f32 precision asked for, states kept inside for steps"),
    Peer(
        "onednn",
        "oneDNN",
        "C++; the recurrent primitives, weights reordered once; PyPI's build, whose CPU runtime is SYCL",
        ("{work}/onednn",),
        "onednn",
        ONEDNN,
    ),
    Peer(
        "onednn-omp",
        "oneDNN, OpenMP",
        "the same driver with the last plain CPU build on PyPI, of 2023",
        ("{work}/onednn-omp",),
        "onednn-cpu-gomp",
        {"LD_LIBRARY_PATH": "{work}/omp/lib"},
    ),
    rust("tract", "tract", "ONNX graph, `into_optimized`; matrix products on several threads", "tract-onnx"),
    rust("rten", "rten", "ONNX graph", "rten"),
    rust("candle", "candle", "`candle_nn::rnn`, its own matrix product", "candle-nn"),
    rust("burn", "burn", "`burn::nn` on the backend flex", "burn"),
    rust(
        "nexus",
        "nexus-inference",
        "`TinyLstm`, `StackedLstm`, `TinyGru`: one step of one sequence a call",
        "nexus-inference",
    ),
    rust("rust-lstm", "rust-lstm", "`LSTMNetwork`, `BiLSTMNetwork`; computes in f64", "rust-lstm"),
]


def version(peer: Peer) -> str:
    """As the registries say it."""
    lock = (HERE / "rust/Cargo.lock").read_text()
    found = re.search(rf'name = "{re.escape(peer.package)}"\nversion = "(.+)"', lock)
    if found:
        return found[1]
    pins = "".join((HERE / "requirements" / file).read_text() for file in ("venv.txt", "omp.txt"))
    found = re.search(rf"^{re.escape(peer.package)}==(\S+)", pins, re.MULTILINE)
    return found[1] if found else "?"
