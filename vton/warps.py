"""The warps by name: "geometric", or a checkpoint's folder; each brings the cloth of a pair's conditions to the body."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from vton.checkpoint import load_warp
from vton.checkpoint_info import (
    CONFIG,
    GEOMETRIC,
    SHIPPED,
    WEIGHTS,
    checkpoint_in,
    datasets_of,
    hash_weights,
    name_of,
    read_config,
)
from vton.conditions import Conditions, stack
from vton.dataset import TORSO_PARTS, fit, parts_of
from vton.devices import pick
from vton.errors import CheckpointError
from vton.flow import compose, identity_grid, resize, warp
from vton.geometric import Warped, by_flow, geometric_warp
from vton.images import unletterbox
from vton.mirror import mirror, mirror_flow, mirror_logits
from vton.networks.seed import SeedNetwork, seed_flows
from vton.networks.warp import Prediction, Region, WarpNetwork
from vton.pairs import Split
from vton.seed_file import load_seed
from vton.warping import flow_out

SLIT = 0.012  # of the photo's height: the farthest that a slit reaches from the garment
HOLE = 0.9  # share of a hole that must lie on the torso

Warp = Callable[[Conditions], Warped]
Scales = list[tuple[tuple[int, int], Tensor]]


class NetworkWarp(ABC):
    """A warp by a network: worked out at the network's size, applied at the photo's."""

    @abstractmethod
    def __call__(self, conditions: Conditions) -> Warped:
        """The cloth of one pair (N = 1) warped at the size of its photo. DataError where there is no DensePose map."""

    @abstractmethod
    def scales(self, conditions: Conditions) -> Scales:
        """The flows on the way, coarse to fine: the network's cells (height, width), and the flow (1, 2, H, W) of the photo."""


class LearnedWarp(NetworkWarp):
    """The warping network, asked about the pair and, where mirror images were trained on too (`flip`), about that, its person
    moved by half a cell of the coarsest level up and to the left, so that no cell sees the same twice: the mean of both is
    nearer to the truth than either."""

    def __init__(self, network: WarpNetwork, mirrored: bool = True) -> None:
        self.network = network
        self.mirrored = mirrored

    def __call__(self, conditions: Conditions) -> Warped:
        said = self._ask(conditions)
        flow = flow_out(said.flow.cpu(), _size(conditions.cloth), conditions.size)
        seen = unletterbox(said.parse.softmax(1)[:, Region.UPPER, None].cpu(), conditions.size)
        return worn(conditions, close_slits(flow, conditions.cloth_mask, seen), close_holes(seen, conditions))

    def scales(self, conditions: Conditions) -> Scales:
        flows = [flow.cpu() for flow in self._ask(conditions).flows]
        size, cloth_size = self.network.config.size, _size(conditions.cloth)
        return [(_size(flow), flow_out(resize(flow, size), cloth_size, conditions.size)) for flow in flows]

    @torch.no_grad()
    def _ask(self, conditions: Conditions) -> Prediction:
        config, device = self.network.config, next(self.network.parameters()).device
        seen, pixels = fit(conditions, config.size), 2 ** len(config.widths) // 2
        seen = (stack([seen, moved(mirror(seen), pixels)]) if self.mirrored else seen).to(device)
        said: Prediction = self.network(seen.cloth, seen.cloth_mask, seen.parse_agnostic, seen.densepose)
        if not self.mirrored:
            return said
        back = said.parse.new_tensor([-2 * pixels / config.width, -2 * pixels / config.height])[None, :, None, None]
        flows = tuple((flow[:1] + mirror_flow(compose(flow[1:], back.expand_as(flow[1:])))) / 2 for flow in said.flows)
        parse = warp(said.parse[1:], back.expand(1, 2, *config.size))
        return Prediction(flows, (said.parse[:1] + mirror_logits(parse)) / 2)


class SeedWarp(NetworkWarp):
    """The seed's network, which does not say what lies before the garment."""

    def __init__(self, network: SeedNetwork) -> None:
        self.network = network

    def __call__(self, conditions: Conditions) -> Warped:
        return worn(conditions, self.scales(conditions)[-1][1], torch.ones_like(conditions.agnostic_mask))

    def scales(self, conditions: Conditions) -> Scales:
        flows = seed_flows(self.network, conditions.to(next(self.network.parameters()).device))
        return [(_size(flow), resize(flow.cpu(), conditions.size)) for flow in flows]


def default_warp(split: Split) -> str:
    """The warp of a run that names none: the shipped one for a drawn set, where it is here, else the geometric one."""
    drawn = bool(split.maps["flow"])
    return str(SHIPPED) if drawn and (SHIPPED / CONFIG).is_file() else GEOMETRIC


