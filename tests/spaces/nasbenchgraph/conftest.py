from dataclasses import replace

import pytest

from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS


@pytest.fixture(scope="package", params=["cora", "cs", "proteins"])
def small(request):
    """The networks of a data set on a graph of 30 nodes, narrow."""
    record = replace(
        DATA_SETS[request.param],
        name=f"small {request.param}",
        n_nodes=30,
        n_edges=70,
        n_features=17,
        n_classes=5,
        channels=8,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATA_SETS._records, record.name, record)
        yield record
