"""Detail that the autoencoder loses: laid back on the garment, where the decoded picture agrees, and nowhere else."""

import pytest
import torch
from torch import Tensor

from vton.detail import carry_detail

Stripes = tuple[Tensor, Tensor, Tensor]


@pytest.fixture
def striped() -> Stripes:
    """A composite of fine stripes (1, 3, 96, 72), the grey that an autoencoder makes of it, and a garment in the middle."""
    composite = torch.zeros(1, 3, 96, 72)
    composite[..., ::2] = 0.5
    worn = torch.zeros(1, 1, 96, 72)
    worn[..., 20:76, 16:56] = 1
    return composite, torch.full_like(composite, 0.25), worn


def test_stripes_come_back_on_the_garment_and_only_there(striped: Stripes) -> None:
    composite, rebuilt, worn = striped
    made = carry_detail(rebuilt, rebuilt, composite, worn)
    well_inside = (slice(None), slice(None), slice(26, 70), slice(22, 50))
    assert (made - composite)[well_inside].abs().max() < 0.3 * (rebuilt - composite)[well_inside].abs().max()
    far = torch.ones(96, 72, dtype=torch.bool)
    far[18:78, 14:58] = False
    assert torch.equal(made[..., far], rebuilt[..., far])


def test_nothing_is_laid_over_what_the_diffusion_made_otherwise(striped: Stripes) -> None:
    composite, rebuilt, worn = striped
    decoded = rebuilt.clone()
    decoded[..., :36] = -0.75  # another thing, such as an arm before the garment
    made = carry_detail(decoded, rebuilt, composite, worn)
    assert (made - decoded)[..., :30].abs().max() < 0.01
    assert (made - decoded)[..., 26:70, 44:50].abs().max() > 0.15


def test_none_of_it_leaves_the_picture_as_it_was_decoded(striped: Stripes) -> None:
    composite, rebuilt, worn = striped
    decoded = torch.rand(1, 3, 96, 72, generator=torch.Generator().manual_seed(0))
    assert torch.equal(carry_detail(decoded, rebuilt, composite, worn, 0.0), decoded)
