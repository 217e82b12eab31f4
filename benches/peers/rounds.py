"""All cases with so many threads: gatewise and each peer in turn, each in a process that lives through the cases."""

import json
import os
from pathlib import Path

import cases
from cases import Case
from compare import TOLERANCE, Effort, compare, load
from peers import GATEWISE, Peer
from process import Failure, Process

QUICK = Effort(rounds=3, least=0.01)


class Runs:
    """The processes with one number of threads; one that ended is started again for the next case."""

    def __init__(self, threads: int, core: int, work: Path) -> None:
        self.threads, self.work = threads, work
        self.cores = {core} if threads == 1 else None
        self.processes: dict[str, Process] = {}
        (work / "run").mkdir(exist_ok=True)

    def get(self, peer: Peer) -> Process:
        process = self.processes.get(peer.key)
        if process is None or not process.alive:
            command, environment = peer.start(self.work, self.threads)
            if not os.access(command[0], os.X_OK):
                raise Failure("not built")
            process = Process(command, environment, self.cores, self.work / "run" / f"{peer.key}.txt")
            self.processes[peer.key] = process
        return process

    def load(self, peer: Peer, folder: Path) -> tuple[Process, float, float]:
        """Its process with the case loaded, its error, and the time of a call."""
        process = self.get(peer)
        error, took = load(process, folder, self.work / "run" / "y.f32")
        return process, error, took

    def close(self) -> None:
        for process in self.processes.values():
            process.close()


def measure(chosen: list[Case], peers: list[Peer], threads: int, core: int, work: Path, quick: bool) -> dict[str, dict]:
    """What was found, by `CASE|PEER|THREADS`: times and ratio, or why not; and the error if there were results."""
    effort, runs = QUICK if quick else Effort(), Runs(threads, core, work)
    results: dict[str, dict] = {}
    failures = work / "failures.json"
    failed = json.loads(failures.read_text()) if failures.exists() else {}
    try:
        for case in chosen:
            if threads > 1 and case.feeding == "stream":
                # A step of one sequence is too short to share: gatewise runs it on one thread, whatever it is told.
                continue
            folder = cases.write(case, work / "cases")
            found = row(case, folder, peers, failed, runs, effort)
            results |= {f"{case.name}|{key}|{threads}": result for key, result in found.items()}
            print(line(case, threads, found), flush=True)
    finally:
        runs.close()
    return results


def row(
    case: Case, folder: Path, peers: list[Peer], failed: dict[str, str], runs: Runs, effort: Effort
) -> dict[str, dict]:
    """One case, each peer; gatewise's own error and time under its own name."""
    try:
        ours, error, our_call = runs.load(GATEWISE, folder)
    except Failure as failure:
        return {GATEWISE.key: {"why": str(failure)}}
    found: dict[str, dict] = {GATEWISE.key: {"error": error, "ours": our_call / case.steps}}
    for peer in peers:
        found[peer.key] = against(case, folder, peer, failed, runs, ours, our_call, effort)
    own = [result["ours"] for key, result in found.items() if key != GATEWISE.key and "ours" in result]
    if own:
        found[GATEWISE.key]["ours"] = sorted(own)[len(own) // 2]
    return found


def against(
    case: Case,
    folder: Path,
    peer: Peer,
    failed: dict[str, str],
    runs: Runs,
    ours: Process,
    our_call: float,
    effort: Effort,
) -> dict:
    if peer.key in failed or peer.package in failed:
        return {"why": f"failed to install: {failed.get(peer.key) or failed.get(peer.package)}"}
    try:
        process, error, call = runs.load(peer, folder)
        result = {"error": error}
        if error > TOLERANCE:
            return result | {"why": f"wrong by {error:.1e}"}
        return result | compare(case, ours, our_call, process, call, effort)
    except Failure as failure:
        return {"why": str(failure)}


def line(case: Case, threads: int, found: dict[str, dict]) -> str:
    """A row as it is measured, for whoever waits."""
    ours = found[GATEWISE.key]
    if "why" in ours:
        return f"{case.name} on {threads}: gatewise: {ours['why']}"
    ratios = [f"{key} {result['ratio']:.2f}" for key, result in found.items() if "ratio" in result]
    whys = [f"{key}: {result['why']}" for key, result in found.items() if "why" in result]
    return f"{case.name} on {threads}: {ours['ours'] / 1e3:.2f} µs a step; {', '.join(ratios)}; {'; '.join(whys)}"
