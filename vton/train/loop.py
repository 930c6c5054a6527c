"""The one training loop: accelerate, a moving average of the weights, validation, a log, checkpoints, exact resume.

Everything drawn by lot is a function of the seed and the step: which examples a step sees, in which order, and how each is
varied. So a training that was stopped and goes on computes what it would have computed.
"""

import contextlib
import copy
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Generic, TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler
from torch.utils.tensorboard import SummaryWriter

from vton.devices import likes_bf16, pick
from vton.errors import CheckpointError, VtonError
from vton.images import replacing
from vton.progress import Progress

STATE, LOG = "state.safetensors", "log.jsonl"
BETAS = (0.9, 0.99)
PRECISIONS = ("no", "bf16")

Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to train."""

    steps: int
    batch: int = 10  # examples a step, over all processes
    rate: float = 3e-4  # of learning, at its highest
    warmup: int = 200  # steps in which the rate rises; it then falls along a half cosine to 0
    decay: float = 0.01  # of the weights, AdamW's
    clip: float = 1.0  # the longest gradient
    ema: float = 0.999  # share of the moving average that a step keeps
    validate_every: int = 500  # steps
    save_every: int = 500  # steps
    log_every: int = 20  # steps
    seed: int = 0
    precision: str = "no"  # or bf16, where the device computes in it by itself: elsewhere that is many times slower
    workers: int = 1  # processes that read examples; 0 reads them in the loop

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.validate_every, self.save_every, self.log_every) < 1 or self.workers < 0:
            raise ValueError(f"steps, batch and the three intervals must be 1 or more, not {self}")
        if not (self.rate > 0 and self.clip > 0 and 0 <= self.ema < 1 and min(self.warmup, self.decay) >= 0):
            raise ValueError(f"rate and clip must be above 0, ema from 0 to below 1, warmup and decay 0 or more, not {self}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {self.precision!r}")


@dataclass(frozen=True)
class Draw:
    """An example asked for: which one, and the how manieth of the training it is; both together say how it is varied."""

    index: int
    number: int


class Order(Sampler[list[Draw]]):
    """The examples of every step from `first` on: one random order an epoch, of the seed. Each process takes its share."""

    def __init__(self, count: int, config: LoopConfig, first: int, rank: int = 0, ranks: int = 1) -> None:
        self.count, self.config, self.first, self.rank, self.ranks = count, config, first, rank, ranks

    def __len__(self) -> int:
        return self.config.steps - self.first

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch, order = -1, torch.empty(0)
        for step in range(self.first, self.config.steps):
            draws = []
            for number in range(step * self.config.batch + self.rank, (step + 1) * self.config.batch, self.ranks):
                if number // self.count != epoch:
                    epoch = number // self.count
                    order = torch.randperm(self.count, generator=lot(self.config.seed, epoch))
                draws.append(Draw(int(order[number % self.count]), number))
            yield draws


class Told(Dataset[Batch | VtonError], Generic[Batch]):
    """`data` whose errors are given, not raised: a process that reads examples would put a traceback into the sentence."""

    def __init__(self, data: Dataset[Batch], stack: Callable[[list[Batch]], Batch]) -> None:
        self.data, self.stack = data, stack

    def __getitem__(self, draw: Draw) -> Batch | VtonError:
        try:
            return self.data[draw]
        except VtonError as error:
            return error

    def join(self, items: list[Batch | VtonError]) -> Batch | VtonError:
        """One batch, or the first error."""
        whole: list[Batch] = []
        for item in items:
            if isinstance(item, VtonError):
                return item
            whole.append(item)
        return self.stack(whole)


def lot(seed: int, number: int) -> torch.Generator:
    """The generator of the `number`th thing drawn under `seed`."""
    return torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)


def rate_at(step: int, config: LoopConfig) -> float:
    """The learning rate of a step."""
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    return config.rate * (1 + math.cos(math.pi * (step - config.warmup) / max(1, config.steps - config.warmup))) / 2


def train(
    network: Network,
    data: Dataset[Batch],
    count: int,
    stack: Callable[[list[Batch]], Batch],
    losses: Callable[[nn.Module, Batch], dict[str, Tensor]],
    validate: Callable[[Network, int], dict[str, float]],
    keep: Callable[[Network, int], None],
    config: LoopConfig,
    out: Path,
    device: str = "auto",
    resume: bool = False,
) -> bool:
    """Train `network` on `data`, which answers to a `Draw` of `count` examples, until the last step or a signal: whether the
    end was reached. `losses` are weighted terms of a batch on the device; `validate` and `keep` get the averaged network.

    Writes log.jsonl, TensorBoard's files and the state that `resume` goes on from into `out`. ValueError where the loss is no
    number any more, or the processes cannot share a batch evenly; CheckpointError where the state does not fit the network;
    what `data` raises.
    """
    accelerator = open_accelerator(device, config.precision)
    optimizer = torch.optim.AdamW(network.parameters(), config.rate, BETAS, weight_decay=config.decay)
    if config.batch % accelerator.num_processes:
        raise ValueError(f"a batch of {config.batch} cannot be shared evenly by {accelerator.num_processes} processes")
    model, prepared = accelerator.prepare(network, optimizer)
    average = copy.deepcopy(network).eval().requires_grad_(False)
    first = load_state(out / STATE, network, average, optimizer) if resume and (out / STATE).exists() else 0
    order = Order(count, config, first, accelerator.process_index, accelerator.num_processes)
    told = Told(data, stack)
    loader = DataLoader(
        told, batch_sampler=order, collate_fn=told.join, num_workers=config.workers, worker_init_fn=_leave_signals_to_parent
    )
    log = Log(out, first) if accelerator.is_main_process else None
    progress = Progress(config.steps - first, "Training")
    step, saved, clock, recent = first, first, time.perf_counter(), []
    with stop_requests() as asked:
        for batch in loader:
            if isinstance(batch, VtonError):
                raise batch
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, config)
            with accelerator.autocast():
                terms = losses(model, batch.to(accelerator.device))
            loss = torch.stack(list(terms.values())).sum()
            accelerator.backward(loss)
            length = accelerator.clip_grad_norm_(model.parameters(), config.clip)
            if not torch.isfinite(length):
                raise ValueError(f"the loss is no number at step {step + 1}; train into another folder with a lower rate")
            prepared.step()
            prepared.zero_grad()
            step += 1
            update_average(average, network, min(config.ema, step / (10 + step)))

            recent.append({name: float(term.detach()) for name, term in terms.items()})
            if log and (step % config.log_every == 0 or step == first + 1):
                seconds, clock = time.perf_counter() - clock, time.perf_counter()
                log.write(step, "train", _means(recent) | {"rate": rate_at(step - 1, config)})
                log.write(step, "speed", {"examples_per_second": len(recent) * config.batch / seconds})
                recent = []
            if log and (step % config.validate_every == 0 or step == config.steps):
                log.write(step, "validation", validate(average, step))
                clock = time.perf_counter()
            if asked.stop:
                accelerator.set_trigger()
            stopping = accelerator.check_trigger()
            if log and (step % config.save_every == 0 or step == config.steps or stopping):
                save_state(out / STATE, network, average, optimizer, step)
                keep(average, step)
                saved = step
            progress.advance(note=f"loss {float(loss.detach()):.3f}, saved at {saved}")
            if stopping:
                break
    if log:
        log.close()
    return step >= config.steps


def open_accelerator(device: str, precision: str) -> Accelerator:
    """Accelerate on `device`, of `DEVICES`. ValueError where it is not here, or accelerate is set to another."""
    chosen = pick(device)
    wanted = usable(precision, chosen)
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != wanted:
        AcceleratorState._reset_state()  # a process keeps the precision of its first training, and refuses another
    accelerator = Accelerator(cpu=chosen == "cpu", mixed_precision=wanted)
    if device not in ("auto", accelerator.device.type):
        raise ValueError(f"accelerate is set to {accelerator.device.type}, and {device} is asked for; leave out --device")
    return accelerator


def usable(precision: str, device: str) -> str:
    """The precision, or single where the `device` does not compute in bfloat16 by itself."""
    return precision if likes_bf16(device) else "no"


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the average towards the network, keeping the share `keep` of it."""
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - keep)


