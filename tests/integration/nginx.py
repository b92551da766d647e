"""Debian's nginx, with the lines of the documents."""

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.integration.jobs.harness import until

#: Where the lines look for the ones that all servers include, and where these are.
_INCLUDED, PROXY = "include /etc/nginx/proxy.conf;", ROOT / "docs" / "deploy" / "proxy.conf"
_AROUND = """
daemon off; pid {folder}/nginx.pid; error_log stderr; {user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {lines}
}}
"""


def is_installed() -> bool:
    """Return whether there is nginx."""
    return shutil.which("nginx", path=_programs()) is not None


def _programs() -> str:
    return f"{os.environ['PATH']}:/usr/sbin"


class Nginx:
    """nginx as a process; its log is a file.

    Args:
        folder: for its files; it must exist.
        lines: of its block ``http``.
        here: what to write instead of the addresses and paths in the lines.
    """

    def __init__(self, folder: Path, lines: str, here: Mapping[str, str]) -> None:
        if not is_installed():
            assert os.environ.get("CI") != "true", "CI needs nginx: apt-get install nginx-light"
            pytest.skip("nginx is not installed (on Debian: apt-get install nginx-light)")
        for given, mine in {_INCLUDED: f"include {PROXY};", **here}.items():
            assert given in lines
            lines = lines.replace(given, mine)
        user = "user root;" if os.getuid() == 0 else ""
        self.log, configuration = folder / "nginx.log", folder / "nginx.conf"
        configuration.write_text(_AROUND.format(folder=folder, lines=lines, user=user))
        with self.log.open("w") as log:
            self.process = psutil.Popen(
                ["nginx", "-p", folder, "-c", configuration], stderr=log, env=os.environ | {"PATH": _programs()}
            )

    def check(self) -> None:
        """Check that it runs."""
        assert self.process.poll() is None, self.log.read_text()

    def reload(self) -> None:
        """Have another process take the connections. The one before ends with those that it has."""
        old = set(self.process.children())
        self.process.send_signal(signal.SIGHUP)
        until(lambda: set(self.process.children()) - old, "another process of nginx")

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()
