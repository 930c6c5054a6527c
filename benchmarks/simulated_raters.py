"""Studies by simulated raters whose truth is known: honest ones who follow the model or not quite, and cheaters."""

from dataclasses import dataclass

import numpy as np

from studio.davidson import chances, fit
from studio.rater_quality import Answers
from studio.votes import BOTH_BAD, BOTH_GOOD, LEFT, OUTCOMES, RIGHT, Votes

CHEATS = ("any", "left", "both good", "hasty", "machine")  # answers anything, nearly always one, anything at once, evenly
KNOWN_BAD = 8.0  # log-odds below the mean: a result that was spoiled on purpose
CROWD = 1998  # answers that the truth of a crowd is averaged over
TABLE = 1e6  # votes on each comparison that make a fit forget its prior


@dataclass(frozen=True)
class World:
    """A study, and how its raters differ from the model; 0 for not at all."""

    runs: int = 6
    pairs: int = 150
    raters: int = 12
    comparisons: int = 6  # of two runs, on each pair
    votes: int = 3  # on each comparison, of different raters
    spread: float = 0.5  # standard deviation of strengths
    side: float = 0.2  # log-odds for the left picture
    tie: float = -0.5
    known: float = 0.08  # share of known items, added to each rater's votes
    repeated: float = 0.05  # share of a rater's votes that are asked again with sides swapped
    groups: int = 1  # of raters with a taste of their own
    group_taste: float = 0.0  # standard deviation of a group's log-odds for each run
    taste: float = 0.0  # of a rater's
    pair_effect: float = 0.0  # of a pair's
    tired: float = 0.0  # log of how much less a rater's last vote follows the pictures than the first
    slips: float = 0.0  # share of honest votes that hit any key
    cheaters: int = 0

    @property
    def differs(self) -> bool:
        """Whether honest people differ from each other, or from themselves."""
        return any((self.group_taste, self.taste, self.pair_effect, self.tired))


@dataclass(frozen=True)
class Study:
    """Answers, and what is true of those who gave them; known items compare a run with the run of id `runs`."""

    answers: Answers
    strengths: np.ndarray  # (runs,) of mean 0: what honest people's votes would say if everybody voted on everything
    side: float
    cheaters: dict[int, str]  # rater: cheat


MODEL = World()
MISSPECIFIED = World(groups=3, group_taste=0.3, taste=0.3, pair_effect=1.5, tired=0.5, slips=0.02, cheaters=2)


def draw(world: World, seed: tuple[int, ...]) -> Study:
    """A study; the same seed gives the same one."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(0, world.spread, world.runs)
    strengths -= strengths.mean()
    groups = rng.normal(0, world.group_taste, (world.groups, world.runs))
    asked = _asked(world, rng)
    outcome = _answered(_leans(world, asked, strengths, groups, rng), world.tie, rng)
    slipped = rng.random(len(outcome)) < world.slips
    outcome[slipped] = rng.integers(0, len(OUTCOMES), slipped.sum())
    pace = rng.normal(np.log(4), 0.4, world.raters)
    seconds = 0.7 + np.exp(pace[asked.rater] + rng.normal(0, 0.5, len(outcome)))
    raters, cheats = rng.permutation(world.raters)[: world.cheaters], rng.permutation(CHEATS)[: world.cheaters]
    cheaters = dict(zip(raters.tolist(), cheats.tolist(), strict=True))
    for who, cheat in cheaters.items():
        mine = asked.rater == who
        outcome[mine], seconds[mine] = _cheated(cheat, outcome[mine], seconds[mine], rng)
    bad = world.runs
    expected = np.select([asked.left == bad, asked.right == bad], [RIGHT, LEFT], -1)
    votes = Votes(asked.left, asked.right, outcome, asked.pair, asked.rater)
    truth = _truth(world, strengths, groups, rng)
    return Study(Answers(votes, seconds, expected, asked.repeat), truth[: world.runs], float(truth[-2]), cheaters)


@dataclass(frozen=True)
class _Asked:
    """What raters are shown, arrays (n,) in the order of time."""

    left: np.ndarray
    right: np.ndarray
    pair: np.ndarray
    rater: np.ndarray
    repeat: np.ndarray
    when: np.ndarray  # 0 to 1: from the start of a rater's work to its end


def _asked(world: World, rng: np.random.Generator) -> _Asked:
    both = np.array([(i, j) for i in range(world.runs) for j in range(i)])
    chosen = rng.permuted(np.tile(np.arange(len(both)), (world.pairs, 1)), axis=1)[:, : world.comparisons].ravel()
    rater = rng.permuted(np.tile(np.arange(world.raters), (len(chosen), 1)), axis=1)[:, : world.votes].ravel()
    runs = both[np.repeat(chosen, world.votes)]
    pair = np.repeat(np.arange(world.pairs), world.comparisons * world.votes)
    known = _every(rater, world.known)  # so many items beside the votes, with a run and its spoiled result
    runs = np.vstack([runs, np.stack([rng.integers(0, world.runs, known.sum()), np.full(known.sum(), world.runs)], 1)])
    pair, rater = np.append(pair, rng.integers(0, world.pairs, known.sum())), np.append(rater, rater[known])
    swapped = rng.random(len(runs)) < 0.5
    runs[swapped] = runs[swapped, ::-1]
    when = rng.random(len(runs))
    again = np.flatnonzero(_every(rater[: len(known)], world.repeated))
    repeat = np.full(len(runs), -1)
    repeat[again] = again
    left, right = np.vstack([runs, runs[again, ::-1]]).T
    when = np.append(when, rng.uniform(when[again], 1))
    order = np.argsort(when)
    pair, rater, repeat = (np.append(part, part[again]) for part in (pair, rater, repeat))
    return _Asked(left[order], right[order], pair[order], rater[order], repeat[order], when[order])


def _every(rater: np.ndarray, share: float) -> np.ndarray:
    """(n,) whether an answer is one of the share of each rater's, evenly spread."""
    order = np.argsort(rater, kind="stable")
    number = np.empty(len(rater), int)
    number[order] = np.arange(len(rater)) - np.searchsorted(rater[order], rater[order])
    return np.floor((number + 1) * share) > np.floor(number * share)


