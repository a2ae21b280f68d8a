"""How far to trust classical features, deep features and both: what the labels themselves say.

Parts of the labels are held out in turn. For each set of features (classical, deep, all), a forest
and a logistic regression learn from the rest, and the mean of their probabilities is compared with
the labels held out. The sets are then weighted like models in pseudo-Bayesian model averaging (Yao,
Vehtari, Simpson, Gelman, Bayesian Analysis 13, 2018): the weight of a set is proportional to the
likelihood of the labels held out. Pixels of a stroke are copies of each other, so a stroke counts
as half an observation, however long it is. Where the evidence is weak, all sets have about the same
weight; where it is strong, one set is left.

Strokes lie inside their classes, and many images have strokes that every set gets right. What
lies between the strokes has no labels, but a set that does not know it says so: its probabilities
there are close to each other. So the entropy of the pixels around the labels counts as well, as
in semi-supervised learning (Grandvalet, Bengio, NeurIPS 17, 2004). No set is believed to be surer
there than the best one was right about labels held out: on few strokes classical features are
readily sure, and wrong.

Forests are less sure of what they are right about than linear models. Each set's probabilities are
therefore sharpened or blunted by one exponent before they are compared (Guo et al., ICML 2017).

The constants were chosen on some redrawn strokes of ``benchmarks/quality.py``; what came out on
others is in ``docs/quality.md``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.evaluation import HeldOutReport, report_of
from tdseg.classifiers.folds import Folds, make_folds
from tdseg.classifiers.mean import MeanClassifier, rare_class_factors
from tdseg.classifiers.training import Progress, training_set
from tdseg.errors import TdsegError

CLASSICAL, DEEP, HYBRID = "classical", "deep", "hybrid"
SUBSETS = (CLASSICAL, DEEP, HYBRID)

MAX_PIXELS = 6000
"""Labelled pixels that the choice looks at, drawn class by class."""
TREES = 50
"""Trees of each forest while choosing; a quarter of the default ranks as the whole does."""
OBSERVATIONS_PER_STROKE = 0.5
PRIOR = {CLASSICAL: 1.0, DEEP: 1.0, HYBRID: 2.0}
"""What a set's weight is before any evidence: all features hold both other sets."""
UNDECIDED = 6.0
"""What a nat of mean entropy around the labels counts, in nats of evidence."""
SMALLEST_SHARE = 10
"""Percent below which a set is left out, and its features need not be computed."""
FLOOR = 0.01
"""Probability that is mixed into all, so that a single pixel cannot rule a set out."""
PULL_TO_ONE = 0.05
"""Penalty on the squared logarithm of the exponent: few labels are no ground for a large one."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes
    ----------
    shares
        Percent of each set of features, in the order of `SUBSETS`; sets without a share are left
        out. The sum is 100.
    reason
        One sentence for the Log and the report.
    report
        Held-out figures of the chosen mean.
    """

    shares: Mapping[str, int]
    reason: str
    report: HeldOutReport


def parts_of_shares(
    shares: Mapping[str, int], sources: npt.NDArray[np.integer]
) -> list[tuple[int, int, float]]:
    """Return first feature, the one after the last and weight of each set, for `fit_parts`.

    Parameters
    ----------
    shares
        From `Choice.shares` or `parse_shares`; empty: all features.
    sources
        (F,) 0 for classical features, which come first.

    Raises
    ------
    TdsegError
        If a set has no feature here.
    """
    count, classical = len(sources), int(np.count_nonzero(np.asarray(sources) == 0))
    ends = {CLASSICAL: (0, classical), DEEP: (classical, count), HYBRID: (0, count)}
    parts = [(*ends[name], float(share)) for name, share in (shares or {HYBRID: 100}).items()]
    for name, (start, stop, _) in zip(shares, parts, strict=False):
        if start == stop:
            raise TdsegError(
                f"Key 'shares': there are no {name} features here; use features=hybrid, or another "
                "share."
            )
    return parts


def parse_shares(text: str) -> dict[str, int]:
    """Turn ``classical:40,hybrid:60`` into percent by name, in the order of `SUBSETS`.

    Raises
    ------
    TdsegError
        If a name comes twice, or nothing has a share.
    """
    found: dict[str, int] = {}
    for part in text.split(",") if text else ():
        name, _, share = (piece.strip() for piece in part.partition(":"))
        if name in found:
            raise TdsegError(f"Key 'shares' names '{name}' twice; give each set of features once.")
        found[name] = int(share)
    kept = {name: found[name] for name in SUBSETS if found.get(name)}
    if found and not kept:
        raise TdsegError("Key 'shares' leaves nothing; give at least one set a share above 0.")
    return kept


def format_shares(shares: Mapping[str, int]) -> str:
    """Write shares as `parse_shares` reads them."""
    return ",".join(f"{name}:{share}" for name, share in shares.items())


