"""When the label of a pixel is settled, so that it need not pass the trees that are left."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.forest_kernel import NEVER

FIRST_LOOK, LOOK_EVERY = 12, 4
"""Trees before the first look at which pixels are settled, and between two looks."""

CHANGED = 0.1
"""How often the trees left out may change the class of a pixel on which all trees are split evenly.

Nearly all pixels are far from that; see `settling_leads`.
"""


def settling_leads(
    weights: npt.NDArray[np.integer],
    forest: npt.NDArray[np.integer],
    n_classes: int,
    *,
    alone: bool = True,
) -> npt.NDArray[np.int32]:
    """Return the lead, in votes, that settles a pixel's class before each tree.

    Either the trees left cannot change the class, or hardly. The trees of a forest are drawn alike,
    so Serfling's inequality (Annals of Statistics 2, 1974) bounds how far the first of them may be
    off all; several forests are taken like strata, whose bounds multiply. The bounds of all looks
    and classes together are `CHANGED` where the trees are split evenly, the worst case, and fall
    quickly beside it. Of 1.3 million pixels of five images, one with random labels, none changed,
    since the inequality is far from sharp and such pixels are few.

    Parameters
    ----------
    weights : ndarray, (T,) int
        The votes that a tree may give.
    forest : ndarray, (T,) int
        Which forest it is of, counted from 0. Trees of several forests should take turns: what
        their order lacks of that is added to the lead.
    n_classes : int
        K.
    alone : bool
        There are no votes but those of trees. Other votes enter a lead in proportion to the trees
        that have voted, which says nothing certain of their end.

    Returns
    -------
    ndarray, (T,) int32
        `NEVER` where a look is not worth its time.
    """
    count = len(weights)
    done = np.arange(count)
    members = forest == np.arange(forest.max() + 1)[:, None]
    sizes = members.sum(axis=1, keepdims=True)
    before = members.cumsum(axis=1) - members
    of_one = (members * weights).max(axis=1, keepdims=True)
    looks = (done >= FIRST_LOOK) & (done % LOOK_EVERY == 0)
    given = np.cumsum(weights) - weights
    # A little more than enough: then the shares differ in float32 as well.
    surely = (weights.sum() - given) * (1 + 2.0**-22 * count) + 2 * count
    tries = max(1, int(looks.sum())) * max(1, n_classes - 1)
    spread = (before * (1 - (before - 1).clip(0) / sizes) * of_one.astype(np.float64) ** 2).sum(0)
    uneven = (abs(before - done * sizes / count) * of_one).sum(axis=0)
    hardly = np.ceil(np.sqrt(2 * np.log(tries / CHANGED) * spread) + uneven)
    leads = np.minimum(surely, hardly) if alone else hardly
    # Alone, no pixel leads by more than all trees so far gave.
    return np.where(looks & ~(alone & (leads >= given)), leads, NEVER).astype(np.int32)
