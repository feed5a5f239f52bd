from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    if not DATA.is_dir():
        pytest.skip("reference tables ../shared/data absent")
    return DATA


@pytest.fixture(scope="session")
def accuracy_table(shared_data):
    return pd.read_parquet(shared_data / "nasbench201_accuracy.parquet")
