from tests.test_cli import run


def test_spaces_are_listed_with_sizes_sources_and_what_is_ready(monkeypatch, capsys, tmp_path):
    (tmp_path / "spaces_of_a_test.py").write_text("import not_there_for_a_test\n")
    information = tmp_path / "spaces_of_a_test-0.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Name: spaces-of-a-test\nVersion: 0.1\n")
    (information / "entry_points.txt").write_text("[cgraph.spaces]\nmine = spaces_of_a_test:Mine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    status, out, _ = run(monkeypatch, capsys, "spaces")
    assert status == 0
    out = " ".join(out.split())  # lines are folded
    for words in ("nasbench101", "423,624", "15,625", "Dong and Yang, 2020", "cgraph: ready"):
        assert words in out
    assert "mine" in out
    assert "spaces-of-a-test 0.1: " in out
    assert "No module named 'not_there_for_a_test'" in out
