"""Which workers count as silent, by the local monotonic clock."""

from app.jobs.worker.heartbeats import BEAT_SECONDS, SILENCE_SECONDS, SilenceDetector


def _look(silences: SilenceDetector, counts: list[dict[str, int | None]], start: float = 0.0) -> list[list[str]]:
    return [silences.silent(beats, start + BEAT_SECONDS * i) for i, beats in enumerate(counts)]


LOOKS = int(SILENCE_SECONDS / BEAT_SECONDS) + 2


def test_who_beats_is_never_silent() -> None:
    assert not any(_look(SilenceDetector(), [{"a": i} for i in range(10 * LOOKS)]))


def test_who_stops_is_silent_after_a_while_and_not_before() -> None:
    found = _look(SilenceDetector(), [{"a": 5}] * (LOOKS + 1))
    assert found[-1] == ["a"]
    assert not any(found[: int(SILENCE_SECONDS / BEAT_SECONDS)])


def test_who_holds_jobs_and_never_said_a_word_is_silent_too() -> None:
    assert _look(SilenceDetector(), [{"gone": None}] * (LOOKS + 1))[-1] == ["gone"]


def test_our_own_silence_is_nobody_elses() -> None:
    silences = SilenceDetector()
    _look(silences, [{"a": 5}] * (LOOKS - 2))
    # We were frozen, or the database was away: everybody may show life again first.
    later = 10 * SILENCE_SECONDS
    assert not any(_look(silences, [{"a": 5}] * (LOOKS - 2), start=later))


def test_forgetting_starts_anew() -> None:
    silences = SilenceDetector()
    _look(silences, [{"a": 5}] * (LOOKS - 1))
    silences.reset()
    assert silences.silent({"a": 5}, BEAT_SECONDS * LOOKS) == []


def test_a_beat_after_silence_counts() -> None:
    silences = SilenceDetector()
    _look(silences, [{"a": 5}] * (LOOKS - 2))
    assert _look(silences, [{"a": 6}], start=BEAT_SECONDS * (LOOKS - 2)) == [[]]
    assert _look(silences, [{"a": 6}], start=BEAT_SECONDS * (LOOKS - 1)) == [[]]
