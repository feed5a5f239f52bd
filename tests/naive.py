"""Slow, obvious answers that the fast ones are held against."""

import math
from contextlib import suppress
from itertools import permutations, product

import networkx as nx
import numpy as np

from cgraph.errors import ArchitectureError

# NAS-Bench-101


def nasbench101_cells(max_vertices, max_edges=9):
    """Cells as the benchmark's own script lists them: the first of each module hash."""
    from cgraph.spaces.nasbench101 import cells
    from cgraph.spaces.nasbench101.hashing import module_hash

    found = {}
    for n in range(2, max_vertices + 1):
        for edges in range(2 ** (n * (n - 1) // 2)):
            if edges.bit_count() > max_edges:
                continue
            for operations in product(range(3), repeat=n - 2):
                try:
                    cell = cells.Cell(operations, edges)
                except ArchitectureError:
                    break
                found.setdefault(module_hash(cell), cell)
    return list(found.values())


def nasbench101_renumberings(cell):
    """Every way to number the vertices of a cell of NAS-Bench-101."""
    from cgraph.spaces.nasbench101 import cells

    n = cell.n_vertices
    for order in permutations(range(1, n - 1)):
        order = [0, *order, n - 1]
        matrix = cell.matrix[np.ix_(order, order)]
        if not np.tril(matrix).any():
            names = [cells.OPERATIONS[cell.operations[v - 1]] for v in order[1:-1]]
            yield cells.from_matrix(matrix, names)


def nasbench101_neighbours(cell):
    """Module hashes of the cells one step from a cell, over every numbering of its vertices."""
    from cgraph.spaces.nasbench101 import cells
    from cgraph.spaces.nasbench101.hashing import module_hash

    found = set()

    def note(matrix, operations):
        with suppress(ArchitectureError):  # no way through, or too large
            found.add(module_hash(cells.from_matrix(matrix, operations)))

    for one in nasbench101_renumberings(cell):
        n, names = one.n_vertices, [cells.OPERATIONS[k] for k in one.operations]
        for place, name in product(range(n - 2), cells.OPERATIONS):
            note(one.matrix, [*names[:place], name, *names[place + 1 :]])
        for x in range(n):
            for y in range(x + 1, n):
                flipped = one.matrix
                flipped[x, y] ^= 1
                note(flipped, names)
        for place in range(1, n):  # where a new vertex comes
            for x, y, name in product(range(place), range(place + 1, n + 1), cells.OPERATIONS):
                larger = np.insert(np.insert(one.matrix, place, 0, axis=0), place, 0, axis=1)
                larger[x, place] = larger[place, y] = 1
                note(larger, [*names[: place - 1], name, *names[place - 1 :]])
    return found - {module_hash(cell)}


# Memory over time


def every_schedule(graph, count_io):
    """Every order in which each kernel sees the values it saw when traced, and its peak."""
    n = len(graph.kernels)

    def storage(m):
        while graph.memories[m].base is not None:
            m = graph.memories[m].base
        return m

    reads = [{m for m, k in graph.reads.tolist() if k == i} for i in range(n)]
    writes = [{m for k, m in graph.writes.tolist() if k == i} for i in range(n)]
    touched = [{storage(m) for m in reads[k] | writes[k]} for k in range(n)]
    changed = [
        {storage(m) for m in writes[k] if graph.memories[m].alias == "version"} for k in range(n)
    ]
    written = set().union(*writes)
    given = {m for m in range(len(graph.memories)) if m not in written}
    returned = {storage(m) for m in graph.outputs}

    def seen(k, before):
        """The kernels before k that changed each storage k touches."""
        return {s: {j for j in before if s in changed[j]} for s in touched[k]}

    def size(s):
        is_io = graph.memories[s].kind == "input" or s in returned
        is_stored = graph.memories[s].kind in ("parameter", "buffer", "constant")
        return 0 if is_stored or (is_io and not count_io) else graph.memories[s].bytes

    def held(order, k):
        """Bytes there while k runs: made by now, and returned or needed by k or later."""
        made = {s for s in given if storage(s) == s}.union(touched[k], *(touched[j] for j in order))
        needed = returned.union(*(touched[j] for j in range(n) if j not in order))
        return sum(size(s) for s in made & needed)

    traced = [seen(k, range(k)) for k in range(n)]

    def extend(order, peak):
        if len(order) == n:
            yield tuple(order), peak
        there = given.union(*(writes[j] for j in order))
        for k in range(n):
            if k not in order and reads[k] <= there and seen(k, order) == traced[k]:
                yield from extend([*order, k], max(peak, held(order, k)))

    return extend([], sum(size(s) for s in given if storage(s) == s))


def lives_of_tensors(graph, order):
    """(kernel, bytes held while it runs), by a heap of tensors that are counted references of."""
    memories = graph.memories
    root = list(range(len(memories)))
    for m, memory in enumerate(memories):
        root[m] = m if memory.base is None else root[memory.base]
    references = [0] * len(memories)
    for k in range(len(graph.kernels)):
        for r in {root[m] for m, j in graph.reads.tolist() if j == k} | {
            root[m] for j, m in graph.writes.tolist() if j == k
        }:
            references[r] += 1
    for r in {root[m] for m in graph.outputs}:
        references[r] += 1
    heap = {}
    for r, memory in enumerate(memories):
        if root[r] == r and memory.kind == "input" and references[r]:
            heap[r] = memory.bytes
    for k in order:
        its = {root[m] for m, j in graph.reads.tolist() if j == k}
        its |= {root[m] for j, m in graph.writes.tolist() if j == k}
        for r in its:
            if memories[r].kind not in ("parameter", "buffer", "constant"):
                heap.setdefault(r, memories[r].bytes)
        yield k, sum(heap.values())
        for r in its:
            references[r] -= 1
            if not references[r]:
                heap.pop(r, None)


# Graphs


def are_isomorphic(a, b):
    """Whether some renumbering of the kernels turns one graph into the other, by networkx."""
    from networkx.algorithms.isomorphism import categorical_node_match

    a, b = a.to_networkx(), b.to_networkx()
    return nx.is_isomorphic(a, b, node_match=categorical_node_match("label", None))


def peak_of_piece(piece, order):
    """Peak of an order of a piece, its storages looked through at every step."""
    done, peak = set(), 0
    for task in order:
        assert all(t in done for t in range(piece.n_tasks) if piece.predecessors[task] >> t & 1)
        peak = max(peak, _held_in_piece(piece, done, task))
        done.add(task)
    assert len(done) == piece.n_tasks
    return peak


def least_peak_of_piece(piece):
    """The least peak of all orders of a piece: from every set of tasks to each larger by one."""
    peaks = {frozenset(): 0}
    for n_done in range(piece.n_tasks):
        for done in [s for s in peaks if len(s) == n_done]:
            for task in set(range(piece.n_tasks)) - done:
                if any(piece.predecessors[task] >> t & 1 and t not in done for t in range(task)):
                    continue
                peak = max(peaks[done], _held_in_piece(piece, done, task))
                after = done | {task}
                peaks[after] = min(peak, peaks.get(after, peak))
    return peaks[frozenset(range(piece.n_tasks))]


def _held_in_piece(piece, done, task):
    held = 0
    for local in piece.locals:
        is_made = local.maker < 0 or local.maker in done or local.maker == task
        users = {t for t in range(piece.n_tasks) if local.users >> t & 1}
        if is_made and not (local.ends and users <= done):
            held += local.bytes
    return held


# Distances of usage, from counts of two programs


def smoothed_kl(p, q):
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (p, q))
    return sum(a * math.log(a / b) + b * math.log(b / a) for a, b in zip(p, q, strict=True))


def jensen_shannon(p, q):
    from scipy.spatial.distance import jensenshannon

    if p.sum() == 0 or q.sum() == 0:
        return float(p.sum() != q.sum())
    return jensenshannon(p, q, base=2)


def hellinger(p, q):
    if p.sum() == 0 or q.sum() == 0:
        return float(p.sum() != q.sum())
    p, q = p / p.sum(), q / q.sum()
    return math.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)


