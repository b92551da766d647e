"""Weights files as every Keras writes them, and what else people hand in under such a name.

All are read in this process: one for each file would take longer than all else.
"""

import functools
import os
import pickle
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from models import WeightsError, convolutional_GenDiscr
from models.files import opening
from models.files.contents import Arrays, read_contents
from models.files.layouts import FACE_GENERATOR, layout_of
from models.files.saving import save_weights
from models.files.weight_files import find_weights
from models.files.weights import read_weights

_RNG = np.random.default_rng(0)
VALUES = [_RNG.uniform(0.1, 1, shape).astype(np.float32) for layer in FACE_GENERATOR for shape in layer.shapes]

#: Names of the dense layer, the convolutions and the normalisations; None are Keras's own.
NAMES: dict[str, list[str] | None] = {
    "default names": None,
    "own names": ["start", "conv_a", "norm_a", "conv_b", "norm_b", "conv_c", "norm_c"],
    "named by filters": ["dense_in", "conv_64", "bn_64", "conv_16", "bn_16", "conv_1", "bn_1"],
    "counting down": ["up_4", "up_3", "bn_3", "up_2", "bn_2", "up_1", "bn_1"],
    "default-like, counting down": [
        "dense_9",
        "conv2d_3",
        "batch_normalization_3",
        "conv2d_2",
        "batch_normalization_2",
        "conv2d_1",
        "batch_normalization_1",
    ],
}

FRAMEWORKS = {"keras 3": keras, "keras 2": tf_keras}


def _layers(framework: Any, names: list[str] | None, dtype: str | None = None) -> list[Any]:
    """Return the face generator's layers; some have no weights."""
    layers, settings = framework.layers, {"dtype": dtype} if dtype else {}
    name = iter(names or [])

    def named() -> dict[str, Any]:
        return settings if names is None else {"name": next(name), **settings}

    stack = [layers.Dense(2048, activation="tanh", **named()), layers.Reshape((2, 2, 512)), layers.Dropout(0.1)]
    for filters in (64, 16, 1):
        stack += [
            layers.UpSampling2D(),
            layers.Conv2D(filters, 3, padding="same", **named()),
            layers.BatchNormalization(**named()),
            layers.Activation("tanh"),
        ]
    return stack


def _chained(framework: Any, layers: list[Any], shape: tuple[int, ...] = (16,)) -> Any:
    inputs = hidden = framework.Input(shape)
    for layer in layers:
        hidden = layer(hidden)
    return framework.Model(inputs, hidden)


def _wrapped(framework: Any, layers: list[Any]) -> Any:
    return _chained(framework, [_chained(framework, layers)])


def _sequential(framework: Any, layers: list[Any]) -> Any:
    return framework.Sequential([framework.Input((16,)), *layers])


def _sequential_around_functional(framework: Any, layers: list[Any]) -> Any:
    return framework.Sequential([framework.Input((16,)), _chained(framework, layers)])


def _in_blocks(framework: Any, layers: list[Any]) -> Any:
    head, *blocks = layers[:3], layers[3:7], layers[7:11], layers[11:]
    nested = [_chained(framework, blocks[0], (2, 2, 512)), framework.Sequential(blocks[1])]
    return _chained(framework, [*head, *nested, *blocks[2]])


FORMS: dict[str, Callable[[Any, list[Any]], Any]] = {
    "functional": _chained,
    "Sequential": _sequential,
    "a functional model in another": _wrapped,
    "a functional model in a Sequential": _sequential_around_functional,
    "blocks": _in_blocks,
}


def _fill(layers: list[Any]) -> None:
    values = iter(VALUES)
    for layer in layers:
        layer.set_weights([next(values) for _ in layer.weights])


