"""What compose.yaml and docs/deploy say, held against the code, the Dockerfile and each other."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from app.config import Settings
from app.jobs.states import HELD, State
from app.web.routes import service
from tests.conftest import ROOT

DEPLOY = ROOT / "docs" / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
KUBERNETES: list[dict[str, Any]] = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
ADAPTER: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus-adapter.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
#: Seconds that a service needs to end after its drain, and a worker.
SERVICE_ENDS, WORKER_ENDS = 25, 17
OURS = {name: part for name, part in COMPOSE["services"].items() if part["image"].startswith("nobody")}


def _objects(kind: str) -> dict[str, Any]:
    return {thing["metadata"]["name"]: thing["spec"] for thing in KUBERNETES if thing["kind"] == kind}


PODS = {name: spec["template"]["spec"] for name, spec in _objects("Deployment").items()}


def _values(text: Any) -> Any:
    """Return a text as compose reads it where somebody has set the password and nothing else."""
    assert isinstance(text, str)
    text = re.sub(r"\$\{POSTGRES_PASSWORD:\?[^}]*\}", "secret", text)
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def _settings() -> Iterator[tuple[str, dict[str, str]]]:
    for name, part in OURS.items():
        yield name, part["environment"]
    (data,) = (thing["data"] for thing in KUBERNETES if thing["kind"] == "ConfigMap")
    yield "kubernetes", data


@pytest.mark.parametrize(("name", "given"), list(_settings()))
def test_settings_exist_and_have_values_that_are_allowed(name: str, given: dict[str, Any]) -> None:
    known = {f"NOBODY_{field.upper()}": field for field in Settings.model_fields}
    assert set(given) <= set(known)
    settings = Settings.model_validate({known[key]: text for key, value in given.items() if (text := _values(value))})
    assert settings.trusted_proxies, "services believe the proxy before them"


def test_images_are_those_of_the_dockerfile_and_of_this_release() -> None:
    version = re.findall(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    assert f'image.version="{version}"' in DOCKERFILE
    images = {part["image"] for part in OURS.values()}
    assert images == {f"nobody:{version}", f"nobody-faces:{version}"}
    assert {pod["containers"][0]["image"].rpartition("/")[2] for pod in PODS.values()} == images
    targets = {part["image"].partition(":")[0]: part["build"]["target"] for part in OURS.values()}
    assert targets == {"nobody": "full", "nobody-faces": "faces"}
    assert set(targets.values()) <= set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE))


def test_nothing_runs_with_more_rights_than_it_needs() -> None:
    for name, part in {**OURS, "nginx": COMPOSE["services"]["nginx"]}.items():
        assert (part["read_only"], part["cap_drop"], part["tmpfs"]) == (True, ["ALL"], "/tmp"), name
        assert part["security_opt"] == ["no-new-privileges:true"], name
    (user,) = set(re.findall(r"^USER (\d+)", DOCKERFILE, re.MULTILINE))
    for name, pod in PODS.items():
        context, (container,) = pod["securityContext"], pod["containers"]
        assert context["runAsNonRoot"], name
        assert context["runAsUser"] == context["runAsGroup"] == context["fsGroup"] == int(user), name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]} == {
            "/data": "data",
            "/tmp": "tmp",
        }, name
        assert pod["volumes"] == [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}], name
        assert not pod["automountServiceAccountToken"], name


def test_there_is_time_to_end() -> None:
    for name, part in OURS.items():
        needed = WORKER_ENDS if "worker" in str(part.get("command")) else SERVICE_ENDS
        assert int(part["stop_grace_period"].removesuffix("s")) > needed, name
    (data,) = (thing["data"] for thing in KUBERNETES if thing["kind"] == "ConfigMap")
    drain = int(data["NOBODY_DRAIN_SECONDS"])
    assert PODS["nobody-serve"]["terminationGracePeriodSeconds"] > drain + SERVICE_ENDS
    assert PODS["nobody-worker"]["terminationGracePeriodSeconds"] > WORKER_ENDS


def test_requests_and_probes_find_the_service() -> None:
    (container,) = PODS["nobody-serve"]["containers"]
    (exposed,) = re.findall(r"^EXPOSE (\d+)", DOCKERFILE, re.MULTILINE)
    assert container["ports"] == [{"name": "http", "containerPort": int(exposed)}]
    paths = {route.path for route in service.router.routes if hasattr(route, "path")}
    for probe, path in {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}.items():
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}
        assert path in paths
    (ports,) = (spec["ports"] for spec in _objects("Service").values())
    assert ports == [{"name": "http", "port": 80, "targetPort": "http"}]

    nginx = (DEPLOY / "nginx.conf").read_text()
    assert set(re.findall(rf"server (\S+):{exposed} max_fails=0;", nginx)) == {"serve-1", "serve-2"} < set(OURS)
    networks = {name: part["networks"]["default"] for name, part in COMPOSE["services"].items() if "networks" in part}
    (address,) = {part["environment"]["NOBODY_TRUSTED_PROXIES"] for part in OURS.values()}
    assert networks.pop("nginx") == {"ipv4_address": address}
    assert set(networks) == {"serve-1", "serve-2"}
    for volume in COMPOSE["services"]["nginx"]["volumes"]:
        here, there, _ = volume.split(":")
        assert (ROOT / here).is_file()
        assert there.endswith("/default.conf") or f"include {there};" in nginx
    (port,) = COMPOSE["services"]["nginx"]["ports"]
    assert f"listen {port.rpartition(':')[2]};" in nginx


def test_selectors_find_their_pods() -> None:
    labels = {name: spec["template"]["metadata"]["labels"] for name, spec in _objects("Deployment").items()}
    for name, spec in (_objects("Deployment") | _objects("PodDisruptionBudget")).items():
        assert spec["selector"]["matchLabels"] == labels[name]
    (selector,) = (spec["selector"] for spec in _objects("Service").values())
    assert selector == labels["nobody-serve"]
    for name, spec in _objects("HorizontalPodAutoscaler").items():
        assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        assert spec["minReplicas"] >= 2


def test_autoscalers_look_at_metrics_that_there_are() -> None:
    table = (ROOT / "docs" / "operations.md").read_text()
    offered = {}
    for kind, rules in ADAPTER["rules"].items():
        for rule in rules:
            metric = rule["seriesQuery"].partition("{")[0]
            assert f"| `{metric}{{" in table, "a test holds the table against GET /metrics"
            assert f"{metric}{{" in rule["metricsQuery"]
            offered[rule["name"]["as"]] = kind
    asked = {}
    for spec in _objects("HorizontalPodAutoscaler").values():
        for metric in spec["metrics"]:
            kind = metric["type"]
            asked[metric[kind.lower()]["metric"]["name"]] = {"Pods": "custom", "External": "external"}[kind]
    assert asked == offered
    (states,) = re.findall(r'state=~"(.*?)"', str(ADAPTER))
    assert set(states.split("|")) == {State.QUEUED, *HELD}
    (data,) = (thing["data"] for thing in KUBERNETES if thing["kind"] == "ConfigMap")
    (metric,) = _objects("HorizontalPodAutoscaler")["nobody-worker"]["metrics"]
    assert metric["external"]["target"]["averageValue"] == data["NOBODY_CONCURRENT_JOBS"]
