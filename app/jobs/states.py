"""The states of a job, and which request is legal in which."""

from enum import StrEnum


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Nothing more will happen to the job."""
        return self in ENDED


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})

#: A worker has the job: only its training process may write about it.
HELD = frozenset({State.RUNNING, State.PAUSING, State.CANCELLING})


class Phase(StrEnum):
    """What a job is at while a worker has it."""

    STARTING = "starting"
    COMPILING = "compiling"
    TRAINING = "training"


class Request(StrEnum):
    """What a caller may ask of a job that exists."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    DELETE = "delete"


#: For each request, the state it leads to from each state where it is legal. Asking again changes nothing.
TRANSITIONS: dict[Request, dict[State, State]] = {
    Request.CANCEL: {
        State.QUEUED: State.CANCELLED,
        State.RUNNING: State.CANCELLING,
        State.PAUSING: State.CANCELLING,
        State.PAUSED: State.CANCELLED,
        State.CANCELLING: State.CANCELLING,
        State.CANCELLED: State.CANCELLED,
    },
    Request.PAUSE: {
        State.QUEUED: State.PAUSED,
        State.RUNNING: State.PAUSING,
        State.PAUSING: State.PAUSING,
        State.PAUSED: State.PAUSED,
    },
    # Resumed while it is being saved, a job goes on from what was saved.
    Request.RESUME: {State.PAUSED: State.QUEUED, State.PAUSING: State.RUNNING},
    Request.DELETE: {state: state for state in ENDED},
}


class TransitionError(Exception):
    """The job's state does not allow the request; the message names both."""

    def __init__(self, request: Request, state: State) -> None:
        legal = ", ".join(TRANSITIONS[request])
        super().__init__(f"the job is {state}: {request} is possible for a job that is {legal}")
