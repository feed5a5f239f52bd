import json
import re

import pandas as pd
import pytest
from torch import nn

import cgraph
from cgraph.errors import ArgumentError, CaptureError, StudyError, UnknownNameError
from cgraph.spaces.traced import TracedSpace

LAYERS = {"L": lambda: nn.Linear(6, 6), "R": nn.ReLU, "T": nn.Tanh, "I": nn.Identity}


class Words(TracedSpace):
    """Layers in a row, one for each letter of a word; a linear layer at the end."""

    name, summary, source = "words", "layers in a row", "a test"
    input_shapes = {"full": (6,)}  # noqa: RUF012

    def architectures(self):
        return ("LR", "RL", "LRLR", "LRLRLR", "LT", "TT", "LTLT", "RTRT", "LRI", "I")

    def build(self, arch, skeleton):  # noqa: ARG002
        return nn.Sequential(*[LAYERS[letter]() for letter in arch], nn.Linear(6, 4))


STUDY = cgraph.Study(
    Words(), n_clusters=3, n_sampled=2, n_draws=2, statistics=("regions", "naswot-v2")
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("study") / "words"
    stages = []
    result = STUDY.run(directory, progress=lambda *step: stages.append(step))
    return result, stages


def tables(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.glob("*.parquet"))}


def test_a_study_writes_what_it_promises(finished):
    result, _ = finished
    written = {path.name for path in result.directory.iterdir()}
    assert {
        "architectures.parquet",
        "statistics.parquet",
        "clusters.parquet",
        "study.json",
        "index.html",
        "figures",
    } <= written
    figures = {path.name for path in (result.directory / "figures").iterdir()}
    names = ("scores", "map", "operations", "odds", "statistics")
    assert figures == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    page = result.page.read_text(encoding="utf-8")
    assert page.count('src="data:image/svg+xml;base64,') == len(names)


def test_the_table_of_architectures_has_a_row_for_each(finished):
    result, _ = finished
    space = Words()
    table = pd.read_parquet(result.directory / "architectures.parquet")
    assert list(table["name"]) == list(space.architectures())
    assert table["n_parameters"].tolist() == space.sizes()["n_parameters"].tolist()
    assert table["cluster"].nunique() == table["is_medoid"].sum() == 3
    population = space.population()
    for label, counts in zip(population.vocabulary, population.usage().T, strict=True):
        assert table[f"usage:{label}"].tolist() == counts.tolist()
    # "LRI" is "LR" with an identity: one program.
    assert table["class"].iloc[8] == table["class"].iloc[0]


def test_a_network_without_rectifier_is_a_reason_and_not_a_number(finished):
    result, _ = finished
    failed = result.statistics[result.statistics["n_failures"] > 0]
    assert len(failed)
    assert failed["value"].isna().all()
    assert failed["reason"].str.len().gt(0).all()


def test_every_stage_is_reported_to_its_end(finished):
    _, stages = finished
    last = {stage: (done, total) for stage, done, total in stages}
    assert list(last) == ["graphs", "clusters", "statistics", "ranking", "figures", "page"]
    assert all(done == total for done, total in last.values())


def test_the_record_names_configuration_and_versions(finished):
    result, _ = finished
    record = json.loads((result.directory / "study.json").read_text())
    assert record["configuration"]["space"] == "words"
    assert record["configuration"]["seed"] == 0
    assert {"cgraph", "torch", "numpy", "python"} <= set(record["versions"])


def test_the_same_seed_gives_the_same_tables_for_any_number_of_workers(finished, tmp_path):
    result, _ = finished
    STUDY.run(tmp_path / "again", n_jobs=2)
    assert tables(tmp_path / "again") == tables(result.directory)


def test_a_finished_study_is_resumed_without_evaluating_again(finished, monkeypatch):
    result, _ = finished
    before = tables(result.directory)

    def refuse(draw):
        raise AssertionError(f"{draw} was evaluated again")

    monkeypatch.setattr("cgraph.statistics.evaluate.draw_statistics", refuse)
    STUDY.run(result.directory)
    assert tables(result.directory) == before


