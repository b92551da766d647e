"""Images of the Dockerfile, built with buildah, and run as a cluster runs them: as their user, without rights, and with
a root that cannot be written.

buildah itself has no read-only root, so a few programs of the system do that.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import PATIENCE, ROOT
from tests.integration.jobs.harness import Program

BASE = "docker.io/library/python:3.11-slim-bookworm"
_STAND_IN = "localhost/nobody-base"
#: What this machine has to reach a package index.
_PIP = [path for path in ("/etc/ssl/certs", "/etc/pip.conf", "/etc/xdg/pip") if Path(path).exists()]
#: Makes a root read-only but for /tmp and /data, and runs a command in it as a user: ROOT USER COMMAND…
_RUN = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
for folder in tmp data; do mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs "$1/$folder"; done
mount -t proc proc "$1/proc"
mount --bind /dev "$1/dev"
root=$1 user=$2
shift 2
exec chroot "$root" setpriv --reuid="$user" --regid="$user" --clear-groups --bounding-set=-all --inh-caps=-all \
    --no-new-privs env --ignore-environment "$@"
"""


def buildah(*arguments: object) -> str:
    """Run buildah to its end, and return what it says."""
    command = ["buildah", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10 * PATIENCE, cwd=ROOT)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}"
    return done.stdout.strip()


class Image:
    """An image of the Dockerfile.

    Args:
        target: of the Dockerfile.
    """

    def __init__(self, target: str) -> None:
        self.name = f"localhost/nobody-test-{target}"
        index = [option for path in _PIP for option in ("--volume", f"{path}:{path}:ro")]
        options = ["--isolation", "chroot", "--pull-never", "--layers", *_base(), *index]
        buildah("build", *options, "--target", target, "--tag", self.name, ".")
        self.config: dict[str, Any] = json.loads(buildah("inspect", "--type", "image", self.name))["OCIv1"]["config"]
        self._container = buildah("from", "--pull-never", self.name)
        self.root = Path(buildah("mount", self._container))

    @property
    def megabytes(self) -> float:
        """What it takes of a disk, with its base, in 10⁶ bytes."""
        said = subprocess.check_output(["du", "--summarize", "--one-file-system", "--block-size=1", self.root])
        return int(said.split()[0]) / 1e6

    def run(self, *command: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """Run a command in it to its end."""
        arguments = [*_CONTAINED, *self._arguments(settings), *command]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE)

    def start(self, log: Path, **settings: object) -> "Container":
        """Run what it is for."""
        return Container(log, [*_CONTAINED, *self._arguments(settings), *self.config["Cmd"]])

    def _arguments(self, settings: dict[str, object]) -> list[str]:
        given = [f"NOBODY_{name.upper()}={value}" for name, value in settings.items()]
        return [
            *(str(self.root), self.config["User"], f"--chdir={self.config['WorkingDir']}"),
            *self.config["Env"],
            *given,
        ]

    def remove(self) -> None:
        """Delete what is mounted; the layers stay, for the next time."""
        buildah("rm", self._container)


_CONTAINED = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _RUN, "sh"]


class Container(Program):
    """A command in an image; its log is a file."""

    def __init__(self, log: Path, arguments: list[str]) -> None:
        self._arguments = arguments
        super().__init__("serve", log)

    def start(self) -> None:
        """Start it."""
        self._since = 0
        with self.log.open("a") as output:
            self.process = psutil.Popen(self._arguments, stderr=output, stdout=output, text=True)

    def stop(self) -> None:
        """Ask its first process to end; nothing may have gone wrong."""
        (first,) = self.process.children()
        first.terminate()
        assert self.process.wait(timeout=PATIENCE) == 0
        log = self.log.read_text()
        assert "Traceback" not in log, log


def _base() -> list[str]:
    """Return the options by which the Dockerfile finds the image that it starts from, or one like it."""
    if _has(BASE):
        return []
    if not _has(_STAND_IN):
        if subprocess.run(["buildah", "pull", "--quiet", BASE], capture_output=True).returncode == 0:
            return []
        _make_stand_in()
    return ["--build-context", f"{BASE.rpartition('/')[2]}=container-image://{_STAND_IN}"]


def _has(name: str) -> bool:
    return subprocess.run(["buildah", "inspect", "--type", "image", name], capture_output=True).returncode == 0


def _make_stand_in() -> None:
    """Make an image of Debian's packages, where no registry of images can be reached."""
    if shutil.which("mmdebstrap") is None:
        pytest.skip(f"no registry has {BASE}, and mmdebstrap, which makes one like it, is not installed")
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "base.tar"
        without = [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("doc", "man", "locale", "info")]
        merged = ["--include=usr-is-merged", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]  # Perl stays out
        packages = "--include=ca-certificates,python3,python3-venv"
        command = ["mmdebstrap", "--variant=minbase", packages, *merged, *without, "bookworm", str(files)]
        subprocess.run(command, check=True, capture_output=True)
        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, files, "/")
        buildah(
            "run", "--isolation", "chroot", container, "--", "ln", "-s", "/usr/bin/python3", "/usr/local/bin/python"
        )
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        buildah("config", "--env", f"PATH={path}", container)
        buildah("commit", "--quiet", "--rm", container, _STAND_IN)


def is_possible() -> None:
    """Skip where images cannot be built or run."""
    if shutil.which("buildah") is None:
        pytest.skip("buildah is not installed (on Debian: apt-get install buildah mmdebstrap)")
    if os.getuid() != 0:
        pytest.skip("only root may mount images and change the root: sudo make images")
