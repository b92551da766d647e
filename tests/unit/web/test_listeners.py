"""Processes that share a port; what a process is told about itself."""

import socket

import pytest
from prometheus_client.core import GaugeMetricFamily

from app import part
from app.part import Part, share
from app.web.listeners import listeners
from app.web.metrics import exposition, of_this_process


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_all_processes_listen_at_one_port_and_nobody_else(host: str) -> None:
    places = listeners(host, 0, 3)
    ports = {listener.getsockname()[1] for place in places for listener in place}
    (port,) = ports
    assert port > 0
    assert len({len(place) for place in places}) == 1
    for place in places:
        for listener in place:
            listener.listen()
    with pytest.raises(OSError, match="in use"):
        listeners(host, port, 2)
    for place in places:
        for listener in place:
            listener.close()
    for place in listeners(host, port, 1):
        for listener in place:
            listener.close()


def test_an_address_of_another_machine_cannot_be_had() -> None:
    with pytest.raises(OSError, match="assign"):
        listeners("192.0.2.1", 0, 2)
    with pytest.raises(socket.gaierror):
        listeners("nobody.invalid", 0, 2)


def test_a_part_has_its_share_and_its_metrics_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    gauge = GaugeMetricFamily("nobody_example", "An example.", labels=["kind"])
    gauge.add_metric(["a"], 1)
    assert share(20) == 20
    assert b'nobody_example{kind="a"} 1.0' in exposition(of_this_process([gauge]), "")[0]
    mine = Part(2, 6, 13, [4, 5])
    assert Part.parse(str(mine)) == mine
    monkeypatch.setattr(part, "mine", mine)
    assert [share(whole) for whole in (20, 6, 2)] == [3, 1, 1]
    text = exposition(of_this_process([gauge]), "")[0]
    assert b'nobody_example{kind="a",process="2"} 1.0' in text
    assert b'process_open_fds{process="2"}' in text
