from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def sample():
    path = DATA / "nasbench101_sample.parquet"
    if not path.exists():
        pytest.skip("reference table ../shared/data/nasbench101_sample.parquet absent")
    return pd.read_parquet(path)


@pytest.fixture(scope="session")
def sample_codes(sample):
    import numpy as np

    from cgraph.spaces.nasbench101 import cells

    rows = zip(sample["adjacency"], sample["ops"], strict=True)
    return np.array([cells.encode(cells.from_strings(*row)) for row in rows], dtype=np.uint32)
