from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def accuracy_table():
    path = DATA / "nasbench201_accuracy.parquet"
    if not path.exists():
        pytest.skip("reference table ../shared/data/nasbench201_accuracy.parquet absent")
    return pd.read_parquet(path)