@functools.cache
def _filled(framework: str, form: str = "functional", names: str = "default names", dtype: str | None = None) -> Any:
    """Return a face generator with the expected values, and its layers; one for all ways of saving it."""
    if NAMES[names] is None:
        FRAMEWORKS[framework].backend.clear_session()  # the names begin anew
    layers = _layers(FRAMEWORKS[framework], NAMES[names], dtype)
    model = FORMS[form](FRAMEWORKS[framework], layers)
    _fill(layers)
    return model, layers


def _save(model: Any, path: Path, how: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls .h5 legacy
        getattr(model, how)(path)


#: What is called, and how the file is named.
WAYS = {
    "weights, legacy": ("keras 2", "save_weights", "g.h5"),
    "weights, Keras 2's new layout": ("keras 2", "save_weights", "g.weights.h5"),
    "full model, Keras 2": ("keras 2", "save", "g.h5"),
    "archive, Keras 2": ("keras 2", "save", "g.keras"),
    "weights, Keras 3": ("keras 3", "save_weights", "g.weights.h5"),
    "full model, Keras 3": ("keras 3", "save", "g.h5"),
    "archive, Keras 3": ("keras 3", "save", "g.keras"),
}


def _read(path: Path, network: Any) -> Arrays:
    return read_contents(path, network if isinstance(network, tuple) else layout_of(network)).weights


def _assert_read(path: Path, rtol: float = 0.0) -> None:
    read = _read(path, FACE_GENERATOR)
    assert len(read) == len(VALUES)
    for one, two in zip(read, VALUES, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, rtol=rtol)
    assert read_contents(path, ()).metadata is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("form", "names"),
    [
        *((form, "default names") for form in FORMS),
        *((form, names) for form in ("functional", "blocks") for names in NAMES if names != "default names"),
    ],
)
def test_every_file_that_keras_writes_of_a_face_generator_loads(
    way: str, form: str, names: str, tmp_path: Path
) -> None:
    framework, how, file = WAYS[way]
    model, _ = _filled(framework, form, names)
    _save(model, tmp_path / file, how)
    _assert_read(tmp_path / file)


@functools.cache
def _trained(framework: Any) -> Any:
    layers = _layers(framework, None)
    model = _chained(framework, layers)
    model.compile(framework.optimizers.Adam(use_ema=True), "mse", jit_compile=False)
    model.fit(np.zeros((2, 16), np.float32), np.zeros((2, 16, 16, 1), np.float32), verbose=0)
    _fill(layers)
    return model


@pytest.mark.parametrize("way", WAYS)
def test_a_compiled_and_trained_generator_loads_without_its_optimizer(way: str, tmp_path: Path) -> None:
    name, how, file = WAYS[way]
    _save(_trained(FRAMEWORKS[name]), tmp_path / file, how)
    _assert_read(tmp_path / file)


@functools.cache
def _frozen(framework: Any, frozen: str) -> Any:
    layers = _layers(framework, None)
    model = _chained(framework, layers)
    for layer in layers:
        layer.trainable = frozen != "all" and "normalization" not in layer.name
    _fill(layers)
    return model


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("frozen", ["all", "normalisations"])
def test_frozen_layers_load(way: str, frozen: str, tmp_path: Path) -> None:
    name, how, file = WAYS[way]
    _save(_frozen(FRAMEWORKS[name], frozen), tmp_path / file, how)
    _assert_read(tmp_path / file)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("dtype", "rtol"), [("bfloat16", 2**-8), ("float16", 2**-11), ("float64", 0.0)])
