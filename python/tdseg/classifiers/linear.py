"""Linear (ridge) regression of the classes."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.affine import AffineClassifier, standardize
from tdseg.classifiers.training import ROWS_PER_BLOCK, Progress, TrainingSet

PENALTY = 1.0
SHARPNESS_LIMITS = (0.1, 100.0)


class LinearRegression(AffineClassifier):
    """Least squares on targets +1 (the pixel's class) and -1 (every other), with an L2 penalty.

    The features are standardised over the training pixels; the penalty is the squared norm of
    their weights (scikit-learn's ``RidgeClassifier(alpha=1)``), the bias is free. Solved in closed
    form. The decision is the greatest score.

    Scores of a regression are no probabilities: `link` is a softmax of ``sharpness`` times the
    scores, with the one sharpness that makes the training pixels most likely (temperature scaling,
    Guo et al., ICML 2017), which leaves the decision as it is.
    """

    kind: ClassVar[str] = "linear_regression"

    @classmethod
    def fit(
        cls,
        training: TrainingSet,
        *,
        trees: int = 200,
        balance: bool = True,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """Solve for the weights; `trees` and `seed` are not used, nothing is random."""
        from scipy.linalg import solve
        from threadpoolctl import threadpool_limits

        standardized, mean, scale = standardize(training)
        n, f = standardized.shape
        weight = training.balanced_weights() if balance else np.ones(n)
        weight /= weight.sum()
        target = np.where(training.codes[:, None] == np.arange(len(training.present)), 1.0, -1.0)
        # Weighted means make the bias drop out of the equations.
        middle = weight @ standardized
        target_middle = weight @ target
        gram = np.zeros((f, f))
        moment = np.zeros((f, target.shape[1]))
        # One BLAS thread: the order of sums, and so the result, must not depend on the machine.
        with threadpool_limits(1, user_api="blas"):
            for start in range(0, n, ROWS_PER_BLOCK // 4):
                rows = slice(start, start + ROWS_PER_BLOCK // 4)
                part = (standardized[rows] - middle) * np.sqrt(weight[rows, None] * n)
                gram += part.T @ part
                moment += part.T @ (
                    (target[rows] - target_middle) * np.sqrt(weight[rows, None] * n)
                )
                if progress is not None:
                    progress(min(1.0, rows.stop / n))
            gram[np.diag_indices(f)] += PENALTY
            weights = solve(gram, moment, assume_a="pos")
            bias = target_middle - middle @ weights
            scores = standardized @ weights + bias
        sharpness = _best_sharpness(scores, training.codes, weight)
        return cls.from_standardized(training, mean, scale, weights, bias, sharpness)


def _best_sharpness(
    scores: npt.NDArray[np.float64], codes: npt.NDArray[np.int64], weight: npt.NDArray[np.float64]
) -> float:
    """Return the factor on the scores whose softmax has the least weighted log loss."""
    from scipy.optimize import minimize_scalar

    above = scores - scores[np.arange(len(scores)), codes][:, None]

    def loss(log_factor: float) -> float:
        scaled = np.exp(log_factor) * above
        highest = scaled.max(1)
        return float(weight @ (highest + np.log(np.exp(scaled - highest[:, None]).sum(1))))

    low, high = np.log(SHARPNESS_LIMITS)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))
