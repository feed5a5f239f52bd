"""Statistics and accuracies of made-up networks, for what holds them against each other."""

import numpy as np
import pandas as pd


def judged_networks(n=60, seed=0, n_failed=3):
    """(table, accuracies, sizes): a good, a noisy and a coarse statistic of n networks."""
    rng = np.random.default_rng(seed)
    names = [f"network {i}" for i in range(n)]
    quality = rng.normal(size=n)
    columns = {
        ("good", "good@1", 1): quality,
        ("noisy", "noisy@1", -1): -quality + 3 * rng.normal(size=n),
        ("coarse", "coarse@1", 1): np.round(quality + rng.normal(size=n)),
    }
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "name": names,
                    "statistic": statistic,
                    "protocol": protocol,
                    "direction": direction,
                    "value": values,
                    "standard_error": 0.0,
                }
            )
            for (statistic, protocol, direction), values in columns.items()
        ],
        ignore_index=True,
    )
    failed = rng.choice(n, n_failed, replace=False)
    table.loc[n + failed, "value"] = np.nan
    accuracies = pd.Series(90 + quality, index=names)
    sizes = pd.Series(rng.integers(1_000, 9_000, n), index=names)
    return table, accuracies, sizes
