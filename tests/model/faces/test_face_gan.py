import numpy as np
import pytest
import tensorflow as tf

from models import convolutional_GenDiscr, losses
from models.faces import face_gan
from models.faces.face_gan import FaceGAN, quadratic_critic
from models.faces.training import FaceTrainingSettings, build_face_gan
from models.files.normalization import SYMMETRIC
from models.training.train import train

FACES = np.random.default_rng(0).integers(0, 256, (60, 16, 16), dtype=np.uint8)
SETTINGS = FaceTrainingSettings(steps=6, batch_size=8, disc_iter=2, holdout=20, seed=3)


# the two critics


@pytest.fixture
def gan() -> FaceGAN:
    return build_face_gan(FACES, SETTINGS)


def _some_faces(count: int, seed: int = 0) -> tf.Tensor:
    return tf.random.stateless_uniform((count, 16, 16, 1), (seed, 0), -1.0, 1.0)


def test_the_quadratic_critic_is_a_quadratic_function() -> None:
    critic = quadratic_critic(SYMMETRIC.to_network(FACES))
    faces = _some_faces(5)
    assert not critic(faces).numpy().any()  # nothing is learnt yet

    random = np.random.default_rng(1)
    whitening, learnt = critic.layers[2].get_weights(), [random.normal(size=(256, 256)), random.normal(size=256)]
    critic.layers[3].set_weights(learnt)
    x = faces.numpy().reshape(5, 256) @ whitening[0] + whitening[1]
    expected = np.einsum("ni,ij,nj->n", x, learnt[0], x) + x @ learnt[1]
    np.testing.assert_allclose(critic(faces).numpy()[:, 0], expected, rtol=1e-3, atol=1e-2)
    assert sum(int(np.prod(weights.shape)) for weights in critic.trainable_variables) == 256 * 257


def test_it_sees_components_of_about_equal_variance() -> None:
    scale = np.geomspace(1, 0.01, 16)[:, np.newaxis]
    faces = (np.random.default_rng(0).normal(size=(4_000, 16, 16)) * scale).astype(np.float32)
    critic = quadratic_critic(faces)
    weights, bias = critic.layers[2].get_weights()
    spread = (faces.reshape(-1, 256) @ weights + bias).std(axis=0)
    assert faces.reshape(-1, 256).std(axis=0).max() > 90 * faces.reshape(-1, 256).std(axis=0).min()
    assert spread.max() < 25 * spread.min()  # all but the faintest are alike
    assert np.median(spread) > 0.1 * spread.max()


def test_a_covariance_of_which_the_mean_says_nothing_is_seen_at_once() -> None:
    """Faces that differ from the generated ones in how two pixels go together, and in nothing else."""
    random = np.random.default_rng(0)
    real = random.choice([-0.5, 0.5], (512, 16, 16)).astype(np.float32)
    real[:, 3, 3] = real[:, 12, 12]
    fake = random.choice([-0.5, 0.5], (512, 16, 16)).astype(np.float32)
    critic = quadratic_critic(real)
    optimizer = tf.keras.optimizers.Adam(1e-3)
    for _ in range(40):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(critic(fake[..., np.newaxis])) - tf.reduce_mean(critic(real[..., np.newaxis]))
        optimizer.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)
    pixels = tf.Variable(fake[..., np.newaxis])
    with tf.GradientTape() as tape:
        score = tf.reduce_sum(critic(pixels))
    towards = np.abs(tape.gradient(score, pixels).numpy()).mean(axis=(0, 3))
    # Where those two pixels disagree, and nowhere else, the generator is told to change something.
    strongest = np.unravel_index(np.argsort(towards, axis=None)[-2:], towards.shape)
    assert {(int(y), int(x)) for y, x in zip(*strongest, strict=True)} == {(3, 3), (12, 12)}


def test_scores_losses_and_penalties_of_both(gan: FaceGAN) -> None:
    real, fake = _some_faces(8, 1), _some_faces(8, 2)
    gan.quadratic.layers[3].set_weights([np.full((256, 256), 1e-3, np.float32), np.ones(256, np.float32)])
    scores = gan.discriminator(fake)
    assert scores.shape == (8, 2)
    np.testing.assert_allclose(scores, tf.concat([gan.critic(fake), gan.quadratic(fake)], 1), rtol=1e-5, atol=1e-5)

    means = tf.reduce_mean(scores, axis=0).numpy()
    expected = -(means[0] + 10 * means[1])
    np.testing.assert_allclose(gan.generator_loss(scores), expected, rtol=1e-5)

    real_means = tf.reduce_mean(gan.discriminator(real), axis=0).numpy()
    loss = gan.discriminator_loss(scores, gan.discriminator(real))
    np.testing.assert_allclose(loss, (means - real_means).sum(), rtol=1e-4)

    apart = losses.gradient_penalty(gan.critic, real), losses.gradient_penalty(gan.quadratic, real, one_sided=True)
    np.testing.assert_allclose(gan.gradient_penalty(real), sum(apart), rtol=1e-5)