def _leans(world: World, asked: _Asked, strengths: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) log-odds that the rater takes the left one, ties left out."""
    tastes = groups[rng.integers(0, world.groups, world.raters)] + rng.normal(0, world.taste, (world.raters, world.runs))
    worth = np.hstack([strengths + tastes, np.full((world.raters, 1), -KNOWN_BAD)])
    looks = np.hstack([rng.normal(0, world.pair_effect, (world.pairs, world.runs)), np.zeros((world.pairs, 1))])
    seen = worth[asked.rater, asked.left] - worth[asked.rater, asked.right]
    seen += looks[asked.pair, asked.left] - looks[asked.pair, asked.right]
    return seen * np.exp(-world.tired * asked.when) + world.side


def _answered(lean: np.ndarray, tie: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) outcomes by the model; a tie is good or bad with even chances."""
    odds = np.stack([np.exp(lean / 2), np.exp(-lean / 2), np.full(len(lean), np.exp(tie))], 1)
    drawn = rng.random((len(lean), 1)) * odds.sum(1, keepdims=True)
    result = (drawn > odds.cumsum(1)[:, :2]).sum(1)
    return np.where(result == BOTH_GOOD, rng.integers(BOTH_GOOD, BOTH_BAD + 1, len(lean)), result)


def _cheated(cheat: str, outcome: np.ndarray, seconds: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A cheater's outcomes and seconds, in place of the honest ones."""
    n = len(outcome)
    anything = rng.permutation(outcome)
    if cheat == "left":
        return np.where(rng.random(n) < 0.9, LEFT, anything), seconds
    if cheat == "both good":
        return np.where(rng.random(n) < 0.9, BOTH_GOOD, anything), seconds
    if cheat == "hasty":
        return anything, rng.uniform(0.25, 0.7, n)
    if cheat == "machine":
        return anything, 2 + rng.normal(0, 0.1, n)
    return anything, seconds


def _truth(world: World, strengths: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(runs + 2,) the parameters that the model would have if endless honest people voted on every comparison of endless pairs.

    Where people follow the model, these are theirs.
    """
    crowd = CROWD if world.differs else 1
    own = rng.normal(0, np.hypot(world.taste, world.pair_effect), (crowd, world.runs))
    own -= own.mean(0)
    worth = (strengths + groups[np.arange(crowd) % world.groups] + own) * np.exp(-world.tired * rng.random((crowd, 1)))
    sides = np.tile([world.side, world.tie], (crowd, 1))
    table = chances(np.hstack([worth, sides])).mean(0)
    table = (1 - world.slips) * table + world.slips * np.array([0.25, 0.25, 0.5])
    found = fit(TABLE * table * (1 - np.eye(world.runs))[..., None])
    found[: world.runs] -= found[: world.runs].mean()
    return found