USAGE_DISTANCES = {"kl": smoothed_kl, "jensen-shannon": jensen_shannon, "hellinger": hellinger}


def exact_jensen_shannon(p, q):
    """Of proportions, in 50 digits."""
    from mpmath import mp, mpf

    with mp.workdps(50):
        total = mpf(0)
        for a, b in ((mpf(float(a)), mpf(float(b))) for a, b in zip(p, q, strict=True)):
            m = (a + b) / 2
            total += sum(x * mp.log(x / m, 2) for x in (a, b) if x > 0) / 2
        return float(mp.sqrt(total))


def weisfeiler_leman_colours(graph, rounds):
    """Nested tuples for the neighbourhood of each kernel after each round."""
    colours = [(label,) for label in graph.labels]
    found = list(colours)
    for _ in range(rounds):
        before = [sorted(colours[u] for u, v in graph.edges if v == k) for k in range(len(graph))]
        after = [sorted(colours[v] for u, v in graph.edges if u == k) for k in range(len(graph))]
        triples = zip(colours, before, after, strict=True)
        colours = [(own, tuple(b), tuple(a), "") for own, b, a in triples]
        found += colours
    return found


# Search spaces

NASBENCH201_EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def nasbench201_ways(cell):
    """Every way from the input of a cell to its output over edges that are not zero, as edges."""
    ways, open_ends = [], [(0, [])]
    while open_ends:
        node, way = open_ends.pop()
        if node == 3:
            ways.append(way)
        for edge, (source, target) in enumerate(NASBENCH201_EDGES):
            if source == node and cell[edge] != 0:
                open_ends.append((target, [*way, edge]))
    return ways