def open_warp(name: str, device: str = "auto") -> Warp:
    """The warp called `name`; a network computes on `device`, of `DEVICES`.

    CheckpointError where it is neither "geometric" nor a checkpoint of a warp, or where there is no such device.
    """
    if name == GEOMETRIC:
        return geometric_warp
    folder = checkpoint_folder(name)
    try:
        chosen = pick(device)
    except ValueError as error:
        raise CheckpointError(f"{folder} cannot be used: {error}.") from error
    config = read_config(folder)
    kind = config.get("kind")
    if kind == "warp":
        flips = config.get("trained", {}).get("augment", {}).get("flip", 0.5)
        return LearnedWarp(load_warp(folder, chosen), mirrored=flips > 0)
    if kind == "seed warp":
        return SeedWarp(load_seed(folder, chosen))
    raise CheckpointError(f"{folder} holds a {kind}, and a warp is needed; give the checkpoint of a warp, or {GEOMETRIC}.")


def describe_warp(name: str) -> dict[str, Any]:
    """What a run's config says of its warp: the name, and of a checkpoint also kind, sha256 and what it was trained on.

    CheckpointError where it is none.
    """
    if name == GEOMETRIC:
        return {"name": GEOMETRIC}
    folder = checkpoint_folder(name)
    config = read_config(folder)
    known = {"trained_on": datasets_of(config)}
    return {"name": name_of(folder), "kind": config.get("kind"), "sha256": hash_weights(folder / WEIGHTS), **known}


def checkpoint_folder(name: str) -> Path:
    """The checkpoint that `name` stands for: itself, or that of a training's run folder. CheckpointError where it is none."""
    folder = checkpoint_in(Path(name))
    if not (folder / CONFIG).is_file():
        raise CheckpointError(f"{name!r} is no warp: give {GEOMETRIC}, or the folder of a checkpoint or of a training's run.")
    return folder


def worn(conditions: Conditions, flow: Tensor, before: Tensor) -> Warped:
    """The cloth by its `flow` (1, 2, H, W), worn where `before` (1, 1, H, W), in 0..1, says that nothing lies before it."""
    mask = (torch.minimum(warp(conditions.cloth_mask, flow, padding_mode="zeros"), before) > 0.5).float()
    return by_flow(conditions, flow, mask)


def moved(seen: Conditions, pixels: int) -> Conditions:
    """What the warping network sees of a pair, the person so many pixels further up and to the left; what comes in at the other
    borders is what is at them."""
    assert seen.densepose is not None
    rows, columns = ((torch.arange(length) + pixels).clamp(max=length - 1) for length in seen.size)
    parse, densepose = seen.parse_agnostic[:, rows][..., columns], seen.densepose[..., rows, :][..., columns]
    return replace(seen, parse_agnostic=parse, densepose=densepose)


def close_slits(flow: Tensor, cloth_mask: Tensor, seen: Tensor) -> Tensor:
    """The flow (1, 2, H, W) without slits: where the garment is `seen` (1, 1, H, W), in 0..1, but what is fetched a few pixels
    off the garment is not in the `cloth_mask`, the nearest place with garment is fetched. Sleeve and torso, side by side on the
    body, lie apart in the garment photo, and a flow that is smooth between them fetches what lies there."""
    said = seen[0, 0].numpy() > 0.5
    covered = said & (warp(cloth_mask, flow, padding_mode="zeros")[0, 0].numpy() > 0.5)
    if not covered.any():
        return flow
    away, (rows, columns) = distance_transform_edt(~covered, return_indices=True)
    slits = said & ~covered & (away <= SLIT * said.shape[0])
    grid = identity_grid(_size(flow))[0].permute(2, 0, 1)
    places = grid + flow[0]
    places[:, slits] = places[:, rows[slits], columns[slits]]
    return (places - grid)[None]


def close_holes(seen: Tensor, conditions: Conditions) -> Tensor:
    """Where the garment is `seen` (1, 1, H, W), in 0..1, without holes amid it that show DensePose's torso and nothing of the
    photo: no arm, hand or hair lies there, and what an opening of the garment leaves bare reaches up to the neck."""
    assert conditions.densepose is not None
    torso = torch.isin(parts_of(conditions.densepose), torch.tensor(TORSO_PARTS)) & (conditions.agnostic_mask[:, 0] > 0)
    count, pieces = cv2.connectedComponents((seen[0, 0] <= 0.5).numpy().astype(np.uint8))
    sizes, bare = (np.bincount(pieces.ravel(), weights, count) for weights in (None, torso.numpy().ravel()))
    holes = bare >= HOLE * sizes
    holes[0] = False  # the garment itself
    return torch.where(torch.from_numpy(holes[pieces]), torch.ones_like(seen), seen)


def _size(picture: Tensor) -> tuple[int, int]:
    return picture.shape[-2], picture.shape[-1]
