"""Growing one extremely randomised tree, compiled.

The same tree as scikit-learn's ``ExtraTreeClassifier`` grows from the same seed, node by node: its
random numbers are drawn in the same order, and its sums are of whole numbers. What takes most of
the time there, the checks around a tree of a few hundred nodes, is not here; and a version of
scikit-learn to come cannot change a forest.

Pixels stay in the order of their classes, within every node: so the pixels of one class that go
left are counted in one run over neighbours in memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tdseg.runtime.compiled import compiled

CONSTANT = np.float32(1e-7)
"""A feature whose values differ by no more is not split, as in scikit-learn."""

EPSILON = float(np.finfo(np.float64).eps)
RAND_MAX = 2**31 - 1

Tree = tuple[
    npt.NDArray[np.int32],
    npt.NDArray[np.float64],
    npt.NDArray[np.int32],
    npt.NDArray[np.float64],
    npt.NDArray[np.float64],
]


@compiled()
def _next(state: int | np.uint64) -> np.uint64:
    """Return the next state of a 32-bit xorshift generator (Marsaglia, J. Stat. Soft. 8, 2003)."""
    mask = np.uint64(0xFFFFFFFF)
    s = np.uint64(state)
    if s == np.uint64(0):
        s = np.uint64(1)
    s ^= (s << np.uint64(13)) & mask
    s ^= s >> np.uint64(17)
    s ^= (s << np.uint64(5)) & mask
    return s


@compiled()
def _gini(counts: npt.NDArray[np.float64], total: float) -> float:
    squares = 0.0
    for count in counts:
        squares += count * count
    return 1.0 - squares / (total * total)


@compiled()
def _push(
    stack: npt.NDArray[np.int64], at: int, start: int, end: int, known: int, parent: int, side: int
) -> None:
    stack[at, 0] = start
    stack[at, 1] = end
    stack[at, 2] = known
    stack[at, 3] = parent
    stack[at, 4] = side


@compiled()
def grow_tree(
    features: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    factors: npt.NDArray[np.float32],
    codes: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int64],
    n_classes: int,
    max_features: int,
    min_leaf: int,
    seed: int,
) -> Tree:
    """Grow a tree on some rows and columns of a table of features.

    Parameters
    ----------
    features : (n, F) float32
        Finite.
    rows : (r,) int64
        The pixels, in the order of their classes.
    columns : (f,) int64
        The features that the tree sees.
    factors : (f,) float32
        Their values are multiplied by these.
    codes, weights : (r,) int64
        Class of each of the rows, ascending, and how often it was drawn.
    n_classes : int
        K.
    max_features, min_leaf : int
        Features that compete at each node, and rows that a leaf holds at least.
    seed : int
        0 to 2**31 - 2, the state of the generator.

    Returns
    -------
    feature : (N,) int32
        An index into `columns`, or -1 in a leaf; parents before children.
    threshold : (N,) float64
        Of the multiplied values: a pixel goes left where it is at most this.
    children : (N, 2) int32
        Left and right; 0 in a leaf.
    shares : (N, K) float64
        Of the classes among the drawn rows.
    importance : (f,) float64
        Decrease of Gini impurity, by the weight of all rows.
    """
    n, f = len(rows), len(columns)
    x = np.empty((f, n), np.float32)
    for i in range(n):
        for c in range(f):
            x[c, i] = features[rows[i], columns[c]] * factors[c]
    size = 2 * n
    feature = np.full(size, -1, np.int32)
    threshold = np.zeros(size, np.float64)
    children = np.zeros((size, 2), np.int32)
    shares = np.zeros((size, n_classes), np.float64)
    importance = np.zeros(f, np.float64)
    samples, sorted_ = np.arange(n), np.empty(n, np.int64)
    order, constants = np.arange(f), np.empty(f, np.int64)
    values, weight = np.empty(n, np.float32), np.empty(n, np.int32)
    ends = np.empty(n_classes + 1, np.int64)
    left, right = np.zeros(n_classes), np.zeros(n_classes)
    # What is to be split: first row, end, known constant features, parent, side; and its impurity.
    stack, impurities = np.empty((n + 1, 5), np.int64), np.empty(n + 1, np.float64)
    _push(stack, 0, 0, n, 0, 0, 0)
    waiting, nodes, state, all_ = 1, 0, np.uint64(seed), 0.0
    while waiting > 0:
        waiting -= 1
        start, end, known = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2]
        impurity = impurities[waiting]
        node, count = nodes, end - start
        nodes += 1
        if node > 0:
            children[stack[waiting, 3], stack[waiting, 4]] = node
        # The classes of the node: row numbers where each ends, and weights.
        total = shares[node]
        for k in range(n_classes + 1):
            ends[k] = 0
        for i in range(count):
            row = samples[start + i]
            weight[i] = weights[row]
            ends[codes[row] + 1] += 1
            total[codes[row]] += weight[i]
        whole = 0.0
        for k in range(n_classes):
            ends[k + 1] += ends[k]
            whole += total[k]
        if node == 0:
            impurity = _gini(total, whole)
            all_ = whole
        best, best_left, gini_left, gini_right = -np.inf, 0.0, 0.0, 0.0
        chosen, middle = -1, 0
        constant = known
        if count >= max(2, 2 * min_leaf) and impurity > EPSILON:
            # Features are drawn without replacement: order[:drawn] are drawn and known to be
            # constant, order[known:constant] found to be so, order[free:] drawn otherwise.
            free, drawn, found, visited = f, 0, 0, 0
            while free > constant and (visited < max_features or visited <= found + drawn):
                visited += 1
                state = _next(state)
                at = drawn + np.int64(state & np.uint64(RAND_MAX)) % (free - found - drawn)
                if at < known:
                    order[drawn], order[at] = order[at], order[drawn]
                    drawn += 1
                    continue
                at += found
                column = order[at]
                of_column = x[column]
                low = high = of_column[samples[start]]
                for i in range(count):
                    value = of_column[samples[start + i]]
                    values[i] = value
                    low = value if value < low else low
                    high = value if value > high else high
                if high <= low + CONSTANT:
                    order[at], order[constant] = order[constant], column
                    found += 1
                    constant += 1
                    continue
                free -= 1
                order[free], order[at] = order[at], order[free]
                state = _next(state)
                low64, high64 = np.float64(low), np.float64(high)
                limit = (high64 - low64) * np.float64(
                    state & np.uint64(RAND_MAX)
                ) / RAND_MAX + low64
                if limit == high64:
                    limit = low64
                # The greatest float32 not above the limit decides alike, and faster.
                limit32 = np.float32(limit)
                if limit32 > limit:
                    limit32 = np.nextafter(limit32, np.float32(-np.inf))
                going, of_left = 0, 0.0
                for k in range(n_classes):
                    rows_left = weight_left = 0
                    for i in range(ends[k], ends[k + 1]):
                        goes = int(values[i] <= limit32)
                        rows_left += goes
                        weight_left += goes * weight[i]
                    going += rows_left
                    left[k] = weight_left
                    right[k] = total[k] - weight_left
                    of_left += weight_left
                if going < min_leaf or count - going < min_leaf:
                    continue
                of_right = whole - of_left
                gain = -of_right * _gini(right, of_right) - of_left * _gini(left, of_left)
                if gain > best:
                    best, chosen, middle = gain, column, going
                    threshold[node] = limit
                    gini_left, gini_right = _gini(left, of_left), _gini(right, of_right)
                    best_left = of_left
            # Siblings and children find the known constants in their old order.
            for c in range(known):
                order[c] = constants[c]
            for c in range(known, constant):
                constants[c] = order[c]
        if chosen >= 0:
            of_right = whole - best_left
            less = whole * impurity - best_left * gini_left - of_right * gini_right
            gained = impurity - of_right / whole * gini_right - best_left / whole * gini_left
            if whole / all_ * gained + EPSILON >= 0:
                feature[node] = chosen
                importance[chosen] += less
                # A stable partition keeps the classes in their order.
                of_column = x[chosen]
                to_left, to_right = start, start + middle
                for i in range(start, end):
                    row = samples[i]
                    if of_column[row] <= threshold[node]:
                        sorted_[to_left] = row
                        to_left += 1
                    else:
                        sorted_[to_right] = row
                        to_right += 1
                for i in range(start, end):
                    samples[i] = sorted_[i]
                _push(stack, waiting, start + middle, end, constant, node, 1)
                impurities[waiting] = gini_right
                _push(stack, waiting + 1, start, start + middle, constant, node, 0)
                impurities[waiting + 1] = gini_left
                waiting += 2
        for k in range(n_classes):
            total[k] /= whole
    return feature[:nodes], threshold[:nodes], children[:nodes], shares[:nodes], importance / all_


@compiled()
def breadth_first(
    feature: npt.NDArray[np.signedinteger], children: npt.NDArray[np.signedinteger]
) -> npt.NDArray[np.int64]:
    """Return the nodes of a tree, (N,), breadth first; a negative feature is a leaf."""
    order = np.zeros(len(feature), np.int64)
    known = 1
    for at in range(len(order)):
        node = order[at]
        if feature[node] >= 0:
            order[known], order[known + 1] = children[node, 0], children[node, 1]
            known += 2
    return order