def nasbench201_cell_value(modules, x):
    """The definition read aloud: every node sums what its incoming edges make."""
    nodes = [x]
    for target in range(1, 4):
        total = 0
        for edge, (source, end) in enumerate(NASBENCH201_EDGES):
            if end == target:
                total = total + modules[edge](nodes[source])
        nodes.append(total)
    return nodes[-1]


def chained_fragments(fragments, boundary):
    """Labels and edges of one program that runs fragments one after the other.

    An exit of -1 gives back what the fragment is given, one of -2 a constant.
    """
    is_dead = any(fragment.exit == -2 for fragment in fragments)
    labels, edges = ["input"] * boundary, []
    before = 0 if boundary else None
    for fragment in [] if is_dead else fragments:
        offset = len(labels)
        labels += fragment.labels
        edges += [(u + offset, v + offset) for u, v in fragment.edges]
        if before is not None:
            edges += [(before, entry + offset) for entry in fragment.entries]
        if fragment.exit != -1:
            before = fragment.exit + offset
    if boundary:
        edges += [] if is_dead else [(before, len(labels))]
        labels.append("output")
    return labels, edges


def macs_of_layers(model, x):
    """Products of convolutions and linear layers, counted at the output of each layer."""
    total = []

    def count(module, _inputs, output):
        total.append(output.numel() * module.weight[0].numel())

    for module in model.modules():
        if type(module).__name__ in ("Conv2d", "Linear"):
            module.register_forward_hook(count)
    model(x)
    return sum(total)


# Training-free statistics of networks whose rectifiers are modules


def convolution(x, weight):
    """A 3x3 convolution with one pixel of padding, pixel by pixel."""
    n, _, height, width = x.shape
    out = np.zeros((n, len(weight), height, width))
    for s, d, i, j in np.ndindex(out.shape):
        for u, v in np.ndindex(3, 3):
            if 0 <= i + u - 1 < height and 0 <= j + v - 1 < width:
                out[s, d, i, j] += x[s, :, i + u - 1, j + v - 1] @ weight[d, :, u, v]
    return out


