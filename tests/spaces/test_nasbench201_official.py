import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nas_201_api import ArchResults, NASBench201API

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces.nasbench201.official import COLUMNS, official_runs
from cgraph.spaces.nasbench201.space import NASBench201
from tests.spaces import nasbench201_files as files

SPACE = NASBench201()
INDICES = (15624, 0, 6111)
WRITERS = {
    "old .pth": lambda folder: files.write_pth(
        folder / "NAS-Bench-201-v1_0-e61699.pth", files.whole(INDICES), is_old=True
    ),
    "new .pth": lambda folder: files.write_pth(
        folder / "NAS-Bench-201-v1_1-096897.pth", files.whole(INDICES)
    ),
    ".pickle.pbz2": lambda folder: files.write_pbz2(
        folder / "NATS-tss-v1_0-3ffb9.pickle.pbz2", files.whole(INDICES, names=("12", "200"))
    ),
    "directory": lambda folder: files.write_directory(
        folder / "NATS-tss-v1_0-3ffb9-simple", INDICES
    ),
}


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    return {name: write(folder) for name, write in WRITERS.items()}


@pytest.mark.parametrize("column", COLUMNS)
def test_accuracies_are_means_over_seeds_after_the_last_epoch(archives, column):
    dataset, images = COLUMNS[column]
    name = {"valid": "x-valid", "test": "x-test"}[images]
    if dataset.startswith("cifar10") and dataset != "cifar100" and images == "test":
        name = "ori-test"
    for epochs in (12, 200):
        found = SPACE.accuracies(archives["new .pth"], column, epochs=epochs, missing="allow")
        assert found.name == column
        assert found.index.tolist() == [SPACE.architectures()[i] for i in sorted(INDICES)]
        expected = [
            np.mean([files.accuracy(i, epochs, dataset, s, name) for s in files.SEEDS[epochs]])
            for i in sorted(INDICES)
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_longest_trainings_are_the_default_and_the_report_says_so(archives):
    found = SPACE.accuracies(archives["directory"], "cifar10_test", missing="allow")
    long = SPACE.accuracies(archives["old .pth"], "cifar10_test", epochs=200, missing="allow")
    assert found.tolist() == long.tolist()
    join = found.attrs["join"]
    assert join[:3] == (3, 15622, 0)
    assert str(join).startswith("3 of 15,625 accuracies from ")
    assert join.source.endswith("simple:cifar10_test after 200 epochs")


def test_single_seeds_can_be_asked_for(archives):
    found = SPACE.accuracies(
        archives["new .pth"], "cifar100_test", seed=888, architectures=[6111, 0]
    )
    expected = [files.accuracy(i, 200, "cifar100", 888, "x-test") for i in (6111, 0)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert "seed 888" in found.attrs["join"].source
    with pytest.raises(ArgumentError, match=r"seed must be one of 777, 888, 999, got 111"):
        SPACE.accuracies(archives["new .pth"], "cifar100_test", seed=111, missing="allow")
    short = SPACE.accuracies(
        archives["new .pth"], "cifar100_test", epochs=12, seed=111, missing="allow"
    )
    assert len(short) == 3


def test_all_archives_say_the_same_as_the_package_of_the_benchmark(archives):
    frames = [official_runs(path, None) for path in archives.values()]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])
    # Its own loading of files fails; it takes the dictionary.
    api = NASBench201API(files.whole(INDICES), verbose=False)
    pd.testing.assert_frame_equal(official_runs(api, None), frames[0])
    pd.testing.assert_frame_equal(official_runs(files.whole(INDICES), None), frames[0])
    found = SPACE.accuracies(api, "cifar10_valid", missing="allow", seed=777)
    for index in INDICES:
        info = api.get_more_info(index, "cifar10-valid", hp="200", is_random=777)
        assert found[SPACE.architectures()[index]] == info["valid-accuracy"]
        info = api.get_more_info(index, "cifar100", hp="12", is_random=False)
        own = SPACE.accuracies(api, "cifar100_test", epochs=12, architectures=[index])
        assert own.iloc[0] == info["test-accuracy"]


def test_gaps_are_refused_unless_allowed(archives):
    with pytest.raises(ArgumentError, match=r"15,625 architectures, .* without 15,622 of them"):
        SPACE.accuracies(archives["directory"], "cifar10_test")


def test_short_trainings_of_the_first_version_have_one_data_set(tmp_path):
    content = files.whole([5])
    only = files.results(5, 12, datasets=["cifar10-valid"])
    content["arch2infos"][5]["less"] = only.state_dict()
    path = files.write_pth(tmp_path / "v1_0.pth", content, is_old=True)
    assert len(SPACE.accuracies(path, "cifar10_valid", epochs=12, missing="allow")) == 1
    with pytest.raises(
        UnknownNameError,
        match=r"at 12 epochs must be one of cifar10_valid, cifar10_valid_split_test, got 'cifar1",
    ):
        SPACE.accuracies(path, "cifar100_test", epochs=12, missing="allow")


