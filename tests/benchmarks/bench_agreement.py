"""How far the statistics order NAS-Bench-201 as trained accuracy does, beside published values.

    python tests/benchmarks/bench_agreement.py ACCURACIES.parquet --store draws.sqlite

ACCURACIES has a row for each cell ("index" or "arch") and a column for each data set. Cells are
drawn at random among those that read their input, each program once; one draw of each. With
`--scores FILE` (a column "naswot_v1", the authors' own scores, by "index"), NASWOT v1 is compared
with them on cells drawn without regard to programs, on Gaussian noise and on crops of photographs.
Evaluations are kept in the store: a run that was stopped goes on where it was. `--stored` takes
what the store has and evaluates nothing.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import Progress

from cgraph import evaluate, spaces
from cgraph.ranking.tau import accuracy_tau
from cgraph.report.style import FAINT, INK, figure_style, new_figure, shades
from cgraph.statistics.agreement import agreement
from cgraph.statistics.methods import resolve
from cgraph.statistics.store import DrawStore

COLUMNS = {
    "cifar10_test": "CIFAR-10",
    "cifar100_test": "CIFAR-100",
    "imagenet16_test": "ImageNet16-120",
}
STAGES = (  # one after another, the cheap first
    ("params", "layers", "macs", "regions"),
    ("naswot-v2@zen-nas",),
    ("synflow", "zen", "meco", "swap"),
    ("ntk@te-nas-code", "naswot-v1@zero-cost-nas"),
    ("grad-norm", "snip", "fisher"),
    ("zico", "grasp"),
)
VKDNW = "VKDNW, CVPR 2025, table 1"
PUBLISHED = {  # Kendall's tau with CIFAR-10, CIFAR-100, ImageNet16-120, turned to higher is better
    "macs": ((0.623, 0.586, 0.545), VKDNW),
    "layers": ((0.626, 0.646, 0.623), VKDNW),
    "naswot-v1": ((0.616, 0.639, 0.602), VKDNW),
    "naswot-v2": ((0.571, 0.607, 0.605), VKDNW),
    "ntk": ((None, 0.42, None), "TE-NAS, figure 1"),
    "regions": ((None, 0.50, None), "TE-NAS, figure 3"),
    "synflow": ((0.561, 0.553, 0.531), VKDNW),
    "zico": ((0.607, 0.614, 0.587), VKDNW),
}
OFFICIAL = "naswot-v1@official"


def drawn(space, seed=0):
    """Indices of the cells that read their input, in random order."""
    return np.random.default_rng(seed).permutation(np.flatnonzero(~space.ignores_input()))


def distinct(space, order):
    """The same, each program once."""
    _, first = np.unique(space.programs()[order], return_index=True)
    return order[np.sort(first)]


def evaluated(space, cells, statistics, store, *, inputs="gaussian", is_stored=False):
    """One draw of statistics of cells; with `is_stored`, of those that the store has."""
    candidates = space.candidates([space.architectures()[i] for i in cells])
    if is_stored:
        # As far as it has them in order, so that they are a random sample still.
        wanted = {resolve(name, space.input_shapes).name for name in statistics}
        with DrawStore(store) as opened:
            finished = [
                wanted <= {protocol for protocol, _, _ in opened.read(c.program, inputs, 0)}
                for c in candidates
            ]
        candidates = candidates[: [*finished, False].index(False)]
    if not candidates:
        return pd.DataFrame()
    with Progress() as bars:
        task = bars.add_task(", ".join(statistics), total=None)
        return evaluate(
            candidates, statistics, inputs=inputs, n_draws=1, store=store,
            progress=lambda done, total: bars.update(task, completed=done, total=total),
        )  # fmt: skip


def correlations(table, accuracies, n_bootstrap):
    """Tau-b of each protocol with each data set, and what was published."""
    parts = []
    for k, (column, series) in enumerate(accuracies.items()):
        found = accuracy_tau(table, series, n_bootstrap=n_bootstrap)
        found = found[found["protocol"] != "all together"].assign(data_set=COLUMNS[column])
        values = [PUBLISHED.get(p.partition("@")[0]) for p in found["protocol"]]
        found["published"] = [np.nan if v is None or v[0][k] is None else v[0][k] for v in values]
        found["source"] = ["" if v is None or v[0][k] is None else v[1] for v in values]
        parts.append(found)
    names = ["protocol", "data_set", "n", "tau", "tau_low", "tau_high", "published", "source"]
    return pd.concat(parts)[names]


def draw(found):
    """Tau-b with its interval, a column for each data set; diamonds are published values."""
    protocols = list(dict.fromkeys(found["protocol"]))
    sets = list(dict.fromkeys(found["data_set"]))
    with figure_style():
        figure, axes = new_figure(0.8 + 0.26 * len(protocols), len(sets), share_y=True)
        for ax, name, colour in zip(axes, sets, shades(len(sets)), strict=True):
            own = found[found["data_set"] == name].set_index("protocol").loc[protocols]
            y = np.arange(len(protocols))
            reach = np.abs(own[["tau_low", "tau_high"]].to_numpy().T - own["tau"].to_numpy())
            ax.errorbar(own["tau"], y, xerr=reach, fmt="o", color=colour, ms=4, ecolor=INK,
                        elinewidth=0.9, capsize=1.5, mec=INK, mew=0.4)  # fmt: skip
            ax.plot(own["published"], y, "D", mfc="none", mec=FAINT, ms=5)
            ax.axvline(0, color=INK, linewidth=0.8)
            ax.set_title(name)
            ax.set_yticks(y, protocols)
            ax.set_ylim(len(protocols) - 0.5, -0.5)
            ax.grid(axis="x", linewidth=0.4, alpha=0.5)
        figure.supxlabel("Kendall's tau-b with test accuracy, 95 % interval; diamonds: published",
                         fontsize=9)  # fmt: skip
        return figure


def against_the_authors(space, cells, scores, accuracy, store, n_bootstrap, **options):
    """Tau-b between our NASWOT v1 and the authors' on the same cells, and of each with accuracy."""
    names = space.architectures()
    theirs = pd.Series({names[i]: float(scores[i]) for i in cells}).dropna()
    rows = []
    values = {}
    for inputs in ("gaussian", "crops"):
        table = evaluated(space, cells, [OFFICIAL], store, inputs=inputs, **options)
        if not len(table):
            continue
        table = table[table["name"].isin(theirs.index)]
        values[inputs] = table.set_index("name")["value"].dropna()
        for what, series in {"the authors' scores": theirs, "CIFAR-10": accuracy}.items():
            if what != "CIFAR-10":
                # They have no score of some cells; accuracy_tau() asks for every one.
                series = series.loc[table["name"]]
            rows.append((f"ours, {inputs}", what, accuracy_tau(
                table, series, n_bootstrap=n_bootstrap).iloc[0]))  # fmt: skip
        shared = theirs.loc[values[inputs].index]
        frame = pd.DataFrame({"name": shared.index, "statistic": "authors", "direction": 1,
                              "protocol": "authors", "value": shared.to_numpy(),
                              "standard_error": 0.0})  # fmt: skip
        rows.append(("the authors'", f"CIFAR-10, the cells of {inputs}", accuracy_tau(
            frame, accuracy, n_bootstrap=n_bootstrap).iloc[0]))  # fmt: skip
        if inputs == "crops":
            rows.append(("ours, crops", "ours, gaussian", accuracy_tau(
                table, values["gaussian"], n_bootstrap=n_bootstrap).iloc[0]))  # fmt: skip
    print("\nNASWOT v1, official protocol, Kendall's tau-b with 95 % interval")
    for a, b, row in rows:
        print(f"  {a:<16} {b:<32} {row.tau:+.3f} ({row.tau_low:+.3f}, {row.tau_high:+.3f})"
              f"  n = {row.n}")  # fmt: skip
    return rows


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accuracies", type=Path)
    parser.add_argument("--store", type=Path, default=Path("draws.sqlite"))
    parser.add_argument("--cells", type=int, default=1000, help="distinct programs")
    parser.add_argument("--stages", type=int, default=len(STAGES), help="how many of them")
    parser.add_argument("--scores", type=Path, help="the authors' scores of NASWOT v1")
    parser.add_argument("--official", type=int, default=500, help="cells compared with them")
    parser.add_argument("--bootstrap", type=int, default=1000)
    parser.add_argument("--stored", action="store_true", help="evaluate nothing new")
    parser.add_argument("--out", type=Path, help="folder for agreement.csv and agreement.png")
    options = parser.parse_args(arguments)
    space = spaces.get("nasbench201")
    order = drawn(space)
    chosen = distinct(space, order)[: options.cells]
    tables = [
        evaluated(space, chosen, stage, options.store, is_stored=options.stored)
        for stage in STAGES[: options.stages]
    ]
    table = pd.concat(tables)
    accuracies = {c: space.accuracies(options.accuracies, c) for c in COLUMNS}
    found = correlations(table, accuracies, options.bootstrap)
    shown = found.sort_values(["data_set", "tau"], ascending=[True, False])
    print(shown.round(3).to_string(index=False))
    print("\nfailures:", table[table["value"].isna()].groupby("protocol").size().to_dict())
    print("\namong themselves, given parameters")
    print(agreement(table, ["params"]).round(3).to_string(index=False))
    with DrawStore(options.store) as store:
        seconds = store.seconds()
    print({name: round(total) for name, total in seconds.items()}, "seconds")
    if options.scores:
        scores = pd.read_parquet(options.scores).set_index("index")["naswot_v1"]
        cells = order[: options.official]
        against_the_authors(space, cells, scores, accuracies["cifar10_test"], options.store,
                            options.bootstrap, is_stored=options.stored)  # fmt: skip
    if options.out:
        found.to_csv(options.out / "agreement.csv", index=False)
        draw(found).savefig(options.out / "agreement.png", dpi=150)
    return found


if __name__ == "__main__":
    main()
