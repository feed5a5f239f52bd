"""The value that clustering gives: which program is in which cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.clustering.assigning import Assigner
    from cgraph.distances.plans import Certainty
    from cgraph.graphs.population import Population


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Clustering:
    """Clusters of programs, numbered from the largest.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Cluster of each program, in 0 ... k - 1; none is empty.
    medoids : ndarray of int64, shape (k,)
        The most central program of each cluster, as its position in `labels`.
    quality : mapping of str to float
        "silhouette" (mean over programs, in [-1, 1], the higher the better; absent for a single
        cluster) and what the method minimises, "inertia" or "cost".
    names : tuple of str, length n
        Name of each program.
    method, metric : str
        How they were found.
    random_state : int, optional
        The seed.
    n_distinct : int, optional
        How many of the programs the metric tells apart. The others are copies: they share the
        cluster of their original and count with it.
    parameters : mapping of str to float, optional
        What the method chose or was given: "scale" of spectral clustering.
    assigner : Assigner, optional
        What gives other programs their clusters: its `rule` says how.
    certainty : Certainty, optional
        How many of the distances behind it are proved, for a metric that may leave some open.

    Raises
    ------
    ArgumentError
        If lengths do not fit, a cluster is empty or a medoid is not in its cluster.

    Examples
    --------
    >>> clustering = Clustering([0, 0, 1], [1, 2], {}, ("a", "b", "c"), "k-means", "hellinger")
    >>> clustering
    Clustering(2 clusters of 3 programs by k-means on hellinger; sizes 2, 1)
    >>> clustering.members(0).tolist()
    [0, 1]
    """

    labels: NDArray[np.int64]
    medoids: NDArray[np.int64]
    quality: Mapping[str, float]
    names: tuple[str, ...]
    method: str
    metric: str
    random_state: int | None = None
    n_distinct: int | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    assigner: Assigner | None = None
    certainty: Certainty | None = None

    def __post_init__(self) -> None:
        put: Any = object.__setattr__
        put(self, "names", checks.texts("names", self.names))
        put(self, "medoids", checks.integers("medoids", self.medoids, (None,)))
        n, k = len(self.names), len(self.medoids)
        put(self, "labels", checks.integers("labels", self.labels, (n,), 0, k - 1))
        for name in ("labels", "medoids"):
            getattr(self, name).setflags(write=False)
        for name in ("quality", "parameters"):
            values = checks.mapping(name, getattr(self, name), "map names to numbers")
            for key, value in values.items():
                checks.number(f"{name}[{checks.came(key)}]", value)
            put(self, name, values)
        for name in ("method", "metric"):
            checks.text(name, getattr(self, name))
        if self.random_state is not None:
            checks.seed("random_state", self.random_state)
        if self.assigner is not None:
            from cgraph.clustering.assigning import Assigner

            checks.instance("assigner", self.assigner, Assigner, "be an Assigner")
        if self.n_distinct is not None:
            checks.whole("n_distinct", self.n_distinct, 0, n)
        if (self.sizes == 0).any():
            raise ArgumentError("labels", "leave no cluster empty", f"sizes {self.sizes}")
        if ((self.medoids < 0) | (self.medoids >= n)).any() or (
            self.labels[self.medoids] != np.arange(k)
        ).any():
            raise ArgumentError("medoids", "lie in their clusters", self.medoids)

    @property
    def n_clusters(self) -> int:
        """Number of clusters, k."""
        return len(self.medoids)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of programs in each cluster, shape (k,)."""
        return np.bincount(self.labels, minlength=len(self.medoids))

    def members(self, cluster: int) -> NDArray[np.int64]:
        """Positions of the programs of a cluster, ascending.

        Raises
        ------
        ArgumentError
            If there is no such cluster.
        """
        cluster = checks.whole("cluster", cluster, 0, self.n_clusters - 1)
        return np.flatnonzero(self.labels == cluster)

    def assign(self, population: Population | ArrayLike) -> NDArray[np.int64]:
        """Clusters of programs that were not clustered, by the same distance.

        Parameters
        ----------
        population : Population or array-like
            The programs, as what was clustered: graphs of the same part of their space, or counts
            or features of as many columns.

        Returns
        -------
        ndarray of int64, shape (n,)
            The programs that were clustered get their own labels, and others the cluster of the
            nearest centre (k-means), of the nearest medoid (k-medoids), or of the nearest centre
            among eigenvectors that the random walk to the programs, or to the landmarks, extends
            to them (spectral). ``assigner.rule`` says which, and ``assigner.share`` the share of
            the clustered programs to which it gives their own labels: all but a few near the
            border of two spectral clusters.

        Raises
        ------
        ArgumentError
            If the programs are not of the kind that was clustered, or the clustering does not
            know them: it was made from a matrix of distances, or by hand.

        Examples
        --------
        >>> import cgraph
        >>> found = cgraph.cluster([[4, 0], [0, 3], [8, 0], [7, 1]], n_clusters=2)
        >>> found.assign([[0, 5], [9, 1]]).tolist(), found.assigner.rule
        ([1, 0], 'nearest centre')
        """
        if self.assigner is None:
            raise ArgumentError(
                "clustering",
                "know the programs that it was made of",
                "one from a matrix of distances, or made by hand",
                "cluster a Population, or an array of counts or features",
            )
        return self.assigner.labels(population)

    def to_frame(self) -> pd.DataFrame:
        """A table with a row for each program: "name", "cluster", "is_medoid"."""
        import pandas as pd

        is_medoid = np.zeros(len(self.labels), dtype=bool)
        is_medoid[self.medoids] = True
        return pd.DataFrame({"name": self.names, "cluster": self.labels, "is_medoid": is_medoid})

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{size:,}" for size in self.sizes[:8])
        more = ", ..." if self.n_clusters > 8 else ""
        silhouette = self.quality.get("silhouette")
        quality = "" if silhouette is None else f"; silhouette {silhouette:.3f}"
        return (
            f"Clustering({self.n_clusters} cluster{'s' if self.n_clusters != 1 else ''} of "
            f"{len(self):,} programs by {self.method} on {self.metric}; sizes {sizes}{more}"
            f"{quality})"
        )