@pytest.mark.parametrize(
    ("options", "error", "quoted"),
    [
        ({"column": "cifar10"}, UnknownNameError, "got 'cifar10'; did you mean 'cifar10_"),
        ({"column": None}, UnknownNameError, "cifar100_test, imagenet16_valid, .*got None"),
        ({"epochs": 90}, ArgumentError, "epochs must be one of 12, 200, got 90"),
        ({"unit": "fraction"}, ArgumentError, "unit must be left out, or 'percent'"),
    ],
)
def test_what_an_archive_has_not_is_named(archives, options, error, quoted):
    options = {"column": "cifar10_test", "missing": "allow"} | options
    with pytest.raises(error, match=quoted):
        SPACE.accuracies(archives["directory"], **options)


class Bomb:
    """A pickle that makes a file when it is read by anyone who lets it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", [*WRITERS, "meta", "with tensors"])
def test_a_foreign_class_is_named_and_does_not_run(kind, tmp_path):
    mark = tmp_path / "it ran"
    content = files.whole([3]) | {"basestr": Bomb(mark)}
    place = tmp_path / "NATS-simple"
    match kind:
        case "old .pth" | "new .pth":
            place = files.write_pth(tmp_path / "x.pth", content, is_old=kind == "old .pth")
        case "with tensors":
            # A tensor comes first: PyTorch's own reader of plain data takes over, and stops too.
            content = {"weights": torch.ones(2), **content}
            place = files.write_pth(tmp_path / "x.pth", content)
        case ".pickle.pbz2":
            place = files.write_pbz2(tmp_path / "x.pickle.pbz2", content)
        case "directory":
            files.write_directory(place, [3])
            files.write_pbz2(place / "000007.pickle.pbz2", Bomb(mark))
        case "meta":
            files.write_directory(place, [3])
            files.write_pbz2(place / "meta.pickle.pbz2", Bomb(mark))
    with pytest.raises(ArgumentError) as error:
        SPACE.accuracies(place, "cifar10_test", missing="allow")
    assert not mark.exists()
    for words in (str(place), "asks for", "nothing of it was run", "allow_pickle=True"):
        assert words in str(error.value)
    assert "Path" in str(error.value) or "getattr" in str(error.value)
    if kind == "old .pth":  # said explicitly, it runs
        SPACE.accuracies(place, "cifar10_test", missing="allow", allow_pickle=True)
        assert mark.exists()


@pytest.mark.parametrize("is_old", [False, True])
def test_objects_of_the_package_need_to_be_allowed(is_old, tmp_path):
    content = files.whole([3])
    content["arch2infos"][3]["full"] = files.results(3, 200)
    path = files.write_pth(tmp_path / "x.pth", content, is_old=is_old)
    with pytest.raises(ArgumentError, match=r"asks for nas_201_api.api_utils.ArchResults"):
        SPACE.accuracies(path, "cifar10_test", missing="allow")
    found = SPACE.accuracies(path, "cifar10_test", missing="allow", allow_pickle=True)
    assert len(found) == 1


def test_tensors_are_read_by_pytorch(tmp_path):
    content = files.whole([3])
    for run in content["arch2infos"][3]["full"]["all_results"].values():
        run["net_state_dict"] = {"weight": torch.ones(2)}
    path = files.write_pth(tmp_path / "x.pth", content)
    assert len(SPACE.accuracies(path, "cifar10_test", missing="allow")) == 1


@given(st.floats(0, 1, exclude_max=True))
@settings(max_examples=6, deadline=None)
@pytest.mark.parametrize("kind", WRITERS)
def test_a_truncated_file_is_named(archives, tmp_path_factory, kind, share):
    whole = archives[kind]
    folder = tmp_path_factory.mktemp("cut")
    if whole.is_dir():
        place = folder / "NATS"
        place.mkdir()
        (place / "meta.pickle.pbz2").symlink_to(whole / "meta.pickle.pbz2")
        content, cut = (whole / "000000.pickle.pbz2").read_bytes(), place / "000000.pickle.pbz2"
    else:
        content = whole.read_bytes()
        place = cut = folder / whole.name
    end = int(share * len(content))
    if kind == "old .pth":
        end = min(end, len(content) - 100)  # the last bytes list tensors, of which there are none
    cut.write_bytes(content[:end])
    with pytest.raises(ArgumentError, match=r"whole file of NAS-Bench-201 or NATS-Bench") as error:
        SPACE.accuracies(place, "cifar10_test", missing="allow")
    assert str(cut) in str(error.value)


def spoiled(change):
    def write(folder):
        content = files.whole([3])
        content = change(content) or content
        return files.write_pth(folder / "x.pth", content)

    return write


def at(content):
    return content["arch2infos"][3]["full"]["all_results"]["cifar10", 888]


NOT_THE_BENCHMARK = {
    "no dictionary": (spoiled(lambda c: [c]), ["'meta_archs' and 'arch2infos'", "holds a list"]),
    "another": (spoiled(lambda _: {"state_dict": 3}), ["a dictionary with 'state_dict'"]),
    "sizes": (
        spoiled(lambda c: c.update(meta_archs=["64:64:64:64:64"])),
        ["in the official order", "'64:64:64:64:64' at 0", "at character 0"],
    ),
    "another order": (
        spoiled(lambda c: c["meta_archs"].reverse()), ["in the official order", "at 0"]
    ),
    "fewer": (spoiled(lambda c: c["meta_archs"].clear()), ["x.pth' with 0"]),
    "no results": (spoiled(lambda c: c.update(arch2infos=None)), ["'arch2infos' by architecture"]),
    "index": (
        spoiled(lambda c: c["arch2infos"].update({15625: 3})), ["from 0 to 15,624", "15625"]
    ),
    "key": (spoiled(lambda c: c["arch2infos"].update(a={})), ["number architectures", "'a'"]),
    "lengths": (
        spoiled(lambda c: c["arch2infos"][3].update({"90": {}})),
        ["12 and 200 epochs", "architecture 3' with ['90', 'full', 'less']"],
    ),
    "architecture": (
        spoiled(lambda c: c["arch2infos"].update({4: c["arch2infos"].pop(3)})),
        ["architecture 4 after 200 epochs", "ValueError: architecture '|"],
    ),
    "empty": (
        spoiled(lambda c: c["arch2infos"][3].update(full={})),
        ["architecture 3 after 200 epochs", "another: "],
    ),
    "epochs": (spoiled(lambda c: at(c).update(epochs=90)), ["a training of 90 epochs"]),
    "an epoch": (
        spoiled(lambda c: at(c)["eval_acc1es"].clear()), ["KeyError: 'ori-test@199'"]
    ),
    "no number": (
        spoiled(lambda c: at(c)["train_acc1es"].update({199: "93"})),
        ["an accuracy that is a str"],
    ),
    "data set": (
        spoiled(lambda c: c["arch2infos"][3]["full"]["dataset_seed"].update(mnist=[])), []
    ),
    "above 100": (
        spoiled(lambda c: at(c)["eval_acc1es"].update({"ori-test@199": 3000.0})),
        ["accuracies in percent, 0 to 100"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_THE_BENCHMARK)
def test_what_is_not_of_the_benchmark_is_named(case, tmp_path):
    write, quoted = NOT_THE_BENCHMARK[case]
    path = write(tmp_path)
    if not quoted:  # a data set without trainings is no matter
        assert len(SPACE.accuracies(path, "cifar10_test", missing="allow")) == 1
        return
    with pytest.raises(ArgumentError) as error:
        SPACE.accuracies(path, "cifar10_test", missing="allow")
    for words in quoted:
        assert words in str(error.value)


def test_files_that_are_not_there_are_named(tmp_path):
    for name, quoted in [
        ("none.pth", "existing file or directory, got '.*none.pth'"),
        ("none.pickle.pbz2", "existing file or directory"),
        (".", "be a directory of NATS-Bench, with meta.pickle.pbz2"),
    ]:
        with pytest.raises(ArgumentError, match=quoted):
            SPACE.accuracies(tmp_path / name, "cifar10_test")
    empty = files.write_directory(tmp_path / "empty", [])
    with pytest.raises(ArgumentError, match=r"hold 000000.pickle.pbz2, ..., got .* without any"):
        SPACE.accuracies(empty, "cifar10_test")
    files.write_pbz2(empty / "x.pickle.pbz2", {})
    with pytest.raises(ArgumentError, match=r"number architectures, got '.*x.pickle.pbz2', 'x'"):
        SPACE.accuracies(empty, "cifar10_test")
    (tmp_path / "text.pth").write_bytes(pickle.dumps("no benchmark"))
    with pytest.raises(ArgumentError, match=r"it was not written by torch.save"):
        SPACE.accuracies(tmp_path / "text.pth", "cifar10_test")


def test_what_is_no_source_is_named():
    with pytest.raises(ArgumentError, match=r"be a file or one of analog-nasbench, NAS-Bench-201"):
        SPACE.accuracies(3, "cifar10_test")
    with pytest.raises(ArgumentError, match=r"seed must be left out for a table, got 777"):
        SPACE.accuracies("table.csv", seed=777)
    with pytest.raises(UnknownNameError, match=r"missing must be one of error, allow, got 'skip'"):
        SPACE.accuracies("table.csv", missing="skip")


def test_the_package_itself_keeps_what_the_tests_write():
    state = files.infos(3)["full"]
    kept = ArchResults.create_from_state_dict(state)
    found = kept.get_metrics("cifar10", "ori-test", is_random=999)
    assert found["accuracy"] == files.accuracy(3, 200, "cifar10", 999, "ori-test")