def test_a_study_that_was_stopped_goes_on_where_it_was(finished, tmp_path, monkeypatch):
    result, _ = finished
    from cgraph.statistics.evaluate import draw_statistics

    evaluated = []

    def stop_at_the_third(draw):
        if len(evaluated) == 2:
            raise KeyboardInterrupt
        evaluated.append((draw.candidate.name, draw.index))
        return draw_statistics(draw)

    monkeypatch.setattr("cgraph.statistics.evaluate.draw_statistics", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        STUDY.run(tmp_path / "stopped")

    later = []

    def count(draw):
        later.append((draw.candidate.name, draw.index))
        return draw_statistics(draw)

    monkeypatch.setattr("cgraph.statistics.evaluate.draw_statistics", count)
    STUDY.run(tmp_path / "stopped")
    assert len(evaluated) == 2
    assert not set(evaluated) & set(later)
    assert tables(tmp_path / "stopped") == tables(result.directory)


def test_a_study_reads_back_as_it_was(finished):
    result, _ = finished
    again = cgraph.load_study(result.directory)
    pd.testing.assert_frame_equal(again.ranking.table, result.ranking.table)
    assert again.ranking.members == result.ranking.members
    assert again.ranking.sample(1) == result.ranking.sample(1)


def test_a_sample_of_a_study_has_copies_and_live_sizes(finished):
    result, _ = finished
    space = Words()
    for cluster, members in enumerate(result.ranking.members):
        programs = {name: space.canonical(name) for name in members}
        n = len(set(programs.values()))
        table = result.sample(n, cluster=cluster, space=space)
        assert {programs[name] for name in table["name"]} == set(programs.values())
        assert table["n_copies"].sum() == len(members)
        assert (table["live_parameters"] <= table["n_parameters"]).all()
        assert (table["live_macs"] <= table["macs"]).all()
        medoid = result.architectures.query("is_medoid and cluster == @cluster")["name"].item()
        assert table["name"].iloc[0] == medoid


def test_accuracy_is_validated_and_changes_no_table(finished, tmp_path):
    result, _ = finished
    accuracies = pd.Series({name: 50.0 + 5 * i for i, name in enumerate(Words().architectures())})
    validated = STUDY.run(tmp_path / "validated", accuracies=accuracies)
    own = tables(tmp_path / "validated")
    assert {name: own[name] for name in tables(result.directory)} == tables(result.directory)
    table = pd.read_parquet(tmp_path / "validated" / "validation.parquet")
    chosen = table[table["choice"] == "by all statistics"].iloc[0]
    members = validated.ranking.members[validated.ranking.best]
    assert chosen["accuracy"] == pytest.approx(accuracies[list(members)].mean())
    assert (tmp_path / "validated" / "figures" / "accuracy.png").exists()


def test_the_page_needs_nothing_beside_it(finished):
    result, _ = finished
    page = result.page.read_text(encoding="utf-8")
    assert 'src="data:image/svg+xml;base64,' in page
    # The libraries name addresses (of schemas, of namespaces) but ask for none.
    markup = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    assert "http://" not in markup
    assert "https://" not in markup


def test_the_page_draws_the_programs_of_the_study(finished):
    result, _ = finished
    graphs = pd.read_parquet(result.directory / "graphs.parquet")
    assert set(graphs["class"]) == set(result.architectures["class"])
    assert len(graphs) == 9  # "LRI" is "LR"
    page = result.page.read_text(encoding="utf-8")
    assert '"drawings":{"labels":["' in page


@pytest.mark.parametrize(
    ("study", "error", "fact"),
    [
        (cgraph.Study(Words(), n_clusters=9), ArgumentError, "n_clusters"),
        (cgraph.Study(Words(), n_clusters=3, method="k-mean"), UnknownNameError, "kmeans"),
        (
            cgraph.Study(Words(), n_clusters=3, method="spectral", metric="helinger"),
            UnknownNameError,
            "hellinger",
        ),
        (cgraph.Study(Words(), n_clusters=3, statistics=("ntq",)), UnknownNameError, "ntk"),
        (cgraph.Study(Words(), n_clusters=3, part="operations"), ArgumentError, "network"),
        (cgraph.Study("nasbench21"), UnknownNameError, "nasbench201"),
    ],
    ids=["k", "method", "metric", "statistic", "part", "space"],
)
def test_options_that_do_not_fit_leave_no_directory(study, error, fact, tmp_path):
    with pytest.raises(error, match=fact):
        study.run(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_another_study_is_refused_before_any_work(finished):
    result, _ = finished
    before = tables(result.directory)
    other = cgraph.Study(Words(), n_clusters=2, statistics=("regions",))
    with pytest.raises(StudyError, match="n_clusters is 3 there and 2 here"):
        other.run(result.directory)
    assert tables(result.directory) == before


def test_accuracies_of_another_space_are_refused_before_any_work(tmp_path):
    accuracies = pd.Series({"LR": 90.0, "XY": 80.0})
    with pytest.raises(ArgumentError, match="of words, got 1 others, first 'XY'"):
        STUDY.run(tmp_path / "new", accuracies=accuracies)
    assert not (tmp_path / "new").exists()


def test_accuracies_with_gaps_count_what_is_known(finished, tmp_path):
    names = list(Words().architectures())
    known = pd.Series({name: 50.0 + i for i, name in enumerate(names) if i % 2})
    found = STUDY.run(tmp_path / "gaps", accuracies=known).validation()
    labels = finished[0].architectures["cluster"]
    assert (
        found.clusters["n_known"].tolist()
        == labels[1::2].value_counts().reindex(range(3), fill_value=0).sort_index().tolist()
    )
    assert "known for 5 of 10 networks" in repr(found)
    assert found.population_accuracy == pytest.approx(known.mean())


@pytest.mark.parametrize("name", ["n_clusters", "n_sampled", "n_draws"])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(ArgumentError, match=f"{name} must be a whole number, from 1 .* got 0"):
        cgraph.Study("nasbench201", **{name: 0})


class Faulty(TracedSpace):
    """As `Words`, and some cannot be built, or do not run."""

    name, summary, source = "faulty", "layers in a row, some of them wrong", "a test"
    input_shapes = {"full": (6,)}  # noqa: RUF012

    def architectures(self):
        return (*Words().architectures(), "odd", "wide", "none")

    def build(self, arch, skeleton):
        if arch == "odd":
            raise KeyError("no such layer")
        if arch == "wide":
            return nn.Sequential(nn.Linear(6, 7), nn.Linear(6, 4))
        return None if arch == "none" else Words().build(arch, skeleton)


@pytest.fixture
def of_faulty():
    return cgraph.Study(
        Faulty(), n_clusters=3, n_sampled=2, n_draws=2, statistics=("regions", "naswot-v2")
    )


def test_architectures_that_fail_are_named_and_can_be_left_out(of_faulty, tmp_path, finished):
    with pytest.raises(CaptureError) as failed:
        of_faulty.run(tmp_path)
    for told in ("'odd'", "no such layer", "3 of 13", "skip_failures=True", "--skip-failures"):
        assert told in str(failed.value)
    result = of_faulty.run(tmp_path, skip_failures=True)
    assert json.loads((tmp_path / "study.json").read_text())["n_failed"] == 3
    failures = pd.read_parquet(tmp_path / "failures.parquet").set_index("name")["problem"]
    assert list(failures.index) == ["odd", "wide", "none"]
    assert "module '1'" in failures["wide"]
    assert "NoneType" in failures["none"]
    columns = ["name", "class", "cluster", "n_parameters", "macs"]
    expected = finished[0].architectures[columns]
    pd.testing.assert_frame_equal(result.architectures[columns], expected)


def test_what_was_captured_is_not_captured_again(tmp_path, monkeypatch):
    from cgraph.spaces import capture

    class StopError(Exception):
        pass

    seen = []

    def stop(stage, done, total):
        seen.append((stage, done, total))
        if stage == "graphs" and done:
            raise StopError

    monkeypatch.setattr(capture, "N_IN_BATCH", 4)
    monkeypatch.setattr(Words, "batch_size", 4)
    with pytest.raises(StopError):
        STUDY.run(tmp_path, progress=stop)
    assert seen == [("graphs", 0, 10), ("graphs", 4, 10)]
    built = []
    build = Words.build
    monkeypatch.setattr(
        Words, "build", lambda self, *args: (built.append(args[0]), build(self, *args))[1]
    )
    other = cgraph.Study(Words(), n_clusters=2, n_sampled=1, n_draws=1, statistics=("regions",))
    seen.clear()
    other.run(tmp_path, progress=lambda *step: seen.append(step))
    assert seen[:3] == [("graphs", 4, 10), ("graphs", 8, 10), ("graphs", 10, 10)]
    assert set(Words().architectures()[:4]).isdisjoint(built[:6])
