"""What a notebook shows of a ranking."""

from xml.etree import ElementTree

import pandas as pd

from cgraph.ranking.order import Ranking


def test_the_clusters_stand_in_order_with_their_intervals():
    table = pd.DataFrame(
        {
            "rank": pd.array([1, None], dtype="Int64"),
            "cluster": [4, 2],
            "n_members": [1234, 5],
            "n_evaluated": [3, 0],
            "score": [-0.5, float("nan")],
            "score_low": [-0.625, float("nan")],
            "score_high": [-0.25, float("nan")],
            "p_best": [1.0, 0.0],
            "tied_with_best": [True, False],
            "ntk@full": [12.5, float("nan")],
        }
    )
    ranking = Ranking(table, pd.DataFrame(), ("ntk@full",), ((), (), (), (), ()))
    page = ElementTree.fromstring(ranking._repr_html_())
    rows = [[cell.text for cell in row] for row in page.iter("tr")]
    assert rows[0][-1] == "ntk@full"
    assert rows[1] == ["1=", "4", "1,234", "3", "-0.500", "-0.62 … -0.25", "1.00", "12.5"]
    assert rows[2] == ["–", "2", "5", "0", "–", "–", "0.00", "–"]
