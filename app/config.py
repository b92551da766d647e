"""Every setting of the service, read from the environment with the prefix ``NOBODY_``."""

import contextlib
import re
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from app import ROOT

#: More processes would share nothing but the memory.
MOST_PROCESSES = 256


class Settings(BaseSettings):
    """Settings of ``nobody serve``; each field is the environment variable ``NOBODY_<FIELD>``. Empty means not set."""

    model_config = SettingsConfigDict(env_prefix="NOBODY_", frozen=True, env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all. Also `nobody serve --host`.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port; 0 takes a free one. Also `nobody serve --port`.")
    processes: int = Field(
        1,
        ge=0,
        le=MOST_PROCESSES,
        description="Processes that serve on the same port; 0 for one per processor, or of a container its share. Each "
        "counts rates for itself.",
    )
    allowed_hosts: str = Field(
        "",
        description="Host names that the service answers to, separated by commas; * for any. Always allowed: loopback "
        "names and the listening address; on 0.0.0.0 also the machine's name and every IP address.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks of proxies, separated by commas. They alone are believed whom a request "
        "comes from (X-Forwarded-For) and that it came by HTTPS (X-Forwarded-Proto). With this setting, everybody "
        "needs a key for jobs. Without it, proxies on the same machine are believed.",
    )
    faces_per_minute: int = Field(
        6_000,
        ge=0,
        description="Faces that a client may ask for in a minute; 0 for any number. Clients are told apart by their "
        "address, and those on the same machine have no limit.",
    )
    job_calls_per_minute: int = Field(
        600,
        ge=0,
        description="Calls about jobs in a minute with the same key, where a key is needed; 0 for any number. Calls "
        "without a valid key count by their address.",
    )
    weights: Path = Field(
        ROOT / "weights",
        description="The generator to serve: a file (.h5 or .weights.h5 of any Keras, .keras), or a folder with "
        "generator.h5, generator.weights.h5 or generator.keras. `nobody reload` reads it anew.",
    )
    pixels: Literal["auto", "raw", "symmetric"] = Field(
        "auto",
        description="Meaning of the generator's output: raw is grey levels 0…1, symmetric is -1…1. "
        "auto reads it from the weights file, and assumes raw if the file does not say.",
    )
    drain_seconds: float = Field(
        0,
        ge=0,
        description="Seconds for which the service goes on after SIGTERM or Ctrl-C while /readyz says 503, so that a "
        "balancer stops sending requests; a second signal ends them.",
    )
    log: Literal["text", "json"] = Field("text", description="Shape of the log: text, or json for one object a line.")
    data: Path = Field(
        Path("data"),
        description="Folder of the jobs' database and files. With NOBODY_DATABASE_URL, only for `nobody reload`, and "
        "not shared.",
    )
    database_url: str | None = Field(
        None,
        description="postgresql://user:password@host/name, to share the jobs and their files among several machines. "
        "Without it, an SQLite file in NOBODY_DATA, and `nobody serve` runs the jobs.",
    )
    concurrent_jobs: int = Field(
        2,
        ge=1,
        le=64,
        description="Jobs that each worker trains at the same time; the same number for all workers of a database.",
    )
    max_queued_jobs: int = Field(100, ge=1, description="Jobs that may wait; further ones are refused (429).")
    max_steps: int = Field(1_000_000, ge=1, description="Training steps of a job.")
    max_width: int = Field(1_024, ge=1, description="Neurons of a job's widest layer.")
    max_depth: int = Field(10, ge=3, description="Layers of a job's generator, latent and output included.")
    max_batch: int = Field(4_096, ge=1, description="Batch size of a job.")
    max_rows: int = Field(100_000, ge=1, description="Real examples of a job.")
    max_disk: int | None = Field(
        None,
        ge=16,
        description="MiB of all jobs together. Jobs that have not ended count with what they may write; where room is "
        "needed, the worker deletes jobs that have ended, the oldest first. By default as much as there is.",
    )
    keep_days: float | None = Field(
        None, gt=0, description="Days after which the worker deletes a job that has ended. By default never."
    )
    max_upload: int = Field(64, ge=1, description="Size of an uploaded file of examples, in MiB.")
    job_memory: int = Field(
        1_024, ge=64, description="Memory of a job, on top of that of an idle training process, in MiB."
    )
    job_disk: int = Field(
        1_024,
        ge=16,
        description="MiB that a job may write. It keeps up to 10 checkpoints, and fewer where they are large.",
    )
    job_seconds: float = Field(3_600, gt=0, description="Training time of a job, in seconds.")
    api_keys: str = Field(
        "",
        repr=False,
        description="Keys for the calls about jobs, as name=key with commas between; the name admin sees all jobs. "
        "`nobody keys add` makes more. Strangers need one; with this setting, everybody does.",
    )
    key_jobs: int = Field(10, ge=1, description="Unfinished jobs of a key.")
    key_steps: int = Field(2_000_000, ge=1, description="Training steps that a key may ask for in a day (UTC).")
    key_megabytes: int = Field(2_048, ge=1, description="MiB that the jobs of a key may write and keep.")
    warm_architectures: int = Field(
        12,
        ge=0,
        le=16,
        description="Training steps that idle training processes compile ahead, so that jobs begin sooner: the last "
        "ones asked for, then the exercise's; 0 for none.",
    )

    def job_limits(self) -> dict[str, int | float]:
        """Return the limits of training jobs, by the names of their settings."""
        return self.model_dump(include=_JOB_LIMITS)

    @property
    def job_bytes(self) -> int:
        """Bytes that a job may write."""
        return min(self.job_disk, self.max_disk or self.job_disk) * 2**20

    @property
    def trains(self) -> bool:
        """Whether jobs are trained: by workers that share the database, or by our own, which needs TensorFlow."""
        return self.database_url is not None or find_spec("tensorflow") is not None

    @property
    def keys(self) -> dict[str, str]:
        """The keys of the environment, by name."""
        pairs = (pair.partition("=") for pair in self.api_keys.split(",") if pair)
        return {name: key for name, _, key in pairs}

    @property
    def needs_keys(self) -> bool:
        """Whether every call about jobs needs a key: where there are some, or where strangers can come."""
        return bool(self.api_keys) or bool(self.trusted_proxies) or not is_loopback(self.host)

    @property
    def believed_proxies(self) -> list[str]:
        """Addresses and networks that are believed whom a request comes from."""
        return (self.trusted_proxies or "127.0.0.1,::1").split(",")

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, hosts: str) -> str:
        names = [name.strip() for name in hosts.split(",") if name.strip()]
        return ",".join(_host_name(name) for name in names)

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: str) -> str:
        networks = [network.strip() for network in proxies.split(",") if network.strip()]
        try:
            for network in networks:
                ip_network(network)
        except ValueError as error:
            raise ValueError(
                f"expected addresses and networks with commas between, such as 10.0.0.7,192.168.1.0/24; {error}"
            ) from error
        return ",".join(networks)

    @field_validator("api_keys")
    @classmethod
    def _names_and_keys(cls, text: str) -> str:
        pairs = [pair.strip() for pair in text.split(",") if pair.strip()]
        names = [pair.partition("=")[0] for pair in pairs]
        if not all(map(_KEY.fullmatch, pairs)) or len(set(names)) < len(names):
            raise ValueError(
                "expected name=key with commas between, each name once, of letters, digits, dots, _ and -, and keys of "
                "at least 43 characters; openssl rand -hex 32 makes one"
            )
        return ",".join(pairs)

    @field_validator("weights", "data")
    @classmethod
    def _in_the_home_folder(cls, path: Path) -> Path:
        try:
            return path.expanduser()
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
                raise ValueError("expected postgresql://user:password@host/name")
            _ = parts.port  # raises ValueError if it is invalid
        return url


