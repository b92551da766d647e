"""The drawing of the rooms in docs/architecture.md is that of the code, and its arrows lead nowhere in a circle."""

import re
from graphlib import TopologicalSorter

import grimp

from tests.conftest import ROOT

#: Modules at the top of ``models`` that make one room: the three GANs and what they are made of.
_GANS = {"models", *(f"models.{name}" for name in ("gan", "simple_gan", "wgan_clip", "wgan_gp", "network_pair"))}

#: ``room --> room`` in Mermaid's language; a room may have its name in brackets behind it, an arrow a word on it.
_ARROW = re.compile(r"(\w+)(?:\[[\w.]+\])? -[-.>]+(?:\|\w+\|)? (\w+)")

Arrows = set[tuple[str, str]]


def _drawn() -> tuple[list[str], Arrows]:
    """Return the rooms of the drawing, as names of packages, and its arrows."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    [drawing] = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    names = dict(re.findall(r"(\w+)\[([\w.]+)\]", drawing))
    return list(names.values()), {(names[a], names[b]) for a, b in _ARROW.findall(drawing)}


def _room(module: str, rooms: list[str]) -> str | None:
    if module in _GANS:
        return "models.gan"
    inside = [room for room in rooms if module == room or module.startswith(f"{room}.")]
    return max(inside, key=len, default=None)


def _imports(rooms: list[str]) -> Arrows:
    graph = grimp.build_graph("app", "models")
    pairs = [(module, other) for module in graph.modules for other in graph.find_modules_directly_imported_by(module)]
    arrows = {(_room(module, rooms), _room(other, rooms)) for module, other in pairs}
    return {(room, other) for room, other in arrows if room and other and room != other}


def _reachable(room: str, arrows: Arrows) -> set[str]:
    found = {other for start, other in arrows if start == room}
    return found.union(*(_reachable(other, arrows) for other in found))


def test_the_drawn_arrows_are_imports_and_explain_all_others() -> None:
    rooms, drawn = _drawn()
    order = TopologicalSorter({room: {other for start, other in drawn if start == room} for room in rooms})
    assert set(order.static_order()) == set(rooms)  # raises CycleError where arrows lead in a circle
    imports = _imports(rooms)
    assert drawn <= imports, "drawn, but not imported"
    assert not {(room, other) for room, other in imports if other not in _reachable(room, drawn)}, "not drawn"
