"""The cache of latents: found by content and autoencoder, whole after an interruption, the same whether found or worked out."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from vton.checkpoint import save_vae
from vton.errors import CheckpointError
from vton.images import read_json, write_json
from vton.latents import LatentCache, disk_bytes, open_latents
from vton.networks.vae import Posterior, Vae
from vton.presets import VAE

SIZE = (64, 48)


@pytest.fixture(scope="module")
def vae() -> Vae:
    torch.manual_seed(3)
    return Vae(VAE["tiny"].network).eval()


@pytest.fixture
def cache(tmp_path: Path) -> LatentCache:
    return LatentCache(tmp_path / "latents", "a" * 64)


def pictures(n: int) -> list[Tensor]:
    return list((torch.rand(n, 3, *SIZE, generator=torch.Generator().manual_seed(n)) * 2 - 1).split(1))


def files(cache: LatentCache) -> list[Path]:
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def equal(one: Posterior | None, other: Posterior | None) -> bool:
    return one is not None and other is not None and torch.equal(one.mean, other.mean) and torch.equal(one.logvar, other.logvar)


def test_what_is_kept_is_what_the_autoencoder_says_in_half_precision(vae: Vae, cache: LatentCache) -> None:
    for picture in pictures(5):
        assert cache.read(picture) is None
        made, said = cache.encode(vae, picture), vae.encode(picture)
        assert made.mean.dtype == torch.float32 and made.mean.shape == (1, 4, 8, 6)
        assert torch.allclose(made.mean, said.mean, rtol=1e-3, atol=1e-4)
        assert torch.allclose(made.logvar, said.logvar, rtol=1e-3, atol=1e-3)
        assert equal(made, cache.read(picture)), "a training goes on the same, whether the cache is cold or warm"
    assert len(files(cache)) == 5


def test_what_is_kept_is_not_worked_out_again(vae: Vae, cache: LatentCache, monkeypatch: pytest.MonkeyPatch) -> None:
    (seen,) = pictures(1)
    made = cache.encode(vae, seen)
    monkeypatch.delattr(Vae, "encode")
    assert equal(cache.encode(vae, seen), made)


def test_another_picture_and_another_autoencoder_find_nothing(vae: Vae, cache: LatentCache) -> None:
    (seen,) = pictures(1)
    cache.encode(vae, seen)
    changed = seen.clone()
    changed[0, 0, 5, 5] += 0.01
    for other in (changed, seen.flip(-1), seen.reshape(1, 3, 48, 64)):
        assert cache.read(other) is None
    assert LatentCache(cache.folder, "b" * 64).read(seen) is None and cache.read(seen.clone()) is not None


def test_the_folder_follows_weights_config_and_precision(vae: Vae, tmp_path: Path) -> None:
    (seen,), folder = pictures(1), tmp_path / "one"

    def known() -> bool:
        return open_latents(tmp_path / "cache", folder).read(seen) is not None

    save_vae(folder, vae, {})
    open_latents(tmp_path / "cache", folder).encode(vae, seen)
    assert known()
    write_json(folder / "config.json", read_json(folder / "config.json") | {"scaling_factor": 0.5})
    assert not known()
    torch.manual_seed(4)
    save_vae(folder, Vae(vae.config), {})
    assert not known()
    save_vae(folder, vae, {})
    assert known()
    assert open_latents(tmp_path / "cache", folder, "bf16").read(seen) is None
    with pytest.raises(CheckpointError, match="cannot be read"):
        open_latents(tmp_path / "cache", tmp_path / "nowhere")


def test_an_interruption_while_a_file_is_written_leaves_none(
    vae: Vae, cache: LatentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(file: int) -> None:
        raise KeyboardInterrupt

    (seen,) = pictures(1)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.encode(vae, seen)
    assert files(cache) == [] and cache.read(seen) is None
    cache.encode(vae, seen)
    assert len(files(cache)) == 1


@pytest.mark.parametrize("left", [0, 7, 50, 400])
def test_a_damaged_file_is_made_anew(vae: Vae, cache: LatentCache, left: int) -> None:
    (seen,) = pictures(1)
    made = cache.encode(vae, seen)
    (file,) = files(cache)
    whole = file.read_bytes()
    file.with_name(f".{file.name}.abc.tmp").write_bytes(whole[:left])  # as a kill in the middle of a write leaves it
    file.write_bytes(whole[:left])
    assert cache.read(seen) is None
    assert equal(cache.encode(vae, seen), made) and file.read_bytes() == whole


def test_the_size_on_the_disk_is_told_beforehand(vae: Vae, cache: LatentCache) -> None:
    for picture in pictures(3):
        cache.encode(vae, picture)
    found = sum(-(-file.stat().st_size // 4096) * 4096 for file in files(cache))
    assert found == disk_bytes(3, SIZE)
    assert disk_bytes(1, (256, 192)) == 16384, "12 KB of numbers and a little"
