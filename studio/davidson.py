"""Davidson's Bradley-Terry model with ties, and with a bias towards one side: its chances, its fit, what a vote tells.

With d = strength(left) - strength(right) + side, the chances of left, right and a tie go as exp(d / 2), exp(-d / 2) and
exp(tie) (Davidson 1970; the side as in Davidson and Beaver 1977). It is taken before Rao and Kupper's (1967) since it is an
exponential family: one maximum, a run as strong as its wins and half its ties say, also where votes are weighted or the model
is not quite right; and without ties it is Bradley-Terry.
The parameters are an array (..., runs + 2): strengths, side, tie.
"""

import numpy as np

PRIOR = 1 / 5.0**2  # of every parameter, normal around 0: weak, and finite where no vote tells
MOST_STEPS, MOST_CHANGE = 100, 2.0  # of Newton's method


def chances(parameters: np.ndarray) -> np.ndarray:
    """(..., runs, runs, 3): chances of left, right and tie, by the run at the left and at the right."""
    strength, side, tie = parameters[..., :-2], parameters[..., -2, None, None], parameters[..., -1, None, None]
    half = (strength[..., :, None] - strength[..., None, :] + side) / 2
    logits = np.stack([half, -half, np.broadcast_to(tie, half.shape)], -1)
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def score(kind: np.ndarray, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per kind of vote (k,): by how much its preference (1/2, -1/2, 0) and its tie (1, 0) exceed what was expected."""
    expected = chances(parameters).reshape(-1, 3)[kind // 3]
    preference, tie = np.array([0.5, -0.5, 0.0])[kind % 3], kind % 3 == 2
    return preference - (expected[:, 0] - expected[:, 1]) / 2, tie - expected[:, 2]


def information(votes: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """(..., runs + 2, runs + 2): the negative Hessian of log-likelihood and prior for votes (..., runs, runs)."""
    expected = chances(parameters)
    lean, tie = (expected[..., 0] - expected[..., 1]) / 2, expected[..., 2]
    strength, shared = votes * ((1 - tie) / 4 - lean**2), -votes * lean * tie
    both = strength + np.swapaxes(strength, -1, -2)
    runs = votes.shape[-1]
    found = np.zeros((*votes.shape[:-2], runs + 2, runs + 2))
    diagonal = np.arange(runs + 2)
    found[..., :runs, :runs] = -both
    found[..., diagonal[:runs], diagonal[:runs]] += both.sum(-1)
    for place, part in ((-2, strength), (-1, shared)):
        found[..., :runs, place] = found[..., place, :runs] = part.sum(-1) - part.sum(-2)
        found[..., -2, place] = found[..., place, -2] = part.sum((-1, -2))
    found[..., -1, -1] = (votes * tie * (1 - tie)).sum((-1, -2))
    found[..., diagonal, diagonal] += PRIOR
    return found


def fit(table: np.ndarray, start: np.ndarray | None = None, tolerance: float = 1e-8) -> np.ndarray:
    """(..., runs + 2): the parameters of the highest posterior for each table of votes (..., runs, runs, 3).

    The strengths of runs that votes connect have mean 0.
    """
    votes = table.sum(-1)
    preferred, ties = (table[..., 0] - table[..., 1]) / 2, table[..., 2]
    found = np.zeros((*votes.shape[:-2], votes.shape[-1] + 2)) + (0 if start is None else start)
    for _ in range(MOST_STEPS):
        expected = chances(found)
        lean = preferred - votes * (expected[..., 0] - expected[..., 1]) / 2
        tie = (ties - votes * expected[..., 2]).sum((-1, -2))
        gradient = np.concatenate([lean.sum(-1) - lean.sum(-2), lean.sum((-1, -2))[..., None], tie[..., None]], -1)
        gradient -= PRIOR * found
        step = np.linalg.solve(information(votes, found), gradient[..., None])[..., 0]
        largest = np.abs(step).max(-1, keepdims=True)
        found = found + step * np.minimum(1, MOST_CHANGE / np.maximum(largest, MOST_CHANGE))
        if largest.max(initial=0) < tolerance:
            break
    return found
