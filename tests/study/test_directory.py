import pandas as pd
import pytest

from cgraph.errors import StudyError
from cgraph.study import directory as files

CONFIGURATION = {"space": "nasbench201", "n_clusters": 8, "statistics": ["ntk"]}


def snapshot(path):
    return {p.name: p.read_bytes() for p in path.iterdir()} if path.exists() else None


def test_a_new_directory_is_claimed(tmp_path):
    target = tmp_path / "deep" / "study"
    files.claim(target, CONFIGURATION, {"versions": {"python": "3"}})
    assert files.read_configuration(target)["configuration"] == CONFIGURATION


def test_claiming_again_changes_nothing(tmp_path):
    files.claim(tmp_path, CONFIGURATION, {"versions": {"python": "3"}})
    before = snapshot(tmp_path)
    files.claim(tmp_path, CONFIGURATION, {"versions": {"python": "4"}})
    assert snapshot(tmp_path) == before


def test_another_study_is_refused_and_untouched(tmp_path):
    files.claim(tmp_path, CONFIGURATION, {})
    before = snapshot(tmp_path)
    with pytest.raises(StudyError, match="n_clusters is 8 there and 5 here"):
        files.claim(tmp_path, {**CONFIGURATION, "n_clusters": 5}, {})
    assert snapshot(tmp_path) == before


def test_a_directory_with_other_files_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(StudyError, match=r"thesis\.tex"):
        files.claim(tmp_path, CONFIGURATION, {})
    assert snapshot(tmp_path) == {"thesis.tex": b"precious"}


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path):
    path = tmp_path / "study"
    path.write_text("")
    with pytest.raises(StudyError, match="is a file"):
        files.claim(path, CONFIGURATION, {})


def test_checking_writes_nothing(tmp_path):
    files.check_claim(tmp_path / "study", CONFIGURATION)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"configuration": 3}'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / files.CONFIGURATION).write_text(text)
    with pytest.raises(StudyError, match=r"be the record of a study, got .*study\.json"):
        files.read_configuration(tmp_path)


def test_an_unfinished_study_says_how_to_go_on(tmp_path):
    files.claim(tmp_path, CONFIGURATION, {})
    with pytest.raises(StudyError, match="run it again with the same options"):
        files.read_table(tmp_path, files.CLUSTERS)


def test_tables_read_back_equal(tmp_path):
    table = pd.DataFrame({"name": ["a", "b"], "value": [1.5, None]})
    files.write_table(tmp_path, "table.parquet", table)
    pd.testing.assert_frame_equal(files.read_table(tmp_path, "table.parquet"), table)
