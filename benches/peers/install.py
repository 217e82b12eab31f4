"""Installs and builds every peer at its pinned version in a folder outside of git; one that fails stops no other."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUST = ("gatewise", "tract", "rten", "candle", "burn", "nexus", "rust-lstm")
NATIVE = "-C target-cpu=native"
# What is needed to make the cases and the page, without which nothing runs.
NEEDED = ("numpy", "onnx", "matplotlib")


def install(work: Path, jobs: int, reuse: bool, torch_index: str | None) -> dict[str, str]:
    """Makes everything ready that is not; the failures by peer or package."""
    work.mkdir(parents=True, exist_ok=True)
    failures: dict[str, str] = {}

    def step(name: str, command: list[str], **environment: str) -> bool:
        said = run(work / "log" / f"{name}.txt", command, environment)
        if said is not None:
            print(f"{name}: failed: {said}", flush=True)
            failures[name] = said
        return said is None

    # Two environments, since two builds of oneDNN have the same files.
    for name, reused in (("venv", reuse), ("omp", False)):
        python = work / name / "bin/python"
        if not python.exists():
            see = ["--system-site-packages"] if reused else []
            step(name, [sys.executable, "-m", "venv", *see, str(work / name)])
        for pin in pins(f"{name}.txt"):
            package, done = pin.split("==")[0], work / "log" / f"{pin}.done"
            index = ["--index-url", torch_index] if package == "torch" and torch_index else []
            if not done.exists() and step(package, [str(python), "-m", "pip", "install", *index, pin]):
                done.touch()

    # The prefixes of both libraries; the headers are the newer one's.
    for name, prefix in (("onednn", "venv"), ("onednn-omp", "omp")):
        library = work / prefix / "lib"
        link = [f"-L{library}", "-ldnnl", f"-Wl,-rpath,{library}", f"-Wl,-rpath-link,{library}", "-o", str(work / name)]
        flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", f"-I{work / 'venv/include'}"]
        step(name, ["g++", *flags, str(HERE / "onednn/driver.cpp"), *link])
    for name in RUST:
        # Peers get all that this machine has; gatewise is built as anyone builds it.
        # gatewise's own dependencies may have changed since the lock file was written.
        folder, codegen, locked = ("plain", "", []) if name == "gatewise" else ("native", NATIVE, ["--locked"])
        build = ["cargo", "build", "--release", *locked, f"-j{jobs}", "--package", f"peer-{name}"]
        build += ["--manifest-path", str(HERE / "rust/Cargo.toml")]
        step(name, build, CARGO_TARGET_DIR=str(work / folder), RUSTFLAGS=codegen)

    (work / "failures.json").write_text(json.dumps(failures, indent=1))
    if missing := [name for name in ("venv", *NEEDED, "gatewise") if name in failures]:
        sys.exit(f"cannot go on without {', '.join(missing)}; see {work / 'log'}")
    return failures


def run(log: Path, command: list[str], environment: dict[str, str]) -> str | None:
    """Runs a command, its output to a file; what it said if it failed."""
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as output:
        try:
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | environment)
        except OSError as error:
            return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or [f"code {done.returncode}"])[0]


def pins(file: str) -> list[str]:
    lines = (line.strip() for line in (HERE / "requirements" / file).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]
