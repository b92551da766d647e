import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from models import WGAN_GP, WeightsError, convolutional_GenDiscr, fully_connected_GenDiscr
from models.files.layouts import FACE_GENERATOR, layout_of
from models.files.saving import save_weights
from models.files.weights import read_metadata, read_weights

LATENTS = np.random.default_rng(0).standard_normal((40, 16)).astype(np.float32)


def _face_gan(seed: int = 0) -> WGAN_GP:
    keras.utils.set_random_seed(seed)
    return WGAN_GP(*convolutional_GenDiscr(), lambda k: tf.random.normal((k, 16)), np.zeros((4, 16, 16)), batch_size=2)


@pytest.fixture
def network() -> Any:
    """Return a generator with every weight random, batch normalisation included."""
    keras.utils.set_random_seed(3)
    generator, _ = convolutional_GenDiscr()
    rng = np.random.default_rng(1)
    generator.set_weights([rng.uniform(0.1, 1, weights.shape) for weights in generator.get_weights()])
    return generator


@pytest.fixture
def saved(network: Any, tmp_path: Path) -> Path:
    path = tmp_path / "generator.h5"
    save_weights(network, path, {"architecture": "convolutional_GenDiscr"})
    return path


def _assert_same_weights(one: Any, two: Any) -> None:
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("build", [lambda: convolutional_GenDiscr(), lambda: fully_connected_GenDiscr([2, 7, 7, 2])])
def test_a_network_has_the_same_file_whatever_the_process_made_before(
    build: Callable[[], tuple[Any, ...]], tmp_path: Path
) -> None:
    files: list[bytes] = []
    for _ in range(2):  # Keras counts the names of its layers on
        keras.utils.set_random_seed(3)
        for place, network in enumerate(build()[:2]):
            save_weights(network, tmp_path / f"{place}.h5", {})
        files.append(b"".join((tmp_path / f"{place}.h5").read_bytes() for place in range(2)))
    assert files[0] == files[1]


def test_own_names_of_layers_stay_and_none_comes_twice(tmp_path: Path) -> None:
    layers = keras.layers
    named = {"dense": layers.Conv1D(1, 1, name="dense"), "dense_1": layers.Dense(2), "dense_2": layers.Dense(2)}
    named |= {"block_7": layers.Dense(2, name="block_7"), "dense_3": layers.Dense(1, name="dense_99")}
    network = keras.Sequential([keras.Input((3, 1)), *named.values()])
    path = tmp_path / "g.h5"
    save_weights(network, path, {})
    with h5py.File(path) as file:
        assert [name.decode() for name in file.attrs["layer_names"]] == list(named)
    before = network.get_weights()
    network.set_weights([np.zeros_like(weights) for weights in before])
    network.load_weights(path)
    for one, two in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


# reading what others wrote


@pytest.mark.parametrize("name", ["replace_weights", "replace_weight"])
def test_the_exercise_s_files_load(shared: Path, name: str) -> None:
    gan = _face_gan()
    getattr(gan, name)(str(shared / "reference" / "generator.h5"), str(shared / "reference" / "discriminator.h5"))
    plain = convolutional_GenDiscr()
    for network, file in zip(plain, ("generator.h5", "discriminator.h5"), strict=True):
        network.load_weights(shared / "reference" / file)

    _assert_same_weights(gan.generator, plain[0])
    _assert_same_weights(gan.discriminator, plain[1])


def test_the_exercise_s_mean_face(shared: Path) -> None:
    """The raw output is the picture; through the exercise's `recover` the error would be 0.47."""
    faces = np.load(shared / "faces" / "faces_16x16_train.npy") / 255
    gan = _face_gan()
    gan.replace_weights(shared / "reference" / "generator.h5", shared / "reference" / "discriminator.h5")
    tf.random.set_seed(0)
    generated = gan.get_fake_sample(2000).numpy()[..., 0]

    assert np.abs(generated.mean(axis=0) - faces.mean(axis=0)).mean() < 0.03


def test_keras_3_files_load(network: Any, tmp_path: Path) -> None:
    path = tmp_path / "generator.weights.h5"
    network.save_weights(path)
    other, _ = convolutional_GenDiscr()
    other.set_weights(read_weights(path, other))
    _assert_same_weights(network, other)


def test_keras_3_files_of_the_fully_connected_pair_load(tmp_path: Path) -> None:
    one, two = (fully_connected_GenDiscr([2, 7, 7, 7, 2])[0] for _ in range(2))
    one.save_weights(tmp_path / "g.weights.h5")
    two.set_weights(read_weights(tmp_path / "g.weights.h5", two))
    _assert_same_weights(one, two)


# writing


def test_our_files_load_in_keras_3(network: Any, saved: Path) -> None:
    other, _ = convolutional_GenDiscr()
    other.load_weights(saved)
    _assert_same_weights(network, other)