def relu_codes(model, x):
    """Codes of every nn.ReLU of a pass, as 0 and 1, shape (batch, units); the model is changed."""
    import torch

    found = []
    hooks = [
        module.register_forward_hook(
            lambda _module, _inputs, out: found.append((out > 0).flatten(1).double())
        )
        for module in model.modules()
        if isinstance(module, torch.nn.ReLU)
    ]
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return torch.cat(found, dim=1).numpy()


def naswot_v2(model, x):
    """log |det K| with K as a sum of two products of codes."""
    c = relu_codes(model, x)
    return float(np.linalg.slogdet(c @ c.T + (1 - c) @ (1 - c).T)[1])


def n_regions(model, batches):
    """Number of different codes over the batches."""
    return len({tuple(row) for x in batches for row in relu_codes(model, x)})


def naswot_v1(model, x, k=1e-5):
    """The score of the eigenvalues of the correlation of input gradients."""
    x = x.clone().requires_grad_()
    model(x).sum().backward()
    v = np.linalg.eigvalsh(np.corrcoef(x.grad.flatten(1).double().numpy()))
    return float(-np.sum(np.log(v + k) + 1 / (v + k)))


def ntk_condition(model, x):
    """Condition number of the Gram matrix of gradients, a forward and a backward pass a sample."""
    rows = []
    for i in range(len(x)):
        model.zero_grad()
        model(x)[i].sum().backward()
        weights = [p for name, p in model.named_parameters() if "weight" in name]
        rows.append(np.concatenate([p.grad.flatten().double().numpy() for p in weights]))
    v = np.linalg.eigvalsh(np.array(rows) @ np.array(rows).T)
    return float(v[-1] / v[0])


# Compact view


def compact(graph):
    """Labels and edges with series contracted, one edge after the other."""
    labels, last = dict(enumerate(graph.labels)), {i: i for i in range(len(graph))}
    edges = {tuple(edge) for edge in graph.edges.tolist()}
    ends = {i for i, label in labels.items() if label in ("input", "output")}
    while True:
        for u, v in sorted(edges):
            n_out, n_in = sum(a == u for a, _ in edges), sum(b == v for _, b in edges)
            if n_out == n_in == 1 and u not in ends and v not in ends:
                break
        else:
            break
        labels[u], last[u] = f"{labels[u]}>{labels.pop(v)}", last[v]
        edges = {(u if a == v else a, b) for a, b in edges if (a, b) != (u, v)}
    order = sorted(labels, key=last.__getitem__)
    number = {node: i for i, node in enumerate(order)}
    return [labels[i] for i in order], sorted([number[a], number[b]] for a, b in edges)


# Edit distance


def edit_distance_over_maps(a, b, costs):
    """The definition read aloud: the least cost over all maps of some kernels of a into b."""
    best = math.inf
    for images in product([-1, *range(len(b))], repeat=len(a)):
        used = [j for j in images if j >= 0]
        if len(set(used)) == len(used):
            best = min(best, edit_distance_of_map(a, b, images, costs))
    return best


def edit_distance_of_map(a, b, images, costs):
    """What the edit costs that maps each kernel of a to one of b; -1 deletes it."""
    place = {label: i for i, label in enumerate(costs.vocabulary)}
    x, y = [place[label] for label in a.labels], [place[label] for label in b.labels]
    edges_a, edges_b = set(map(tuple, a.edges.tolist())), set(map(tuple, b.edges.tolist()))
    cost = sum(
        costs.delete[x[i]] if j < 0 else costs.substitute[x[i], y[j]] for i, j in enumerate(images)
    )
    cost += sum(costs.insert[y[j]] for j in range(len(y)) if j not in images)
    kept = sum((images[u], images[v]) in edges_b for u, v in edges_a)
    return cost + costs.edge * (len(edges_a) + len(edges_b) - 2 * kept)