def test_other_floating_point_numbers_load(way: str, dtype: str, rtol: float, tmp_path: Path) -> None:
    name, how, file = WAYS[way]
    model, layers = _filled(name, dtype=dtype)
    _save(model, tmp_path / file, how)
    _assert_read(tmp_path / file, rtol)
    # Exactly the stored numbers, not only about those that were meant.
    stored = [np.asarray(tf.cast(values, tf.float32)) for layer in layers for values in layer.weights]
    for one, two in zip(_read(tmp_path / file, FACE_GENERATOR), stored, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("way", [("keras 2", "save_weights"), ("keras 2", "save"), ("keras 3", "save")])
def test_names_that_keras_cuts_into_chunks_load(way: tuple[str, str], tmp_path: Path) -> None:
    """An attribute of HDF5 has 64 KiB; Keras writes longer lists as layer_names0, layer_names1, …"""
    framework, how = way
    layers = _layers(FRAMEWORKS[framework], [letter * 17_000 for letter in "gfedcba"])
    model = _chained(FRAMEWORKS[framework], layers)
    _fill(layers)
    _save(model, tmp_path / "g.h5", how)
    with h5py.File(tmp_path / "g.h5") as file:
        root = file["model_weights"] if how == "save" else file
        assert "layer_names" not in root.attrs
        assert {"layer_names0", "layer_names1"} <= set(root.attrs)
        assert any("weight_names1" in group.attrs for group in root.values())
    _assert_read(tmp_path / "g.h5")


def test_equal_layers_in_numbered_blocks_load_in_their_order(tmp_path: Path) -> None:
    def network() -> Any:
        blocks = [keras.Sequential([keras.Input((7,)), keras.layers.Dense(7), keras.layers.Dense(7)]) for _ in "abc"]
        return keras.Sequential([keras.Input((7,)), *blocks])

    one, two = network(), network()
    one.save_weights(tmp_path / "g.weights.h5")
    two.set_weights(_read(tmp_path / "g.weights.h5", two))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_more_than_ten_equal_layers_load_in_their_order(tmp_path: Path) -> None:
    one, two = (keras.Sequential([keras.Input((5,)), *(keras.layers.Dense(5) for _ in range(13))]) for _ in "ab")
    one.save_weights(tmp_path / "g.weights.h5")
    two.set_weights(_read(tmp_path / "g.weights.h5", two))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def _many_kinds() -> Any:
    layers = keras.layers
    inputs = keras.Input((4, 8))
    hidden = layers.MultiHeadAttention(2, 4)(inputs, inputs)
    hidden = layers.PReLU()(layers.Dropout(0.5)(hidden))
    hidden = layers.Conv1DTranspose(3, 3)(hidden)
    return keras.Model(inputs, layers.LayerNormalization()(layers.Dense(6)(hidden)))


@pytest.mark.parametrize("file", ["g.h5", "g.keras"])
def test_layers_of_several_parts_and_of_long_class_names_load(file: str, tmp_path: Path) -> None:
    """Query, key and value of an attention are of equal shapes: only the legacy layout says which is which."""
    one, two = _many_kinds(), _many_kinds()
    _save(one, tmp_path / file, "save")
    if file == "g.keras":
        with pytest.raises(WeightsError, match=r"cannot tell which of its layers is query: .*key_dense or .*"):
            _read(tmp_path / file, two)
        return
    two.set_weights(_read(tmp_path / file, two))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_subclassed_generator_loads(tmp_path: Path) -> None:
    class Generator(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.leaves = _layers(keras, None)

        def call(self, latents: Any) -> Any:
            for layer in self.leaves:
                latents = layer(latents)
            return latents

    model = Generator()
    model(np.zeros((1, 16), np.float32))
    _fill(model.leaves)
    model.save_weights(tmp_path / "g.weights.h5")
    _assert_read(tmp_path / "g.weights.h5")


def test_the_generator_of_one_whose_layers_are_attributes_is_told_apart_by_shapes(tmp_path: Path) -> None:
    class Generator(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            # In the order of names, the last is first.
            for i, layer in enumerate(_layers(keras, None)):
                setattr(self, f"part_{99 - i}", layer)

        def call(self, latents: Any) -> Any:
            for i in range(15):
                latents = getattr(self, f"part_{99 - i}")(latents)
            return latents

    model = Generator()
    model(np.zeros((1, 16), np.float32))
    _fill([getattr(model, f"part_{99 - i}") for i in range(15)])
    model.save_weights(tmp_path / "g.weights.h5")
    _assert_read(tmp_path / "g.weights.h5")


def test_backslashes_that_keras_wrote_on_windows_load(tmp_path: Path) -> None:
    layers = _layers(keras, None)
    _chained(keras, layers).save_weights(tmp_path / "g.weights.h5")
    with h5py.File(tmp_path / "g.weights.h5") as old, h5py.File(tmp_path / "w.weights.h5", "w") as new:
        values = iter(VALUES)
        for layer in FACE_GENERATOR:
            assert f"layers/{layer.name}/vars" in old
            group = new.create_group(f"layers\\{layer.name}\\vars")
            for number in range(len(layer.variables)):
                group[str(number)] = next(values)
    _assert_read(tmp_path / "w.weights.h5")


# the target may be nested, too


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("file", ["g.h5", "g.weights.h5", "g.keras"])
def test_a_nested_network_takes_a_flat_file(form: str, file: str, tmp_path: Path) -> None:
    _save(_filled("keras 3")[0], tmp_path / file, "save_weights" if "weights" in file else "save")
    target_layers = _layers(keras, None)
    target = FORMS[form](keras, target_layers)
    target.set_weights(_read(tmp_path / file, target))
    for one, two in zip((v for layer in target_layers for v in layer.get_weights()), VALUES, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_network_that_was_never_called_is_told(tmp_path: Path) -> None:
    path = tmp_path / "g.h5"
    save_weights(convolutional_GenDiscr()[0], path, {})
    with pytest.raises(WeightsError, match=r"got one without; call it once first"):
        read_weights(path, keras.Sequential([keras.layers.Dense(3)]))
    assert layout_of(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]))


# what is refused, and why


@pytest.mark.parametrize("way", WAYS)
def test_a_file_of_another_network_says_so(way: str, tmp_path: Path) -> None:
    name, how, file = WAYS[way]
    framework = FRAMEWORKS[name]
    _save(_chained(framework, [framework.layers.Dense(3), framework.layers.Dense(4)]), tmp_path / file, how)
    with pytest.raises(
        WeightsError, match=r"expected (7 layers with weights .* found 2|the layers dense, conv2d.*missing)"
    ):
        _read(tmp_path / file, FACE_GENERATOR)


@pytest.mark.parametrize("way", [way for way in WAYS if "Keras 3" in way or "archive" in way])
def test_a_layer_of_another_shape_is_named(way: str, tmp_path: Path) -> None:
    name, how, file = WAYS[way]
    layers = _layers(FRAMEWORKS[name], None)
    layers[4] = FRAMEWORKS[name].layers.Conv2D(64, 5, padding="same")
    _save(_chained(FRAMEWORKS[name], layers), tmp_path / file, how)
    with pytest.raises(WeightsError, match=r"conv2d.*\(3, 3, 512, 64\).*\(5, 5, 512, 64\)"):
        _read(tmp_path / file, FACE_GENERATOR)


@pytest.mark.parametrize("way", ["weights, legacy", "full model, Keras 3"])
def test_equal_layers_that_count_down_are_doubted_only_under_keras_s_own_names(way: str, tmp_path: Path) -> None:
    name, how, file = WAYS[way]
    layers = FRAMEWORKS[name].layers
    network = keras.Sequential([keras.Input((16,)), keras.layers.Dense(16), keras.layers.Dense(16)])
    for names, is_fine in {
        ("dense_1", "dense"): False,
        ("dense_12", "dense_3"): False,
        ("dense_3", "dense_12"): True,
        ("dense_layer_2", "dense_layer_1"): True,
        ("dense2", "dense1"): True,
        ("dense_02", "dense_01"): True,
        ("hidden_2", "hidden_1"): True,
        ("conv2d_2", "conv2d_1"): True,  # not what Keras calls a dense layer
    }.items():
        stack = [layers.Dense(16, name=name) for name in names]
        _save(_chained(FRAMEWORKS[name], stack), tmp_path / file, how)
        if is_fine:
            expected = [values for layer in stack for values in layer.get_weights()]
            for one, two in zip(_read(tmp_path / file, network), expected, strict=True):
                np.testing.assert_array_equal(one, two)
        else:
            with pytest.raises(WeightsError, match=rf"expected the dense layers in order, found {', '.join(names)}"):
                _read(tmp_path / file, network)


def test_code_in_a_full_model_or_an_archive_is_never_looked_at(tmp_path: Path) -> None:
    """A Lambda would run when the model is built; and whatever stands in the description does not matter."""
    layers = _layers(keras, None)
    model = _chained(keras, [*layers, keras.layers.Lambda(lambda x: x / 0)])
    _fill(layers)
    for file in ("g.h5", "g.keras"):
        _save(model, tmp_path / file, "save")
    with h5py.File(tmp_path / "g.h5", "r+") as full:
        full.attrs["model_config"] = "no JSON"
    with zipfile.ZipFile(tmp_path / "g.keras") as old, zipfile.ZipFile(tmp_path / "h.keras", "w") as new:
        new.writestr("config.json", "no JSON")
        new.writestr("../escapes.txt", "")
        new.writestr("model.weights.h5", old.read("model.weights.h5"), zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "i.keras", "w") as new:  # packed again, on macOS
        new.write(tmp_path / "g.h5", "g/config.json")
        new.writestr("__MACOSX/g/._model.weights.h5", "")
        with zipfile.ZipFile(tmp_path / "g.keras") as old:
            new.writestr("g/model.weights.h5", old.read("model.weights.h5"))
    for file in ("g.h5", "g.keras", "h.keras", "i.keras"):
        _assert_read(tmp_path / file)


def _archive(path: Path, change: Callable[[zipfile.ZipFile, bytes], None]) -> None:
    _filled("keras 3")[0].save(path.with_suffix(".keras"))
    with zipfile.ZipFile(path.with_suffix(".keras")) as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(path, "w") as archive:
        change(archive, weights)


def test_archives_are_read_within_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "ARCHIVE_LIMIT", 4 * 2**20)
    path = tmp_path / "g.h5"
    cases: dict[str, Callable[[zipfile.ZipFile, bytes], None]] = {
        r"at most 4 MiB of weights in the archive, found 5 MiB; unpack model.weights.h5": lambda archive, _: (
            archive.writestr("model.weights.h5", bytes(5 * 2**20), zipfile.ZIP_DEFLATED)
        ),
        r"model.weights.h5 stored or deflated; unpack it": lambda archive, weights: archive.writestr(
            "model.weights.h5", weights, zipfile.ZIP_BZIP2
        ),
        r"damaged or not HDF5": lambda archive, weights: archive.writestr("model.weights.h5", weights[:50_000]),
        r"found a zip file without model.weights.h5": lambda archive, weights: archive.writestr("config.json", "{}"),
    }
    for message, change in cases.items():
        _archive(path, change)
        with pytest.raises(WeightsError, match=message):
            _read(path, FACE_GENERATOR)


def test_an_archive_that_lies_about_its_size_or_is_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.zip"
    _archive(path, lambda archive, weights: archive.writestr("model.weights.h5", weights, zipfile.ZIP_DEFLATED))
    whole = path.read_bytes()
    size = zipfile.ZipFile(path).getinfo("model.weights.h5").file_size.to_bytes(4, "little")
    assert whole.count(size) == 2  # once beside the member, once in the directory
    for broken in (
        whole[:-100],
        whole[: len(whole) // 2],
        whole.replace(size, (1_000).to_bytes(4, "little")),
        whole[:5_000] + bytes(1_000) + whole[6_000:],
    ):
        path.write_bytes(broken)
        with pytest.raises(WeightsError, match=r"expected a whole \.keras archive; it is damaged"):
            _read(path, FACE_GENERATOR)


def _npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, kernel=np.zeros(3))


def _npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _zipped(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "")

    return write


def _saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").touch()


def _checkpoint(path: Path) -> None:
    path.with_name("generator.h5.index").touch()


def _unclosed(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = np.zeros(3)
        file.flush()
        shutil.copy(path, path.with_suffix(".copy"))
    shutil.move(path.with_suffix(".copy"), path)


def _cut(path: Path) -> None:
    save_weights(convolutional_GenDiscr()[0], path, {})
    path.write_bytes(path.read_bytes()[:-100_000])


def _in_text_mode(path: Path) -> None:
    save_weights(convolutional_GenDiscr()[0], path, {})
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1386816\n"
PAGE = "an HTML page, such as the page about the file; download the file itself"

#: What was handed in as generator.h5, and what is said of it.
HANDED_IN: dict[str, tuple[bytes | Callable[[Path], None], str]] = {
    "nothing": (lambda path: None, "found no such file"),
    "an empty file": (b"", "found an empty file"),
    "a folder": (lambda path: path.mkdir(), "found a folder; name a file in it"),
    "a SavedModel": (_saved_model, "found a TensorFlow SavedModel; write its weights with"),
    "a checkpoint": (_checkpoint, "found a TensorFlow checkpoint; write its weights with"),
    "a pipe": (lambda path: os.mkfifo(path), "found a device or a pipe"),
    "a Git LFS pointer": (LFS, "found a Git LFS pointer instead of the file; fetch the file with `git lfs pull`"),
    "a page": (b"\n\n<!DOCTYPE html>\n<html lang=en>", PAGE),
    "a page with a mark": (b"\xef\xbb\xbf<HTML>", PAGE),
    "a page of XHTML": (b'<?xml version="1.0"?><html>', PAGE),
    "an answer of an API": (b'{"message": "Not Found"}', r"found text \(JSON\) instead of numbers"),
    "a NumPy array": (_npy, r"found a NumPy array \(\.npy\)"),
    "a NumPy archive": (_npz, r"found a NumPy archive \(\.npz\)"),
    "a pickle": (pickle.dumps([np.zeros(3)]), "found a Python pickle, or PyTorch weights"),
    "PyTorch weights": (_zipped("generator/data.pkl", "generator/data/0"), "found PyTorch weights"),
    "safetensors": ((64).to_bytes(8, "little") + b'{"kernel":{}}', "found a safetensors file"),
    "a TensorFlow Lite model": (b"\x1c\x00\x00\x00TFL3", "found a TensorFlow Lite model"),
    "the weights of a job": (
        _zipped("generator.h5", "discriminator.h5", "job.json"),
        "found a zip file with generator.h5, discriminator.h5; unpack it first",
    ),
    "a zipped SavedModel": (_zipped("g/saved_model.pb"), "found a zipped TensorFlow SavedModel"),
    "an empty zip": (_zipped(), "found a zip file without model.weights.h5"),
    "a gzip": (b"\x1f\x8b\x08\x00", "found a gzip file; unpack it first"),
    "a tar": (bytes(257) + b"ustar\x0000" + bytes(250), "found a tar archive; unpack it first"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "found a picture"),
    "a file copied as text": (_in_text_mode, "found HDF5 whose line ends were changed; copy it again, in binary mode"),
    "a file opened as text": (b"\xef\xbf\xbdHDF\r\n\x1a\n", "found HDF5 that was copied as text"),
    "half a download": (_cut, "damaged or not HDF5 .*its end is missing, copy it again"),
    "a file not closed": (_unclosed, "the process that wrote it did not close it, or still writes"),
    "words": (b"weights", "damaged or not HDF5"),
}


@pytest.mark.parametrize(("handed_in", "message"), HANDED_IN.values(), ids=list(HANDED_IN))
def test_the_message_names_the_real_cause(
    handed_in: bytes | Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "generator.h5"
    if isinstance(handed_in, bytes):
        path.write_bytes(handed_in)
    else:
        handed_in(path)
    for read in (lambda: _read(path, FACE_GENERATOR), lambda: read_contents(path, ())):
        with pytest.raises(WeightsError, match=message) as error:
            read()
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)


HOLD = """
import sys, h5py
with h5py.File(sys.argv[1], "r+"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def written_elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Yield a file that another process has open for writing."""
    path = tmp_path / "generator.h5"
    save_weights(convolutional_GenDiscr()[0], path, {})
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield path
        process.communicate()  # lets it end


def test_a_file_that_another_process_writes_is_told(written_elsewhere: Path) -> None:
    with pytest.raises(WeightsError, match="another process has it open for writing; try again when it is written"):
        _read(written_elsewhere, FACE_GENERATOR)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "generator.h5"
    path.touch()
    monkeypatch.setattr(opening, "open", refuse, raising=False)  # the superuser may read everything
    with pytest.raises(WeightsError, match="expected a file that may be read, but it may not; change its permissions"):
        _read(path, FACE_GENERATOR)


@pytest.mark.parametrize("name", ["generator.h5", "folder"])
def test_a_folder_that_nobody_may_look_into_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = os.stat

    def refuse(path: Any, *rest: Any, **more: Any) -> os.stat_result:
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, *rest, **more)

    monkeypatch.setattr(os, "stat", refuse)  # the superuser may look into every folder
    with pytest.raises(WeightsError, match="expected a file that may be read, but it may not; change its permissions"):
        _read(find_weights(tmp_path / name), FACE_GENERATOR)


@pytest.mark.parametrize("end", ["", "/generator.h5"])
def test_a_name_that_no_file_can_have_is_told(end: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected an .h5 weights file, found no such file \(File name too long\)"):
        _read(find_weights(Path(f"{tmp_path}/{'a' * 300}{end}")), FACE_GENERATOR)


def test_a_file_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(37, "Unable to open file (unable to lock file, errno = 37, 'No locks available')")

    path = tmp_path / "generator.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr("h5py.File", refuse)
    with pytest.raises(WeightsError, match="the file system has no file locks; set HDF5_USE_FILE_LOCKING=FALSE"):
        _read(path, FACE_GENERATOR)


def test_groups_in_a_circle_end(tmp_path: Path) -> None:
    _filled("keras 3")[0].save_weights(tmp_path / "g.weights.h5")
    with h5py.File(tmp_path / "g.weights.h5", "r+") as file:
        file["layers/again"] = file["layers"]
        file["layers/all"] = file["/"]
    assert len(_read(tmp_path / "g.weights.h5", FACE_GENERATOR)) == len(VALUES)


# finding the file


@pytest.mark.parametrize(
    ("there", "found"),
    [
        (["generator.h5", "generator.weights.h5", "generator.keras"], "generator.h5"),
        (["generator.weights.h5", "generator.keras"], "generator.weights.h5"),
        (["generator.keras", "README.md"], "generator.keras"),
        (["discriminator.h5"], None),
        (["g.h5", "model.keras"], None),
        (["README.md"], "generator.h5"),
        ([], "generator.h5"),
    ],
)
def test_a_folder_s_weights_are_found(there: list[str], found: str | None, tmp_path: Path) -> None:
    for name in there:
        (tmp_path / name).touch()
    if found is None:
        expected = "generator.h5, generator.weights.h5, generator.keras in this folder, found " + ", ".join(there)
        with pytest.raises(WeightsError, match=f"{expected}; name the file itself"):
            find_weights(tmp_path)
    else:
        assert find_weights(tmp_path) == tmp_path / found


def test_the_file_itself_and_the_home_folder_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "discriminator.keras").touch()
    assert find_weights(tmp_path / "mine.h5") == tmp_path / "mine.h5"
    assert find_weights(Path("~/mine.h5")) == tmp_path / "mine.h5"
    assert find_weights(Path("~/weights"), "discriminator") == tmp_path / "weights" / "discriminator.keras"
    with pytest.raises(WeightsError, match="~nobody-of-this-name: expected a file or a folder"):
        find_weights(Path("~nobody-of-this-name"))
