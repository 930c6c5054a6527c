"""The garment's finest detail, which no autoencoder with a factor of 8 keeps, laid back into what was decoded.

What is lost is known: it is the composite less what the autoencoder makes of the composite. Where the decoded picture agrees
with that in the large, so where the diffusion left the warped garment at its place, the loss is added to it again; at the
photo's size, so that it also brings back what is finer than the network's pixels.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

DETAIL = 0.8  # of what is lost
AGREEING = 0.2  # difference of blurred colours, in units of -1..1, at which a third of it is added
BROAD, EDGE, SOFT = 1 / 64, 1 / 256, 1 / 256  # of the height: what "in the large" is; bare rim; how softly it begins


def carry_detail(decoded: Tensor, rebuilt: Tensor, composite: Tensor, worn: Tensor, share: float = DETAIL) -> Tensor:
    """The `decoded` picture with the detail that the `composite` has, and what the autoencoder `rebuilt` of it has not.

    It is added where the warped garment is `worn` (1, 1, H, W; 0 or 1). The others are (1, 3, H, W) in -1..1; all are of the
    photo's size.
    """
    height = decoded.shape[-2]
    rim = 2 * max(1, round(EDGE * height)) + 1
    inner = cv2.erode(worn[0, 0].numpy(), np.ones((rim, rim), np.uint8), borderValue=0)
    weight = torch.from_numpy(cv2.GaussianBlur(inner, (0, 0), SOFT * height))[None, None]
    apart = _blurred(decoded - rebuilt, BROAD * height).abs().mean(1, keepdim=True)
    return decoded + share * weight * torch.exp(-((apart / AGREEING) ** 2)) * (composite - rebuilt)


def _blurred(picture: Tensor, sigma: float) -> Tensor:
    pixels = picture[0].permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(cv2.GaussianBlur(pixels, (0, 0), sigma)).permute(2, 0, 1)[None]
