import pandas as pd

from cgraph.commands.result import print_failures


def statistics(*rows):
    return pd.DataFrame(rows, columns=["name", "protocol", "value", "reason"])


def test_what_has_no_value_says_why_and_for_how_many(capsys):
    table = statistics(
        ("a", "ntk@full", None, "the matrix is singular"),
        ("b", "ntk@full", None, "the matrix is singular"),
        ("c", "ntk@full", 2.5, None),
        ("c", "regions@full", None, "no ReLU was run"),
    )
    print_failures(table.astype({"value": float}))
    assert capsys.readouterr().out.splitlines() == [
        "Without a value, and counted as last:",
        "  ntk@full, 2 of 3 networks: the matrix is singular",
        "  regions@full, 1 of 1 networks: no ReLU was run",
    ]


def test_nothing_is_said_where_every_value_is_there(capsys):
    print_failures(statistics(("a", "ntk@full", 2.5, None)))
    assert capsys.readouterr().out == ""
