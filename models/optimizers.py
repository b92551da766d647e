"""Adam as the trainings use it, and checks of a network's own optimizer."""

import keras
import tensorflow as tf


def adam(
    learning_rate: float,
    *,
    beta_1: float,
    beta_2: float,
    updates: int = 0,
    final_rate: float = 1.0,
    average: float | None = None,
) -> keras.Optimizer:
    """Return a new Adam.

    Args:
        learning_rate: at the start.
        beta_1: decay of the first moments.
        beta_2: decay of the second moments.
        updates: after how many the learning rate has reached its end.
        final_rate: share of the learning rate to which it falls along half a cosine; 1 keeps it.
        average: momentum of a moving average of the weights; None for no average.
    """
    rate = learning_rate
    if final_rate != 1:
        rate = keras.optimizers.schedules.CosineDecay(rate, updates, alpha=final_rate)
    averaged = average is not None
    return keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=beta_2, use_ema=averaged, ema_momentum=average or 0.0)


def build_optimizer(name: str, network: keras.Model) -> None:
    """Create the variables of a network's optimizer if it is new, as a compiled loop cannot.

    Raises:
        ValueError: the optimizer is not one of Keras's, or was made for other variables.
    """
    optimizer = getattr(network, "optimizer", None)
    if not isinstance(optimizer, keras.Optimizer):
        raise ValueError(f"{name}.optimizer: expected a keras optimizer, got {optimizer!r}")
    if not optimizer.built:
        with tf.init_scope():
            optimizer.build(trainable_or_frozen(network))
    known = {id(variable) for variable in optimizer._trainable_variables}
    if not all(id(variable) in known for variable in network.trainable_variables):
        raise ValueError(
            f"{name}.optimizer: expected one of its own, got one that was made for other variables than the {name}'s; "
            "give each network a new optimizer, also after a change of its layers"
        )


def trainable_or_frozen(network: keras.Model) -> list[keras.Variable]:
    """Return the variables that training changes, or would change if no layer were frozen, in the network's order."""
    created_trainable = {id(variable) for layer in network._flatten_layers() for variable in layer._trainable_variables}
    return [variable for variable in network.variables if variable.trainable or id(variable) in created_trainable]