def choose(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    rois: npt.NDArray[np.signedinteger],
    images: npt.NDArray[np.signedinteger],
    class_names: Sequence[str],
    sources: npt.NDArray[np.integer],
    *,
    unlabelled: npt.NDArray[np.float32] | None = None,
    trees: int = 200,
    balance: bool = True,
    seed: int = 0,
    trained_on: npt.NDArray[np.float32] | None = None,
    progress: Progress | None = None,
) -> Choice:
    """Weigh the sets of features by what they say of labels held out, and how surely of the rest.

    Parameters
    ----------
    features : ndarray, (n, F) float32
    labels, rois, images : ndarray, (n,) int
        Class, ROI or stroke, and image of each pixel, as for `held_out_report`.
    class_names : sequence of str, length K
    sources : ndarray, (F,) int
        0 for classical features, which come first.
    unlabelled : ndarray, (u, F) float32, optional
        Features of pixels around the labels; without them only labels count.
    trees, balance, seed
        As for the classifiers.
    trained_on : ndarray, (n, F) float32, optional
        Other features of the same pixels to train on; `features` are predicted.
    progress : callable, optional
        Called with the fraction done; may raise to stop.

    Returns
    -------
    Choice
        Shares, why, and the held-out figures of what was chosen.
    """
    began = time.perf_counter()
    folds = make_folds(labels, rois, images, seed=seed, max_samples=MAX_PIXELS)
    classical = int(np.count_nonzero(np.asarray(sources) == 0))
    names = SUBSETS if 0 < classical < len(sources) else (HYBRID,)
    found = np.full((len(names), len(folds.labels), len(class_names)), np.nan)
    around = features[:0] if unlabelled is None else unlabelled
    said = np.zeros((len(names), len(around), len(class_names)))
    rounds = list(folds.rounds())
    source = features if trained_on is None else trained_on
    for number, (trained, held) in enumerate(rounds):
        training = training_set(
            source[folds.pixels[trained]], folds.labels[trained], len(class_names), sources
        )
        test = features[folds.pixels[held]]
        for k, name in enumerate(names):
            mean = MeanClassifier.fit_parts(
                training,
                parts_of_shares({name: 100}, sources),
                trees=min(trees, TREES),
                balance=balance,
                seed=seed,
            )
            found[k, held] = mean.predict_proba(test)
            said[k] += mean.predict_proba(around) / len(rounds)
        if progress is not None:
            progress((number + 1) / len(rounds))
    losses = np.array([held_out_loss(each, folds) for each in found])
    shares = {HYBRID: 100}
    if len(names) > 1:
        strokes = len(np.unique(folds.strokes))
        prior = np.array([PRIOR[name] for name in names])
        percent = shares_of(losses, strokes, mean_entropy(said), prior)
        shares = dict(zip(names, percent, strict=True))
    shares = {name: share for name, share in shares.items() if share}
    weights = np.array([shares.get(name, 0) / 100 for name in names])
    chosen = np.nan_to_num(np.tensordot(weights, found, 1))
    if balance and len(around):
        chosen *= rare_class_factors(np.tensordot(weights, said, 1))
    predicted = chosen.argmax(axis=1)
    reason = _reason(names, losses, shares, folds) if len(names) > 1 else ""
    report = report_of(folds, predicted, class_names, time.perf_counter() - began)
    return Choice(shares, reason, replace(report, choice=reason))


def held_out_loss(probabilities: Floats, folds: Folds) -> float:
    """Return the mean log loss of held-out labels, classes counting the same, after sharpening.

    Parameters
    ----------
    probabilities : ndarray, (m, K) float64
        NaN where a pixel was never held out.
    folds : Folds
        Of the m pixels.
    """
    from scipy.optimize import minimize_scalar

    held = folds.fold >= 0
    labels, count = folds.labels[held], probabilities.shape[1]
    if len(labels) == 0:
        return 0.0
    weight = 1 / np.bincount(labels, minlength=count)[labels]
    weight /= weight.sum()
    logs = np.log(probabilities[held] + 1e-3)
    rows = np.arange(len(labels))

    def true_class(log_exponent: float) -> Floats:
        powers = np.exp(np.exp(log_exponent) * (logs - logs.max(axis=1, keepdims=True)))
        share: Floats = powers[rows, labels] / powers.sum(axis=1)
        return share

    def penalised(log_exponent: float) -> float:
        likely = np.log(np.maximum(true_class(log_exponent), 1e-300))
        return float(PULL_TO_ONE * log_exponent**2 - weight @ likely)

    best = minimize_scalar(penalised, bounds=(-1.6, 1.6), method="bounded").x
    return float(-weight @ np.log((1 - FLOOR) * true_class(best) + FLOOR / count))


def mean_entropy(probabilities: Floats) -> Floats:
    """Return the mean entropy in nats, (S,), of probabilities (S, u, K); 0 of no pixels."""
    from scipy.special import entr

    pixels = max(probabilities.shape[1], 1)
    found: Floats = entr(probabilities).sum(axis=(1, 2)) / pixels
    return found


def shares_of(
    losses: Floats, strokes: int, undecided: Floats, prior: Floats | None = None
) -> list[int]:
    """Return the percent of each set; small ones become 0, and the sum is 100.

    Parameters
    ----------
    losses : ndarray, (S,) float64
        From `held_out_loss`.
    strokes : int
        Observations that they are the mean of.
    undecided : ndarray, (S,) float64
        From `mean_entropy`.
    prior : ndarray, (S,) float64, optional
        Weights before any evidence; None: the same of all.
    """
    believed = np.maximum(undecided, losses.min())
    evidence = -OBSERVATIONS_PER_STROKE * strokes * losses - UNDECIDED * believed
    weights = np.exp(evidence - evidence.max()) * (1 if prior is None else prior)
    weights[weights < SMALLEST_SHARE / 100 * weights.sum()] = 0
    percent = np.rint(100 * weights / weights.sum()).astype(int)
    percent[percent.argmax()] += 100 - percent.sum()
    return [int(value) for value in percent]


def _reason(names: Sequence[str], losses: Floats, shares: Mapping[str, int], folds: Folds) -> str:
    chosen = ", ".join(f"{name} {share} %" for name, share in shares.items())
    loss = ", ".join(f"{name} {loss:.2f}" for name, loss in zip(names, losses, strict=True))
    unit = {"roi": "ROIs", "image": "images", "pixel": "single pixels"}[folds.grouping]
    return (
        f"Features that decide: {chosen} (log loss on held-out {unit}: {loss}; "
        f"{len(np.unique(folds.strokes))} ROIs or strokes)."
    )
