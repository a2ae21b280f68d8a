from __future__ import annotations

import numpy as np
import pytest

from tdseg.classifiers.forest_kernel import NEVER
from tdseg.classifiers.settling import CHANGED, settling_leads

PIXELS = 20_000


def settled_by_lead(votes, leads, given=0.0):
    """Say for rows of votes (n, T), +1 or -1 times a weight, which are left before the last."""
    before = np.cumsum(votes, axis=1)[:, :-1]
    part = np.arange(1, votes.shape[1]) / votes.shape[1]
    return (np.abs(before + given * part) > leads[1:]).any(axis=1)


@pytest.mark.parametrize("decided", [1.0, 0.25])
def test_a_tie_of_all_trees_is_hardly_ever_taken_for_settled(decided):
    """The worst case: half of the trees against the other half, drawn in any order."""
    trees = 200
    leads = settling_leads(np.full(trees, 1000), np.zeros(trees, int), 2)
    one = np.repeat([1000.0, -1000.0], int(trees * decided / 2))
    votes = np.concatenate([one, np.zeros(trees - len(one))])  # the others do not know
    votes = np.random.default_rng(3).permuted(np.tile(votes, (PIXELS, 1)), axis=1)
    assert settled_by_lead(votes, leads).mean() <= CHANGED


@pytest.mark.parametrize("given", [0.0, 30_000.0])
def test_a_tie_of_two_forests_and_what_is_given(given):
    sizes, weights = np.array([120, 80]), np.array([1000, 400])
    forest = np.repeat([0, 1], sizes)[np.argsort(np.concatenate([np.arange(n) / n for n in sizes]))]
    leads = settling_leads(weights[forest], forest, 2, alone=given == 0)
    rng = np.random.default_rng(4)
    votes = np.empty((PIXELS, 200))
    # All of the second forest are for the first class; what is given and the first make it a tie.
    against = round((120 * 1000 + 80 * 400 + given) / 2000)
    first = np.repeat([-1000.0, 1000.0], [against, 120 - against])
    votes[:, forest == 0] = rng.permuted(np.tile(first, (PIXELS, 1)), axis=1)
    votes[:, forest == 1] = 400.0
    assert abs(votes[0].sum() + given) <= 1000
    assert settled_by_lead(votes, leads, given).mean() <= CHANGED


def test_trees_of_one_mind_settle_a_pixel_soon_and_few_trees_never_before_they_must():
    leads = settling_leads(np.full(200, 1000), np.zeros(200, int), 3)
    assert np.argmax(1000 * np.arange(200) > leads) <= 28
    few = settling_leads(np.full(12, 1000), np.zeros(12, int), 3)
    assert (few == NEVER).all()
