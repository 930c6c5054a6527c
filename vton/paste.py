"""The result laid back into the photo: its own pixels stay wherever the agnostic mask is 0, and no seam shows.

Towards parts that were cut out of the mask (hair, hands, trousers) the edge is the thing's own, and stays sharp. Towards the
background the result either fades in, or is shifted in colour so that it meets the photo (Poisson), as it then does towards the
lower clothes, through which the mask cuts.
"""

import cv2
import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu
from torch import Tensor

from vton.conditions import Conditions
from vton.images import mask_to_tensor
from vton.labels import LOWER_CLOTHES, ParseClass

PASTES = ("feathered", "poisson")
FEATHER = 0.004  # of the photo's height: how softly the result fades in
BESIDE = ((0, 1), (0, -1), (1, 0), (-1, 0))  # rows and columns to a pixel's neighbours


def paste_back(image: Tensor, conditions: Conditions, how: str = "feathered") -> Tensor:
    """`image` (1, 3, H, W) inside the agnostic mask, the photo's own pixels outside it, joined as one of PASTES says."""
    return poisson(image, conditions) if how == "poisson" else feathered(image, conditions)


def feathered(image: Tensor, conditions: Conditions) -> Tensor:
    """The paste-back that fades in from the background."""
    mask = conditions.agnostic_mask
    radius = max(1.0, FEATHER * conditions.size[0])
    inside = cv2.distanceTransform(mask[0, 0].numpy().astype(np.uint8), cv2.DIST_L2, 3)
    weight = torch.from_numpy(np.clip(inside / radius, 0, 1))[None, None].float()
    background = mask_to_tensor(conditions.parse[0].numpy() == ParseClass.BACKGROUND) * (1 - mask)
    near = mask_to_tensor(cv2.dilate(background[0, 0].numpy(), np.ones((2 * int(radius) + 3,) * 2)) > 0)
    weight = torch.where(near > 0, weight, mask)
    return conditions.image * (1 - weight) + image * weight


def poisson(image: Tensor, conditions: Conditions) -> Tensor:
    """The paste-back that has the image's gradients and meets the photo (Pérez, Gangnet, Blake 2003, equation 2).

    The image is shifted by a membrane that hangs in the mask: at background and lower clothes it is as high as the photo there
    differs from the image, at other edges it is loose. Where a piece of the mask meets neither nothing is shifted.
    """
    mask = conditions.agnostic_mask[0, 0].numpy() > 0
    held = ~mask & np.isin(conditions.parse[0].numpy(), (ParseClass.BACKGROUND, *LOWER_CLOTHES))
    height = _membrane((conditions.image - image)[0].permute(1, 2, 0).double().numpy(), mask, held)
    shifted = image + torch.from_numpy(height).permute(2, 0, 1)[None].to(image)
    return torch.where(conditions.agnostic_mask > 0, shifted.clamp(-1, 1), conditions.image)


def _membrane(height: np.ndarray, inside: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The heights (H, W, C) of a membrane `inside` (H, W) that is at `height` where it is `held` beside that; 0 elsewhere."""
    _, pieces = cv2.connectedComponents(inside.astype(np.uint8), connectivity=4)
    touched = inside & (cv2.dilate(held.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) > 0)
    free = inside & np.isin(pieces, np.unique(pieces[touched]))
    found = np.zeros_like(height)
    if not free.any():
        return found
    number = np.full(inside.shape, -1)
    number[free] = np.arange(free.sum())
    own, at = number[free], np.argwhere(free)
    degree, pulls = np.zeros(len(own)), np.zeros((len(own), height.shape[2]))
    links = []
    for step in BESIDE:
        beside = at + step
        there = ((beside >= 0) & (beside < inside.shape)).all(1)
        rows, columns = beside[there].T
        near = own[there]
        holds, joins = held[rows, columns], number[rows, columns] >= 0
        degree[near[holds | joins]] += 1
        pulls[near[holds]] += height[rows[holds], columns[holds]]
        links.append(np.stack([near[joins], number[rows[joins], columns[joins]]]))
    one, other = np.concatenate(links, 1)
    values = np.concatenate([degree, -np.ones(len(one))])
    places = (np.concatenate([own, one]), np.concatenate([own, other]))
    system = coo_matrix((values, places)).tocsc()
    found[free] = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(pulls)
    return found
