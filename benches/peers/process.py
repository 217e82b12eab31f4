"""A process that answers requests line by line, stopped while it is not asked: no waiting thread of it takes a core."""

import os
import selectors
import signal
import subprocess
import time
from pathlib import Path


class Failure(Exception):
    """A peer that cannot: its own words, or how it ended."""


class Process:
    """One running peer."""

    def __init__(self, command: list[str], environment: dict[str, str], cores: set[int] | None, errors: Path) -> None:
        self.errors = errors
        bind = (lambda: os.sched_setaffinity(0, cores)) if cores else None
        with errors.open("wb") as stderr:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=os.environ | environment,
                preexec_fn=bind,
            )
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.rest = b""

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def load(self, folder: Path, y_file: Path, limit: float) -> float:
        """Runs a case once, its result to `y_file`; the time of a second call, in ns."""
        return float(self.ask(f"load {folder} {y_file}", limit).split()[1])

    def time(self, seconds: float, limit: float) -> tuple[float, float]:
        """The median of calls that fill so many seconds together, in ns; and the share that it waited for a core."""
        waited, start = self.waited(), time.monotonic_ns()
        median = float(self.ask(f"time {seconds}", limit).split()[1])
        return median, (self.waited() - waited) / max(time.monotonic_ns() - start, 1)

    def waited(self) -> int:
        """Nanoseconds that its threads were ready to run while others had their core; 0 where no one counts them."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[1])
            except (OSError, IndexError, ValueError):
                continue
        return total

    def ask(self, request: str, limit: float) -> str:
        """The answer to a request, which may take `limit` seconds."""
        try:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.write(request.encode() + b"\n")
            self.process.stdin.flush()
            answer = self.answer(time.monotonic() + limit)
            self.process.send_signal(signal.SIGSTOP)
        except BrokenPipeError:
            raise Failure(self.ended()) from None
        if not answer.startswith("ok"):
            raise Failure(answer.removeprefix("error: "))
        return answer

    def answer(self, until: float) -> str:
        """The next line that is an answer: libraries print too."""
        while True:
            while b"\n" in self.rest:
                line, self.rest = self.rest.split(b"\n", 1)
                if line.startswith((b"ok", b"error: ")):
                    return line.decode(errors="replace")
            if not self.selector.select(max(until - time.monotonic(), 0)):
                self.close()
                raise Failure("timed out")
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                raise Failure(self.ended())
            self.rest += more

    def ended(self) -> str:
        """How it ended, and its last words."""
        code = self.process.wait()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        words = [line.strip() for line in self.errors.read_text(errors="replace").splitlines() if line.strip()]
        panic = next((line for line in words if "panicked" in line), None)
        said = " ".join(words[words.index(panic) :][:2]) if panic else " ".join(words[-1:])
        return f"{how}: {said}" if said else how

    def close(self) -> None:
        if self.alive:
            self.process.kill()
            self.process.wait()
