"""Peers in processes of their own: in one process their thread pools, or the libraries themselves, would collide."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.benchmarks.report import ROOT

#: What ``make bench`` installs JAX and PyTorch into.
ENVIRONMENT = ROOT / ".venv-bench" / "bin" / "python"


class Peer:
    """A process that trains; the first failure is told in one line and ends it, and all later calls do nothing."""

    def __init__(
        self, name: str, module: str, tell: Callable[[str], None], *, apart: bool = False, checkout: Path = ROOT
    ) -> None:
        """Start the process.

        Args:
            name: what the tables call it.
            module: the file in ``tests/benchmarks/peers`` with its code.
            tell: shows one line.
            apart: it runs in the environment of the peers, where there is one, instead of the service's.
            checkout: folder that ``models`` comes from.
        """
        self.name = name
        self.failed = False
        self._tell = tell
        python = str(ENVIRONMENT) if apart and ENVIRONMENT.exists() else sys.executable
        command = [python, "-m", "tests.benchmarks.peers.runner", module, str(checkout)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, **request: object) -> None:
        """Send a request, as :mod:`tests.benchmarks.peers.runner` has them."""
        assert self._process.stdin is not None
        if not self.failed:
            with suppress(BrokenPipeError):  # the answer, or rather its absence, tells
                print(json.dumps(request), file=self._process.stdin, flush=True)

    def answer(self) -> None:
        """Wait until a request is done; they are done in turn."""
        if self.failed or (reason := self._problem()) is None:
            return
        self.failed = True
        self.close()
        remedy = "; make bench installs it" if "No module named" in reason else ""
        self._tell(f"{self.name} is left out: {reason}{remedy}")

    def run(self, variant: str) -> None:
        """Train the steps of a variant."""
        self.ask(variant=variant)
        self.answer()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _problem(self) -> str | None:
        """Read an answer; return what went wrong, or None."""
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if answer:
            error: str | None = json.loads(answer).get("error")
            return error and " ".join(error.split())
        status = self._process.wait()
        return f"its process ended by {signal.Signals(-status).name if status < 0 else f'exit status {status}'}"
