"""The states of a job, and the actions that are legal in each."""

from enum import StrEnum


class State(StrEnum):
    """The state of a job."""

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
        """Whether the state is final."""
        return self in ENDED


ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})

#: A worker holds the job.
HELD = frozenset({State.RUNNING, State.PAUSING, State.CANCELLING})


class Phase(StrEnum):
    """What a worker is doing with a job that it holds."""

    STARTING = "starting"
    COMPILING = "compiling"
    TRAINING = "training"


class Action(StrEnum):
    """What a caller may do with a job."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    STEP = "step"
    DELETE = "delete"


#: For each action, the next state from each state where it is legal. A repeated action changes nothing.
TRANSITIONS: dict[Action, dict[State, State]] = {
    Action.CANCEL: {
        State.QUEUED: State.CANCELLED,
        State.RUNNING: State.CANCELLING,
        State.PAUSING: State.CANCELLING,
        State.PAUSED: State.CANCELLED,
        State.CANCELLING: State.CANCELLING,
        State.CANCELLED: State.CANCELLED,
    },
    Action.PAUSE: {
        State.QUEUED: State.PAUSED,
        State.RUNNING: State.PAUSING,
        State.PAUSING: State.PAUSING,
        State.PAUSED: State.PAUSED,
    },
    # A job that is resumed while it is being saved continues from what was saved.
    Action.RESUME: {State.PAUSED: State.QUEUED, State.PAUSING: State.RUNNING},
    # Trains some steps and pauses again.
    Action.STEP: {State.PAUSED: State.QUEUED},
    Action.DELETE: {state: state for state in ENDED},
}


class TransitionError(Exception):
    """The job's state does not allow the action; the message names both."""

    def __init__(self, action: Action, state: State) -> None:
        legal = ", ".join(TRANSITIONS[action])
        super().__init__(f"the job is {state}: {action} is possible for a job that is {legal}")