def align(a, b, costs):
    """Cheapest alignment of two series of kernels, by trying what becomes of the first ones."""
    if len(a) == len(b) == 1:
        place = {label: i for i, label in enumerate(costs.vocabulary)}
        return costs.substitute[place[a[0]], place[b[0]]]

    def gaps(steps):
        return sum(costs.insert[costs.vocabulary.index(step)] + costs.edge for step in steps)

    def rest(i, j):
        if i == len(a) or j == len(b):
            return gaps(a[i:]) + gaps(b[j:])
        x, y = costs.vocabulary.index(a[i]), costs.vocabulary.index(b[j])
        return min(
            costs.substitute[x, y] + rest(i + 1, j + 1),
            gaps(a[i : i + 1]) + rest(i + 1, j),
            gaps(b[j : j + 1]) + rest(i, j + 1),
        )

    return rest(0, 0)


def edit_assignment_bound(a, b, costs, assign):
    """The assignment bound over kernels one by one, with deletions and insertions beside them."""
    place = {label: i for i, label in enumerate(costs.vocabulary)}
    n, m = len(a), len(b)
    degrees = []
    for graph in (a, b):
        out = [sum(u == i for u, _ in graph.edges.tolist()) for i in range(len(graph))]
        into = [sum(v == i for _, v in graph.edges.tolist()) for i in range(len(graph))]
        degrees.append((out, into))
    (out_a, in_a), (out_b, in_b) = degrees
    cost = np.full((n + m, m + n), 1e9)
    cost[n:, m:] = 0
    for i in range(n):
        for j in range(m):
            apart = abs(out_a[i] - out_b[j]) + abs(in_a[i] - in_b[j])
            change = costs.substitute[place[a.labels[i]], place[b.labels[j]]]
            cost[i, j] = min(change, 1e9) + costs.edge / 2 * apart
        cost[i, m + i] = costs.delete[place[a.labels[i]]] + costs.edge / 2 * (out_a[i] + in_a[i])
    for j in range(m):
        cost[n + j, j] = costs.insert[place[b.labels[j]]] + costs.edge / 2 * (out_b[j] + in_b[j])
    rows, columns = assign(cost)
    return cost[rows, columns].sum()


def loss_gradients(model, x, labels, create_graph=False):
    """Weights of convolutions and linear layers, and the gradients of cross entropy."""
    import torch

    weights = [
        m.weight for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)
    ]
    loss = torch.nn.functional.cross_entropy(model(x), labels)
    return weights, torch.autograd.grad(loss, weights, create_graph=create_graph)


def fisher(model, x, labels, step=1e-6):
    """By the definition, the gradients of what layers give by central differences."""
    import torch

    total = 0.0
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    for layer in layers:
        kept = []
        hook = layer.register_forward_hook(lambda _m, _i, out, kept=kept: kept.append(out))
        with torch.no_grad():
            model(x)
        hook.remove()
        given = kept[0]
        slopes = torch.zeros_like(given)
        for index in np.ndindex(*given.shape):
            losses = []
            for sign in (1, -1):
                moved = given.clone()
                moved[index] += sign * step
                hook = layer.register_forward_hook(lambda _m, _i, _o, moved=moved: moved)
                with torch.no_grad():
                    losses.append(torch.nn.functional.cross_entropy(model(x), labels))
                hook.remove()
            slopes[index] = (losses[0] - losses[1]) / (2 * step)
        product = (given * slopes).flatten(2).sum(2) if given.dim() == 4 else given * slopes
        saliency = product.square().mean(0) / 2
        total += sum(float(s) * layer.weight[0].numel() for s in saliency)
    return total


def hessian_product(model, x, labels, step=1e-5):
    """H g by a central difference of gradients along g."""
    import copy

    _, gradients = loss_gradients(model, x, labels)
    ends = []
    for sign in (1, -1):
        moved = copy.deepcopy(model)
        weights, _ = loss_gradients(moved, x, labels)
        for w, g in zip(weights, gradients, strict=True):
            w.data += sign * step * g
        ends.append(loss_gradients(moved, x, labels)[1])
    return [(a - b) / (2 * step) for a, b in zip(*ends, strict=True)]


# Transport


