import pickle

import pytest

from cgraph import errors

EXAMPLES = {
    errors.ArgumentError("k", "be above 0", -1, "use 1"): (
        ValueError,
        "k must be above 0, got -1; use 1",
    ),
    errors.GraphError("edges", "be free of cycles", "a loop"): (
        ValueError,
        "edges must be free of cycles, got a loop",
    ),
    errors.ArchitectureError("architecture", "have three nodes", "two"): (
        ValueError,
        "architecture must have three nodes, got two",
    ),
    errors.UnknownNameError("metric", "edt", ["edit", "kl"]): (
        LookupError,
        "metric must be one of edit, kl, got 'edt'; did you mean 'edit'?",
    ),
    errors.UnknownNameError("metric", "zzz", ["edit"]): (
        LookupError,
        "metric must be one of edit, got 'zzz'",
    ),
    errors.TraceError("block.conv", "no shape", "pass inputs"): (
        RuntimeError,
        "could not capture module 'block.conv': no shape; pass inputs",
    ),
    errors.TraceError("", "no shape"): (RuntimeError, "could not capture the model: no shape"),
    errors.MissingPackageError("onnx", "an ONNX file", "onnx"): (
        ImportError,
        "an ONNX file needs onnx, which is not installed; pip install 'cgraph[onnx]'",
    ),
    errors.StudyError("another study"): (RuntimeError, "another study"),
    errors.CaptureError("words", [("ab", "no such layer")], 4): (
        RuntimeError,
        "words: architecture 'ab' cannot be captured: no such layer; mend its build, or leave such "
        "out with capture(skip_failures=True), --skip-failures on the command line",
    ),
    errors.WorkerKilledError(): (
        RuntimeError,
        "a worker process was killed, perhaps for its memory; fewer workers need less, and "
        "n_jobs=1 computes in this process",
    ),
    errors.WriteError("a.csv", OSError("no space")): (
        OSError,
        "'a.csv' cannot be written: no space; what was there is unchanged, and the same call goes "
        "on once it can",
    ),
}


@pytest.mark.parametrize("error", list(EXAMPLES), ids=lambda error: type(error).__name__)
class TestErrors:
    def test_message(self, error):
        assert str(error) == EXAMPLES[error][1]

    def test_caught_as_its_base_and_as_the_built_in(self, error):
        assert isinstance(error, errors.CGraphError)
        assert isinstance(error, EXAMPLES[error][0])

    def test_crosses_processes(self, error):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert repr(vars(again)) == repr(vars(error))  # a cause is equal to itself alone


def test_every_error_is_tried():
    tried = {type(error) for error in EXAMPLES}
    written = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.CGraphError)
    }
    assert written - {errors.CGraphError} == tried


def test_facts_are_attributes():
    error = errors.ArgumentError("k", "be above 0", -1, "use 1")
    assert (error.argument, error.must, error.got, error.hint) == ("k", "be above 0", -1, "use 1")
    error = errors.UnknownNameError("metric", "edt", ["edit", "kl"])
    assert (error.family, error.name, error.known, error.near) == (
        "metric",
        "edt",
        ("edit", "kl"),
        ("edit",),
    )


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "error",
    [
        errors.ArgumentError("k", "be above 0", LONG),
        errors.ArgumentError(LONG, "be above 0", LONG.encode()),
        errors.ArgumentError("k", "be above 0", list(LONG)),
        errors.UnknownNameError("metric", LONG, ["edit", "kl"]),
        errors.TraceError(LONG, "no shape"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_came_is_repeated_in_part(error):
    assert len(str(error)) < 500


def test_both_ends_of_what_came_are_kept():
    text = str(errors.ArgumentError("path", "be a table", f"'/home/{LONG}/a.csv': row 7"))
    assert text.startswith("path must be a table, got '/home/xxx")
    assert text.endswith("xxx/a.csv': row 7")


def test_a_message_is_one_line_that_no_terminal_obeys():
    text = str(errors.ArgumentError("name", "be a word", "a\x1b[2J\x07\r\n\u202eb"))
    assert text == "name must be a word, got a\\x1b[2J\\x07 \\u202eb"
