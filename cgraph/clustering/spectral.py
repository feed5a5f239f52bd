"""Spectral clustering from any distance, computed on points that weigh several programs.

The graph joins every two programs i != j by the affinity exp(-(d_ij / scale)^2); copies are
programs of their own, at distance 0. Its normalised adjacency D^(-1/2) A D^(-1/2) maps vectors
that are constant on copies to such vectors, where it acts on the a points as

    M_ab = (sqrt(w_a) exp(-(d_ab / scale)^2) sqrt(w_b) - [a = b] u_a) / sqrt(D_a D_b),
    D_a  = sum over b of w_b exp(-(d_ab / scale)^2) - u_a,

with w the weights and u the weight of one program (1 without weights). All other eigenvalues,
-u_a / D_a, are negative. The leading eigenvectors v of M give those of all programs as
v_a / sqrt(w_a): the same subspace as from the n x n matrix, at the price of the a x a one.
The clusters are those of k-means on v_a / sqrt(w_a D_a), as in scikit-learn (Shi and Malik,
"Normalized cuts and image segmentation", 2000; von Luxburg, "A tutorial on spectral clustering",
2007).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cgraph.clustering.grouping import Grouping, settle
from cgraph.clustering.kmeans import weighted_k_means
from cgraph.clustering.points import Points
from cgraph.distances._compile import compiled
from cgraph.distances.plans import Floats

SCALE_OVER_MEDIAN = 0.6
"""The scale by default, as a part of the median positive distance between programs."""

LEAST_EIGENVALUE = 1e-3
"""Eigenvectors of smaller eigenvalues are extended to other programs as if they had this one."""

DENSE = 1200  # points up to which all of the spectrum is cheaper than some of it


def spectral(points: Points, n_clusters: int, random_state: int, scale: float) -> Grouping:
    """Clusters of weighted points by the leading eigenvectors of their affinity.

    Parameters
    ----------
    points : Points
        With distances.
    n_clusters : int
        k, at most the number of points.
    random_state : int
        Seed of the starts of k-means.
    scale : float
        The distance at which the affinity has fallen to exp(-1).

    Returns
    -------
    Grouping
        With centres among the eigenvectors, and the steps that extend these to other programs.
    """
    embedding, eigenvalues = walk_of(points, n_clusters, scale)
    labels = weighted_k_means(embedding, points.weights, n_clusters, random_state)
    found = settle(embedding, points.weights, labels, n_clusters)
    return replace(found, steps=embedding / np.maximum(eigenvalues, LEAST_EIGENVALUE))


def spectral_embedding(points: Points, n_components: int, scale: float) -> NDArray[np.float64]:
    """Leading eigenvectors of the random walk on the programs, at the points.

    Parameters
    ----------
    points : Points
        With distances.
    n_components : int
        How many, at most the number of points; the first is constant on each component.
    scale : float
        The distance at which the affinity has fallen to exp(-1).

    Returns
    -------
    ndarray of float64, shape (a, n_components)
        Entry of a program in each eigenvector of I - L, L the normalised Laplacian, over the root
        of its degree. Row ``points.index[i]`` belongs to program i.
    """
    return walk_of(points, n_components, scale)[0]


def walk_of(
    points: Points, n_components: int, scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`spectral_embedding`, and the eigenvalue of each of its columns, shape (n_components,)."""
    own, root = points.own_weights, np.sqrt(points.weights)
    operator = np.empty((len(points), len(points)))
    degree = np.empty(len(points))
    for rows, distances in points.blocks():
        affinity = np.exp(-np.square(distances / scale))
        degree[rows] = affinity @ points.weights - own[rows]
        operator[rows] = affinity * root
    operator *= root[:, None]
    diagonal = np.arange(len(points))
    operator[diagonal, diagonal] = points.weights - own
    is_alone = degree <= 0  # the affinity to all others is 0: a component of its own
    degree[is_alone] = 1.0
    operator[diagonal[is_alone], diagonal[is_alone]] = 1.0
    operator /= np.sqrt(degree)
    operator /= np.sqrt(degree)[:, None]
    vectors = leading_eigenvectors(operator, n_components)
    embedding: NDArray[np.float64] = vectors / (root * np.sqrt(degree))[:, None]
    return embedding, np.einsum("ik,ij,jk->k", vectors, operator, vectors, optimize=True)


def leading_eigenvectors(operator: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Eigenvectors of the k largest eigenvalues of a symmetric matrix, the largest first.

    Returns
    -------
    ndarray of float64, shape (a, k)
        Orthonormal. The entry of largest magnitude of each is positive.
    """
    from scipy.linalg import eigh
    from scipy.sparse.linalg import eigsh

    n = len(operator)
    if n <= max(DENSE, 2 * k):
        _, vectors = eigh(operator, subset_by_index=[n - k, n - 1])
    else:
        start = np.random.default_rng(0).standard_normal(n)
        values, vectors = eigsh(operator, k, which="LA", v0=start, ncv=2 * k + 20)
        vectors = vectors[:, np.argsort(values)]
    vectors = vectors[:, ::-1]
    largest = np.argmax(np.round(np.abs(vectors), 8), axis=0)
    signs = np.sign(vectors[largest, np.arange(k)])
    oriented: NDArray[np.float64] = np.ascontiguousarray(vectors * signs)
    return oriented


def default_scale(points: Points) -> float:
    """`SCALE_OVER_MEDIAN` times the median of the positive distances between programs.

    The median is over pairs of programs, weighted: copies count. Where an even number of pairs
    leaves two candidates it is the lower one. 1 where no distance is positive.
    """
    assert points.distances is not None
    median = weighted_median(np.ascontiguousarray(points.distances), points.weights)
    return SCALE_OVER_MEDIAN * median if median > 0 else 1.0


@compiled
def weighted_median(distances: Floats, weights: NDArray[np.float64]) -> float:
    """Lower median of the positive entries, entry (a, b) weighing w_a w_b; 0 without entries.

    Positive doubles are ordered as the integers their bits spell: the median is found 16 bits at a
    time, by four histograms.
    """
    n = distances.shape[0]
    prefix, below = np.int64(0), 0.0
    half = -1.0
    for step in range(4):
        shift = np.int64(48 - 16 * step)
        histogram = np.zeros(1 << 16)
        for a in range(n):
            row = distances[a]
            for b in range(a + 1, n):
                bits = np.float64(row[b]).view(np.int64)
                if bits > 0 and (step == 0 or bits >> (shift + 16) == prefix):
                    histogram[(bits >> shift) & 0xFFFF] += weights[a] * weights[b]
        if step == 0:
            half = histogram.sum() / 2
            if half == 0:
                return 0.0
        digit = 0
        while digit < 0xFFFF and (
            histogram[digit] == 0 or below + histogram[digit] < half * (1 - 1e-12)
        ):
            below += histogram[digit]
            digit += 1
        prefix = (prefix << 16) | np.int64(digit)
    return float(np.int64(prefix).view(np.float64))