def save_state(path: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Write all that a training goes on from, in one file."""
    tensors: dict[str, Tensor] = {}
    for (name, now), mean in zip(network.named_parameters(), average.parameters(), strict=True):
        moments = optimizer.state.get(now, {})  # none where no term of the loss has reached it
        first, second = (moments.get(name, torch.zeros_like(now)) for name in ("exp_avg", "exp_avg_sq"))
        found = {"now": now, "mean": mean, "first": first, "second": second}
        tensors |= {f"{kind}.{name}": tensor.detach().cpu().contiguous() for kind, tensor in found.items()}
    with replacing(path) as file:
        file.write(to_bytes(tensors, {"step": str(step)}))


@torch.no_grad()
def load_state(path: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Fill network, average and optimizer as `save_state` left them; the step. CheckpointError where the file does not fit."""
    try:
        with safe_open(path, "pt") as stored:
            step = int(stored.metadata()["step"])
            for (name, now), mean in zip(network.named_parameters(), average.parameters(), strict=True):
                now.copy_(stored.get_tensor(f"now.{name}"))
                mean.copy_(stored.get_tensor(f"mean.{name}"))
                moments = {kind: stored.get_tensor(f"{kind}.{name}").to(now.device) for kind in ("first", "second")}
                optimizer.state[now] = {
                    "step": torch.tensor(float(step)), "exp_avg": moments["first"], "exp_avg_sq": moments["second"]
                }  # fmt: skip
    except (OSError, SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} does not fit this network ({error}); train into another folder.") from error
    return step


class Log:
    """log.jsonl and TensorBoard: a line a report. What was written after the step that is gone on from is cut off."""

    def __init__(self, out: Path, first: int) -> None:
        self.path = out / LOG
        before = self.path.read_text().splitlines(keepends=True) if self.path.exists() else []
        whole = [line for line in before if line.endswith("\n") and json.loads(line)["step"] <= first]
        with replacing(self.path) as file:
            file.write("".join(whole).encode())
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=first + 1)

    def write(self, step: int, kind: str, values: dict[str, float]) -> None:
        """Report `values` of a kind (train, speed, validation) at a step."""
        line = {"step": step, "kind": kind} | {name: round(value, 6) for name, value in values.items()}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        for name, value in values.items():
            self.board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        self.board.close()


@dataclass
class StopRequest:
    """Whether a signal has asked for the end."""

    stop: bool = False


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """SIGTERM and SIGINT ask for the end, instead of bringing it about."""
    asked = StopRequest()

    def ask(number: int, frame: FrameType | None) -> None:
        asked.stop = True

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before: dict[int, Any] = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_signals_to_parent(worker: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _means(terms: Sequence[dict[str, float]]) -> dict[str, float]:
    means = {name: sum(found[name] for found in terms) / len(terms) for name in terms[0]}
    return {"loss": sum(means.values())} | means