_JOB_LIMITS = {
    *("concurrent_jobs", "max_queued_jobs", "max_steps", "max_width", "max_depth", "max_batch", "max_rows"),
    *("max_upload", "job_memory", "job_disk", "job_seconds", "key_jobs", "key_steps", "key_megabytes"),
}
#: What a key may be called.
KEY_NAME = r"[A-Za-z0-9._-]{1,64}"
#: Of 256 random bits, in base64 at least; in the characters that a header ``Authorization: Bearer`` has.
_KEY = re.compile(KEY_NAME + r"=[A-Za-z0-9._~+/-]{43,200}=*")
#: Settings with secrets, which no message repeats.
_SECRET = ("database_url", "api_keys")


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a name or an address."""
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")  # reserved (RFC 6761)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _host_name(name: str) -> str:
    """Return a host name in ASCII, an address, or ``*``."""
    try:
        return str(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    with contextlib.suppress(UnicodeError):
        ascii_name = name.encode("idna").decode()
        if name == "*" or re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", ascii_name):
            return ascii_name
    raise ValueError("expected host names or addresses with commas between, without scheme and port; or *")


def _problem(item: ErrorDetails) -> str:
    """Return the setting, what was expected and what was given, unless that is secret."""
    name, expected = str(item["loc"][0]), item["msg"].removeprefix("Value error, ")
    given = "" if name in _SECRET else f", got {item['input']!r}"
    return f"NOBODY_{name.upper()}: {expected}{given}"


def load_settings() -> Settings:
    """Read the settings, or exit with one line that says which one is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise SystemExit(f"nobody: cannot start: {'; '.join(map(_problem, error.errors()))}") from None
