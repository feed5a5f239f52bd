"""A study that has run, ranked anew: by other statistics, or for another device."""

from __future__ import annotations

from collections.abc import Sequence

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.ranking.order import Ranking
from cgraph.spaces.limits import KEEPS, Limits, limits_table
from cgraph.spaces.space import Space
from cgraph.study.result import StudyResult, ranking_of, source_of
from cgraph.study.study import limits_record

_READ = "load_study(directory) reads one"


def rank_again(
    result: StudyResult,
    *,
    statistics: Sequence[str] | None = None,
    limits: Limits | None = None,
    space: Space | str | None = None,
    n_jobs: int = 1,
) -> Ranking:
    """Order of the clusters of a study under other statistics or limits; nothing is evaluated.

    Parameters
    ----------
    result : StudyResult
        The study.
    statistics : sequence of str, optional
        Which of the statistics that were evaluated count; by default those of the study.
    limits : Limits, optional
        What networks have to keep; by default what the study asked. Evaluated networks that do
        not keep them drop out, so intervals widen.
    space : Space or str, optional
        The space, or what `cgraph.spaces.resolve` reads as one, where it neither ships nor comes
        with an installed package; it has to be the one that was studied.
    n_jobs : int, default=1
        Processes that find peak memories, where limits ask for them.

    Returns
    -------
    Ranking

    Raises
    ------
    ArgumentError
        If a statistic was not evaluated, no network keeps the limits, no evaluated one does,
        or the space is not the one that was studied.
    """
    checks.instance("result", result, StudyResult, "be the result of a study", _READ)
    n_jobs = checks.workers("n_jobs", n_jobs)
    if limits is not None:
        checks.instance("limits", limits, Limits, "be Limits")
    architectures, table = result.architectures, result.statistics
    searched = None if limits is None and space is None else result.space(space)
    if limits is not None and searched is not None:
        found = limits_table(searched, limits, n_jobs=n_jobs)
        columns = [name for name in architectures if name not in found]
        architectures = architectures[columns].join(found)
        kept = architectures.loc[architectures[KEEPS]]
        table = table[table["name"].isin(kept["name"])]
        if table.empty:
            raise ArgumentError(
                "limits",
                "be kept by an evaluated network",
                f"{len(kept):,} networks that keep them and none of these evaluated",
                "run a study with these limits",
            )
        n_alike = kept.groupby(["cluster", "class"]).size().rename("weight")
        program = architectures.set_index("name")["class"]
        table = table.drop(columns="weight").assign(program=table["name"].map(program))
        table = table.join(n_alike, on=["cluster", "program"]).drop(columns="program")
    configuration = dict(result.configuration)
    if statistics is not None:
        names = checks.one_or_more("statistics", statistics, "statistic")
        configuration["statistics"] = list(names)
    if limits is not None:
        configuration["limits"] = limits_record(limits)
    source = source_of(result.directory, configuration, architectures, searched)
    return ranking_of(architectures, table, configuration, source)
