import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces.nasbench201 import analog, notation
from cgraph.spaces.nasbench201.space import NASBench201

SPACE = NASBench201()


@pytest.fixture
def classes(monkeypatch):
    """Classes under the names of those of the package, for as long as a file is written."""
    module = types.ModuleType("analognasbench.data")
    for name in ("Architecture", "DriftMeasurement"):
        kind = type(name, (), {"__module__": "analognasbench.data"})
        setattr(module, name, kind)
    monkeypatch.setitem(sys.modules, "analognasbench", types.ModuleType("analognasbench"))
    monkeypatch.setitem(sys.modules, "analognasbench.data", module)
    return module


def written(path, classes, cells):
    content = {}
    for number, cell in enumerate(cells):
        content[cell] = record = classes.Architecture()
        record.architecture, record.baseline_accuracy = cell, 90.0 + number % 10
        record.analog_drift_60 = drift = classes.DriftMeasurement()
        drift.value, drift.uncertainty = 80.0 + number % 10, 0.5
    path.write_bytes(pickle.dumps(content, protocol=4))
    for name in ("analognasbench", "analognasbench.data"):
        del sys.modules[name]
    return path


def test_cells_are_read_as_naslib_writes_them(classes, tmp_path):
    # skip, none, 3x3, 1x1, pool on (0,1), (0,2), (0,3), (1,2), (1,3), (2,3)
    path = written(tmp_path / "data.anb", classes, [(0, 1, 2, 3, 4, 0), (1, 1, 2, 1, 1, 1)])
    found = SPACE.accuracies(path, "baseline_accuracy", missing="allow")
    expected = {
        "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|skip_connect~2|":
            90.0,
        "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|": 91.0,
    }  # fmt: skip
    assert found.to_dict() == expected
    drift = SPACE.accuracies(path, "analog_drift_60", missing="allow")
    assert sorted(drift) == [80.0, 81.0]
    assert "an independent retraining, not the benchmark's own" in found.attrs["join"].source
    assert "analognasbench" not in sys.modules


def test_what_the_file_has_not_is_named(classes, tmp_path):
    path = written(tmp_path / "data.anb", classes, [(0, 1, 2, 3, 4, 0)])
    with pytest.raises(UnknownNameError, match=r"got 'accuracy'"):
        SPACE.accuracies(path, "accuracy", missing="allow")
    with pytest.raises(ArgumentError, match=r"hold qat_accuracy for each cell, got .*None"):
        SPACE.accuracies(path, "qat_accuracy", missing="allow")
    with pytest.raises(ArgumentError, match=r"seed must be left out for analog-nasbench"):
        SPACE.accuracies(path, "baseline_accuracy", seed=1)


@pytest.mark.parametrize(
    ("content", "quoted"),
    [
        ([1], "a list"),
        ({(0, 1): 3}, r"six numbers below 5, got .*\(0, 1\)"),
        ({(0, 1, 2, 3, 4, 5): 3}, "six numbers below 5"),
        ({(0, 1, 2, 3, 4, 0): 3}, "hold baseline_accuracy for each cell, got .*None"),
        (np.float64(3), "ForeignClassError: numpy"),
    ],
)
def test_another_pickle_is_named(content, quoted, tmp_path):
    path = tmp_path / "data.anb"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ArgumentError, match=quoted):
        SPACE.accuracies(path, "baseline_accuracy")


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_foreign_class_does_not_run(tmp_path):
    path, mark = tmp_path / "data.anb", tmp_path / "it ran"
    path.write_bytes(pickle.dumps({(0,) * 6: Bomb(mark)}))
    with pytest.raises(ArgumentError, match=r"nothing else, got .*ForeignClassError"):
        SPACE.accuracies(path, "baseline_accuracy")
    assert not mark.exists()


def test_the_package_is_found_without_being_imported(classes, tmp_path, monkeypatch):
    package = tmp_path / "analognasbench"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemError('it was imported')")
    cells = [tuple(map(int, np.base_repr(code, 5).zfill(6))) for code in range(5**6)]
    written(package / "data.anb", classes, cells)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = SPACE.accuracies("analog-nasbench", "baseline_accuracy", architectures=range(10))
    assert found.index.tolist() == list(notation.architectures()[:10])
    assert found.attrs["join"][:3] == (10, 0, 15615)


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(analog.util, "find_spec", lambda _: None)
    with pytest.raises(ArgumentError, match=r"which is not; pip install analog-nasbench"):
        SPACE.accuracies("analog-nasbench", "baseline_accuracy")