def test_our_files_load_in_keras_2(network: Any, saved: Path) -> None:
    import tf_keras

    layers = tf_keras.layers
    stack = [layers.Dense(2048, activation="tanh", input_shape=(16,)), layers.Reshape((2, 2, 512))]
    for filters in (64, 16, 1):
        stack += [
            layers.UpSampling2D(),
            layers.Conv2D(filters, 3, padding="same"),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
        ]
    other = tf_keras.Sequential(stack)
    other.load_weights(saved)

    _assert_same_weights(network, other)
    np.testing.assert_allclose(other(LATENTS).numpy(), network(LATENTS).numpy(), atol=1e-6)


def test_our_files_load_here_with_their_metadata(network: Any, saved: Path) -> None:
    other, _ = convolutional_GenDiscr()
    other.set_weights(read_weights(saved, other))

    _assert_same_weights(network, other)
    assert read_metadata(saved) == {"format_version": 1, "architecture": "convolutional_GenDiscr"}


def test_a_crash_while_saving_leaves_the_old_file(network: Any, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def crash(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", crash)
    with pytest.raises(OSError, match="disk full"):
        save_weights(network, saved, {})

    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved], "the half-written file should be gone"


# refusing


def _edit(change: Callable[[h5py.File], None]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return edit


def _swap(file: h5py.File) -> None:
    names = list(file.attrs["layer_names"])
    first, second, *_ = [i for i, name in enumerate(names) if "conv2d" in str(name)]
    names[first], names[second] = names[second], names[first]
    file.attrs["layer_names"] = names


def _set(file: h5py.File, variable: str, values: Any) -> None:
    group = next(name for name in file if name.startswith("conv2d"))
    del file[group][f"{group}/{variable}:0"]
    file[group][f"{group}/{variable}:0"] = values


def _link_elsewhere(file: h5py.File) -> None:
    group = next(name for name in file if name.startswith("conv2d"))
    del file[group][f"{group}/bias:0"]
    file[group][f"{group}/bias:0"] = h5py.ExternalLink("/etc/passwd", "/")


def _store_objects(file: h5py.File) -> None:
    _set(file, "bias", np.array([pickle.dumps("danger")] * 64, dtype="S40"))


def _unlist(file: h5py.File) -> None:
    del file.attrs["layer_names"]


def _drop_a_layer(file: h5py.File) -> None:
    file.attrs["layer_names"] = list(file.attrs["layer_names"])[:-1]


def _replace_with_numbers(path: str) -> Callable[[Path], None]:
    def replace(file: h5py.File) -> None:
        parent, name = file[path.rpartition("/")[0] or "/"], path.rpartition("/")[2]
        del parent[name]
        parent[name] = np.zeros(3)

    return _edit(replace)


def _replace_with_a_group(file: h5py.File) -> None:
    group = next(name for name in file if name.startswith("conv2d"))
    del file[group][f"{group}/bias:0"]
    file[group].create_group(f"{group}/bias:0")


def _virtual(file: h5py.File) -> None:
    group = next(name for name in file if name.startswith("conv2d"))
    del file[group][f"{group}/bias:0"]
    layout = h5py.VirtualLayout((64,), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (64,))
    file[group].create_virtual_dataset(f"{group}/bias:0", layout)


def _first_layer(path: Path) -> None:
    with h5py.File(path) as file:
        name = next(name for name in file if name.startswith("dense"))
    _replace_with_numbers(f"{name}")(path)


def _number_for_names(file: h5py.File) -> None:
    file.attrs["layer_names"] = 3


BROKEN = {
    "missing": (lambda path: path.unlink(), "found no such file"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "found a folder"),
    "empty": (lambda path: path.write_bytes(b""), "found an empty file"),
    "not HDF5": (lambda path: path.write_bytes(b"not HDF5" * 100), "damaged or not HDF5"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100_000]), "damaged or not HDF5"),
    "no Keras weights": (_edit(_unlist), "found HDF5 with neither layer_names nor layers"),
    "a layer less": (_edit(_drop_a_layer), "expected 7 layers with weights .* found 6"),
    "wrong order": (_edit(_swap), r"layer conv2d.*: expected .*\(3, 3, 512, 64\).* found .*\(3, 3, 64, 16\)"),
    "wrong shape": (_edit(lambda file: _set(file, "bias", np.zeros(65, np.float32))), r"found .*\('bias', \(65,\)\)"),
    "NaN inside": (_edit(lambda file: _set(file, "bias", np.full(64, np.nan))), "expected finite weights, found nan"),
    "infinity inside": (
        _edit(lambda file: _set(file, "bias", np.full(64, np.inf))),
        "expected finite weights, found inf",
    ),
    "integers": (_edit(lambda file: _set(file, "bias", np.zeros(64, np.int32))), "expected floating-point numbers"),
    "pickles": (_edit(_store_objects), "expected floating-point numbers"),
    "a group for numbers": (_edit(_replace_with_a_group), "damaged or not HDF5.*holds no numbers"),
    "numbers for a layer": (_first_layer, "damaged or not HDF5.*is not a group"),
    "virtual numbers": (_edit(_virtual), "damaged or not HDF5.*holds no numbers of its own"),
    "layer names that are a number": (_edit(_number_for_names), "damaged or not HDF5"),
    "a link elsewhere": (_edit(_link_elsewhere), "damaged or not HDF5.*is a link"),
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> tuple[WGAN_GP, Path]:
    """Return a GAN, and a folder with the weights of another."""
    source, folder = _face_gan(1), tmp_path_factory.mktemp("source")
    save_weights(source.generator, folder / "generator.h5", {})
    save_weights(source.discriminator, folder / "discriminator.h5", {})
    return _face_gan(2), folder


@pytest.mark.parametrize(("damage", "message"), BROKEN.values(), ids=list(BROKEN))
def test_broken_files_are_refused_and_neither_network_changes(
    damage: Callable[[Path], Any], message: str, target: tuple[WGAN_GP, Path], tmp_path: Path
) -> None:
    gan, folder = target
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    generator_file, discriminator_file = tmp_path / "generator.h5", tmp_path / "discriminator.h5"
    before = [*gan.generator.get_weights(), *gan.discriminator.get_weights()]

    # The conv2d layers of both networks have 64 somewhere; break the one whose first has it: the generator.
    damage(generator_file)
    with pytest.raises(WeightsError, match=message) as error:
        gan.replace_weights(generator_file, discriminator_file)

    assert str(error.value).startswith(str(generator_file))
    after = [*gan.generator.get_weights(), *gan.discriminator.get_weights()]
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_broken_discriminator_leaves_the_generator_alone(saved: Path, tmp_path: Path) -> None:
    gan = _face_gan(2)
    before = gan.generator.get_weights()
    with pytest.raises(WeightsError, match=r"nothing\.h5: .*no such file"):
        gan.replace_weights(saved, tmp_path / "nothing.h5")
    for one, two in zip(before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_other_network_s_file_is_refused(saved: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected 5 layers with weights .* found 7"):
        _face_gan().replace_weights(saved, saved)


def test_keras_3_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.weights.h5"
    fully_connected_GenDiscr([2, 7, 2])[0].save_weights(path)
    with pytest.raises(
        WeightsError,
        match=r"expected the layers dense, conv2d.*missing: dense.* conv2d.* not expected: .*layers/dense_1",
    ):
        read_weights(path, FACE_GENERATOR)


@pytest.mark.parametrize(
    "metadata",
    ["not json", "[]", "[" * 60_000, json.dumps({"format_version": 2}), json.dumps({"format_version": True})],
)
def test_broken_metadata_is_refused(saved: Path, metadata: str) -> None:
    with h5py.File(saved, "r+") as file:
        file.attrs["nobody"] = metadata
    with pytest.raises(WeightsError, match=r"expected (metadata as JSON|format version 1, got (2|True))"):
        read_metadata(saved)


def test_weights_from_elsewhere_have_no_metadata(network: Any, tmp_path: Path) -> None:
    network.save_weights(tmp_path / "g.weights.h5")
    assert read_metadata(tmp_path / "g.weights.h5") is None


def test_equal_layers_in_a_wrong_order_are_refused(tmp_path: Path) -> None:
    """Keras itself would load them swapped, without a word."""
    keras.backend.clear_session()
    generator, _, _ = fully_connected_GenDiscr([7, 7, 7, 7])
    path = tmp_path / "generator.h5"
    save_weights(generator, path, {})
    with h5py.File(path, "r+") as file:
        assert file.attrs["layer_names"].tolist() == [b"dense", b"dense_1", b"dense_2"]
        file.attrs["layer_names"] = [b"dense_1", b"dense", b"dense_2"]

    with pytest.raises(WeightsError, match="expected the dense layers in order, found dense_1, dense, dense_2"):
        read_weights(path, generator)


@pytest.mark.parametrize("path", ["layers", "layers/dense", "layers/dense/vars", "layers/dense/vars/0"])
def test_keras_3_files_with_numbers_in_the_wrong_place_are_refused(network: Any, tmp_path: Path, path: str) -> None:
    file = tmp_path / "g.weights.h5"
    network.save_weights(file)
    _replace_with_numbers(path)(file)
    with pytest.raises(WeightsError, match=str(file)):
        read_weights(file, network)


def test_no_path_at_all_is_refused(network: Any) -> None:
    with pytest.raises(WeightsError, match="None: expected"):
        read_weights(None, network)  # type: ignore[arg-type]


def test_the_layout_of_the_face_generator_is_that_of_the_network(saved: Path) -> None:
    network, _ = convolutional_GenDiscr()
    assert [layer[1:] for layer in FACE_GENERATOR] == [layer[1:] for layer in layout_of(network)]
    for one, two in zip(read_weights(saved, FACE_GENERATOR), read_weights(saved, network), strict=True):
        np.testing.assert_array_equal(one, two)