def fused_gromov_wasserstein_of_plan(a, b, plan, costs, alpha):
    """The definition read aloud, with a loop for every index."""
    structures = []
    for graph in (a, b):
        lengths = dict(nx.all_pairs_shortest_path_length(graph.to_networkx()))
        n = len(graph)
        structures.append(
            [
                [lengths[i][j] / (1 + lengths[i][j]) if j in lengths[i] else 1 for j in range(n)]
                for i in range(n)
            ]
        )
    one, other = structures
    place = {label: i for i, label in enumerate(costs.vocabulary)}
    value = 0.0
    for i in range(len(a)):
        for j in range(len(b)):
            x, y = place[a.labels[i]], place[b.labels[j]]
            move = min(costs.substitute[x, y], costs.delete[x] + costs.insert[y])
            value += (1 - alpha) * move * plan[i, j]
            for k in range(len(a)):
                for m in range(len(b)):
                    change = (one[i][k] - other[j][m]) ** 2
                    value += alpha * change * plan[i, j] * plan[k, m]
    return value


# Capture


def sources_of_tensors(program, shape):
    """Which inputs (0, 1) and weight ("w") each tensor of a program depends on, by replay.

    Every element of every storage remembers who wrote it last; an operation depends on the last
    writers of all elements it reads. Also tells whether a write ever covered a part of a storage
    only.
    """
    size = int(np.prod(shape))
    written = [[{0}] * size, [{1}] * size]  # what each element of a storage depends on
    tensors = [(0, np.arange(size).reshape(shape)), (1, np.arange(size).reshape(shape))]
    is_partial = False

    def read(tensor):
        storage, elements = tensor
        return set().union(*(written[storage][e] for e in elements.ravel()))

    for name, i, j in program:
        storage, elements = tensors[i]
        if name == "row":
            tensors.append((storage, elements[0] if elements.ndim > 1 else elements))
        elif name == "columns":
            tensors.append((storage, elements[..., ::2]))
        elif name == "turn":
            tensors.append((storage, elements.T))
        elif name in ("relu_", "scale_", "copy_"):
            found = set() if name == "copy_" else read(tensors[i])
            found |= set() if name == "relu_" else read(tensors[j])
            for e in elements.ravel():
                written[storage][e] = found
            is_partial |= elements.size < len(written[storage])
            tensors.append(tensors[i])
        elif name == "flat" and (np.diff(elements.ravel()) == 1).all():
            tensors.append((storage, elements.reshape(-1)))  # no gaps: a view
        else:
            found = read(tensors[i]) | (read(tensors[j]) if name == "scale" else set())
            found |= {"w"} if name == "linear" else set()
            written.append([found] * elements.size)
            of_shape = elements.reshape(-1).shape if name == "flat" else elements.shape
            tensors.append((len(written) - 1, np.arange(elements.size).reshape(of_shape)))
    return [read(tensor) for tensor in tensors], is_partial