def test_both_learn(gan: FaceGAN) -> None:
    *variables, _ = gan.critic.trainable_variables  # a last bias shifts all scores alike, and so changes no loss
    variables += gan.quadratic.trainable_variables
    before = [variable.numpy() for variable in variables]
    train(gan, 2)
    assert all((one != two.numpy()).any() for one, two in zip(before, variables, strict=True))


def test_the_exercise_s_parameters_and_a_linear_end(gan: FaceGAN) -> None:
    assert (gan.generator.count_params(), gan.critic.count_params()) == (339_493, 388_097)
    _, critic = convolutional_GenDiscr()
    critic.set_weights(gan.critic.get_weights())
    faces = _some_faces(4)
    np.testing.assert_allclose(critic(faces), np.tanh(gan.critic(faces)), atol=1e-6)


# what the critics see


@pytest.fixture
def one_face() -> np.ndarray:
    """One face over and over, so that there is no noise: its colour is that of what varies."""
    return np.repeat(FACES[:1], 64, axis=0)


def _seen(faces: np.ndarray, count: int = 64) -> np.ndarray:
    gan = build_face_gan(faces, SETTINGS)
    return SYMMETRIC.to_grey(gan.get_real_sample(count))


def test_mirrored_faces(one_face: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_gan, "SHIFTED", 0.0)
    monkeypatch.setattr(face_gan, "MIRRORED", 1.0)
    np.testing.assert_array_equal(_seen(one_face), one_face[:, :, ::-1])


def test_shifted_faces(one_face: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_gan, "MIRRORED", 0.0)
    monkeypatch.setattr(face_gan, "SHIFTED", 1.0)
    padded = np.pad(FACES[0], 1, mode="edge")
    shifts = {padded[y : y + 16, x : x + 16].tobytes() for y in range(3) for x in range(3)}
    assert {face.tobytes() for face in _seen(one_face)} == shifts


def test_at_most_half_of_the_faces_are_changed_in_each_way(one_face: np.ndarray) -> None:
    untouched = (_seen(one_face) == FACES[0]).all(axis=(1, 2)).mean()
    assert 0.2 < untouched < 0.7  # (1 - .2) · (1 - .5 · 8/9) = .44


def test_noise_is_coloured_as_the_faces_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_gan, "MIRRORED", 0.0)
    monkeypatch.setattr(face_gan, "SHIFTED", 0.0)
    monkeypatch.setattr(face_gan, "NOISE", 0.5)
    still = FACES.copy()
    still[:, :8] = 128  # what does not vary gets no noise
    gan = build_face_gan(still, SETTINGS)
    batches = []
    for update in range(40):
        gan.discriminator.optimizer.iterations.assign(update)  # otherwise the noise would be the same
        batches.append(gan.get_real_sample(60).numpy())
    seen = np.concatenate(batches)
    real = SYMMETRIC.to_network(still)

    np.testing.assert_allclose(seen[:, :8], real[0, 0, 0, 0], atol=1e-4)
    assert seen.var(axis=0).sum() == pytest.approx(1.25 * real.var(axis=0).sum(), rel=0.03)


def test_generated_faces_are_disturbed_too() -> None:
    gan = build_face_gan(FACES, SETTINGS)
    gan.generator.set_weights([np.zeros_like(values) for values in gan.generator.get_weights()])
    assert not gan.generator(tf.zeros((1, 16))).numpy().any()
    assert gan.get_fake_sample(32).numpy().std() > 0.05


def test_training_sees_the_disturbance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaceGAN, "run_eagerly", True)
    disturbed = train(build_face_gan(FACES, SETTINGS), 1)
    for name in ("MIRRORED", "SHIFTED", "NOISE"):
        monkeypatch.setattr(face_gan, name, 0.0)
    plain = train(build_face_gan(FACES, SETTINGS), 1)

    for name in ("discr_loss", "gen_loss"):
        assert (disturbed[name] != plain[name]).all()


def test_each_sample_of_a_step_is_disturbed_anew(one_face: np.ndarray) -> None:
    gan = build_face_gan(one_face, SETTINGS)
    shifts = []
    for _ in range(2):
        shifts.append(gan.get_real_sample(32).numpy())
        gan.update_discriminator()
    shifts.append(gan.get_real_sample(32).numpy())
    gan.update_generator()
    shifts.append(gan.get_real_sample(32).numpy())
    assert len({shift.tobytes() for shift in shifts}) == 4
