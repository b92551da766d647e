"""How fast GANs are trained, beside the exercise's own code, JAX and PyTorch, each in a process of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import partial

from tests.benchmarks.peers.runner import Case
from tests.benchmarks.processes import Peer
from tests.benchmarks.report import OTHER, Options, Report, Row, alternating, compared

EXERCISE, JAX, EAGER, COMPILED = "the exercise, fit", "JAX", "PyTorch eager", "PyTorch compile"
FIT, OTHER_FIT, LIMIT, FEW = "nobody, fit", f"{OTHER}, fit", "the limit: products alone", "with 1,000 real examples"
#: What the table of ``fit`` calls the variants.
_FITS = {"nobody": FIT, OTHER: OTHER_FIT, EXERCISE: EXERCISE}

TRAIN_TARGETS = {EXERCISE: 5.0, JAX: 1.3, EAGER: 2.0, COMPILED: 2.0}
FIT_TARGETS = {EXERCISE: 3.0}
FACE_TARGETS = {EXERCISE: 2.0, EAGER: 1.3, COMPILED: 1.3}
FEW_TARGETS = {FEW: 1 / 1.1}

KINDS = ("Simple_GAN", "WGAN_clip", "WGAN_GP")
#: Dense pairs as the exercise's scripts have them: widths of generator and critic, real examples, steps of a run.
SIZES = (
    ([2, 10, 10, 5], [5, 10, 10, 1], 1_000, 500),
    ([1, 100, 100, 2], [2, 100, 100, 1], 10_000, 125),
    ([49, 98, 98, 49], [49, 98, 98, 1], 10_000, 125),
)


@dataclass(frozen=True)
class _Variant:
    """What one peer runs: in a mode that its module knows, and the contest's case unless it has its own."""

    peer: str
    mode: str = ""
    case: Case | None = None


@dataclass(frozen=True)
class _Contest:
    """Variants that run in turn."""

    title: str
    case: Case
    variants: dict[str, _Variant]
    targets: dict[str, float] = field(default_factory=dict)
    group: str = "train, a step"


def count(options: Options) -> int:
    """Return how many runs there are."""
    return sum(len(contest.variants) * options.repeats for contest in _contests(options))


def measure(options: Options, report: Report) -> Iterator[list[Row]]:
    """Measure everything.

    Raises:
        RuntimeError: this project's own code failed.
    """
    with ExitStack() as stack:
        peers = {peer.name: stack.enter_context(closing(peer)) for peer in _peers(options, report)}
        for contest in _contests(options):
            yield _run(contest, peers, options, report)


def _peers(options: Options, report: Report) -> Iterator[Peer]:
    for name, checkout in options.checkouts.items():
        yield Peer(name, "nobody", report.tell, checkout=checkout)
    yield Peer(EXERCISE, "exercise", report.tell)
    yield Peer(JAX, "jax_peer", report.tell, apart=True)
    yield Peer(EAGER, "torch_peer", report.tell, apart=True)
    yield Peer(COMPILED, "torch_peer", report.tell, apart=True)


def _contests(options: Options) -> Iterator[_Contest]:
    ours = {name: _Variant(name, "train") for name in options.checkouts}
    fits = {_FITS[name]: _Variant(name, "fit") for name in options.checkouts}
    exercise = {EXERCISE: _Variant(EXERCISE)}
    torch = {EAGER: _Variant(EAGER, "eager"), COMPILED: _Variant(COMPILED, "compile")}
    limit = {LIMIT: _Variant("nobody", "limit")}
    everybody = ours | fits | exercise | {JAX: _Variant(JAX)} | torch | limit

    sizes, kinds = (SIZES[:1], KINDS[-1:]) if options.tiny else (SIZES, KINDS)
    for kind in kinds:
        for widths, critic_widths, number, steps in sizes:
            steps = 2 if options.tiny else steps
            case = Case(kind, widths, critic_widths, [number, widths[-1]], steps)
            yield _Contest(f"{kind} {widths}, N={number:,}", case, everybody, TRAIN_TARGETS)

    steps, batch = (1, 8) if options.tiny else (2, 200)
    faces = Case("WGAN_GP", [], [], [2_000, 16, 16, 1], steps, batch)
    yield _Contest("WGAN_GP, faces", faces, ours | exercise | torch | limit, FACE_TARGETS)

    number = 2_000 if options.tiny else 1_000_000
    for widths, critic_widths, _, steps in sizes:
        many, few = (Case("WGAN_GP", widths, critic_widths, [n, widths[-1]], steps) for n in (number, 1_000))
        variants = {"nobody": _Variant("nobody", "train"), FEW: _Variant("nobody", "train", few)}
        title, group = f"WGAN_GP {widths}, N={number:,}", "train, a step: many real examples"
        yield _Contest(title, many, variants, FEW_TARGETS, group)


def _run(contest: _Contest, peers: dict[str, Peer], options: Options, report: Report) -> list[Row]:
    asked = {name: peers[variant.peer] for name, variant in contest.variants.items()}
    for name, variant in contest.variants.items():
        asked[name].ask(variant=name, mode=variant.mode, case=asdict(variant.case or contest.case))
    for peer in asked.values():  # they compile side by side
        peer.answer()
    runs = {name: partial(peer.run, name) for name, peer in asked.items()}
    seconds = alternating(runs, options.repeats, lambda name: report.tick(f"{contest.title}: {name}"), uncounted=0)
    if peers["nobody"].failed:
        raise RuntimeError("bench: this project's own training failed")
    milliseconds = {
        name: [1_000 * value / contest.case.steps for value in values]
        for name, values in seconds.items()
        if not asked[name].failed
    }
    trains = {name: values for name, values in milliseconds.items() if name not in (FIT, OTHER_FIT)}
    rows = compared(contest.group, contest.title, trains, "ms", contest.targets)
    if FIT in milliseconds:
        fits = {name: milliseconds[variant] for name, variant in _FITS.items() if variant in milliseconds}
        rows += compared("fit, a step", contest.title, fits, "ms", FIT_TARGETS)
    return rows