def replay_of_modules(leaves, nest, shape):
    """What a nest of modules does, by running it on sets: see `tests.strategies.module_trees`.

    Returns the operations in order, each with the numbers of the module calls it was made from,
    and what the output depends on: "x", and the leaves with weights.
    """
    storages = [np.full(shape, 1 << len(leaves), dtype=object)]  # a bit for each leaf, one for x
    made = []
    n_calls = 0

    def everything(array):
        return np.bitwise_or.reduce(array.ravel())

    def run_leaf(leaf, storage, path):
        kind, own, values = leaves[leaf], 1 << leaf, storages[storage]
        if kind in ("scale", "affine"):
            made.extend((name, path) for name in ("mul", "add")[: 1 if kind == "scale" else 2])
            storages.append(np.full(shape, everything(values) | own, dtype=object))
            return len(storages) - 1
        if kind == "relu_":
            made.append(("relu", path))
            values[...] = everything(values)
        elif kind == "half_":
            made.extend([("slice", path), ("add", path)])
            values[:, : shape[1] // 2] = everything(values[:, : shape[1] // 2]) | own
        return storage

    def run(part, storage, path=()):
        nonlocal n_calls
        n_calls += 1
        path = (*path, n_calls)
        if isinstance(part, int):
            return run_leaf(part, storage, path)
        kind, parts = part
        if kind == "chain":
            for inner in parts:
                storage = run(inner, storage, path)
            return storage
        ends = [run(inner, storage, path) for inner in parts]
        total = ends[0]
        for end in ends[1:]:
            made.append(("add", path))
            found = everything(storages[total]) | everything(storages[end])
            storages.append(np.full(shape, found, dtype=object))
            total = len(storages) - 1
        return total

    found = everything(storages[run(nest, 0)])
    names = [*range(len(leaves)), "x"]
    return made, {name for bit, name in enumerate(names) if found >> bit & 1}


# NAS-Bench-Graph: the layers by dense matrices, A[i, j] = 1 where an edge goes from j to i.


def nasbenchgraph_logits(model, text, x, edge_index, dataset):
    """Logits of a network in evaluation mode, from its weights and the string of its cell."""
    import torch

    a = torch.zeros(len(x), len(x), dtype=x.dtype)
    a[edge_index[1], edge_index[0]] = 1
    values, read = [model.pre(x)], set()
    is_raw = [not dataset.has_pre]
    for node, word in zip(model.cell.nodes, text.split("|"), strict=True):
        operation, source = word.split("~")
        read.add(int(source))
        value, raw = values[int(source)], is_raw[int(source)]
        if not raw:
            scale = node.norm.weight / (node.norm.running_var + node.norm.eps).sqrt()
            value = (value - node.norm.running_mean) * scale + node.norm.bias
            value = value.clamp(min=0)
        values.append(_dense_layer(operation, node.operation, value, a, dataset.is_normalised))
        is_raw.append(raw and operation == "skip")
    leaves = [values[i] for i in range(1, 5) if i not in read]
    return model.post(model.cell.head.linear(torch.cat(leaves, 1).clamp(min=0)))


def _dense_layer(operation, layer, x, a, is_normalised):
    import torch

    degree = a.sum(1)
    loops = a + torch.eye(len(a), dtype=a.dtype)
    if operation == "gcn":
        scale = loops.sum(1).rsqrt()
        matrix = scale[:, None] * loops * scale if is_normalised else a
        return matrix @ x @ layer.lin.weight.T + layer.bias
    if operation == "gin":
        return loops @ x @ layer.nn.weight.T + layer.nn.bias
    if operation == "sage":
        mean = a @ x / degree.clamp(min=1)[:, None]
        return mean @ layer.lin_l.weight.T + layer.lin_l.bias + x @ layer.lin_r.weight.T
    if operation == "graph":
        return a @ x @ layer.lin_rel.weight.T + layer.lin_rel.bias + x @ layer.lin_root.weight.T
    scale = torch.where(degree > 0, degree, 1.0).rsqrt()
    normalised = scale[:, None] * a * scale
    if operation == "cheb":  # 2 L / lambda_max - 1, with lambda_max taken to be 2
        first, second = layer.lins
        return x @ first.weight.T - normalised @ x @ second.weight.T + layer.bias
    if operation == "arma":
        new = normalised @ x @ layer.init_weight[0] + x @ layer.root_weight[0, 0]
        return (new + layer.bias[0, 0]).clamp(min=0)
    if operation == "gat":
        heads = (x @ layer.lin.weight.T).view(len(x), layer.heads, -1)
        source = (heads * layer.att_src).sum(-1)
        target = (heads * layer.att_dst).sum(-1)
        score = target[:, None] + source[None]  # (target, source, head)
        score = torch.where(score > 0, score, 0.2 * score)
        score = score.masked_fill(loops[:, :, None] == 0, -torch.inf).softmax(1)
        return torch.einsum("ijh,jhc->ihc", score, heads).flatten(1) + layer.bias
    if operation == "fc":
        return x @ layer.layer.weight.T + layer.layer.bias
    return x
