"""LPIPS, FID and KID equal what the libraries themselves make of the same files; nothing is lost where one is missing."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_features import save_alexnet, save_inception
from vton import evaluate as evaluation
from vton.errors import CheckpointError, DataError
from vton.images import read_image, read_json, write_image, write_json
from vton.metrics.likeness import BATCH, batches, features, fid_card, frechet, kid_card, kid_subsets
from vton.metrics.networks import open_inception, open_lpips
from vton.metrics.table import to_unit
from vton.progress import Progress
from vton.weights import FOLDER_VARIABLE, TABLE

N, SIZE = 5, (96, 72)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_inception(folder)
    save_alexnet(folder)
    return folder


@pytest.fixture
def here(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(weights))
    return weights


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run from elsewhere of N results, and the folder `truth` beside it."""
    rng = np.random.default_rng(0)
    write_json(tmp_path / "run" / "config.json", {"format": 1})
    for index in range(N):
        smooth = np.kron(rng.integers(0, 256, (SIZE[0] // 8, SIZE[1] // 8, 3)), np.ones((8, 8, 1)))
        made = np.clip(smooth * 0.8 + rng.normal(20, 12, smooth.shape), 0, 255)
        write_image(tmp_path / "truth" / f"p{index}__c.png", smooth.astype(np.uint8))
        write_image(tmp_path / "run" / "results" / f"p{index}__c.png", made.astype(np.uint8))
    return tmp_path / "run"


def test_fid_and_kid_are_torch_fidelitys(run: Path, here: Path) -> None:
    """FID's own layer has 2048 features, whose eigenvalues take torch-fidelity a minute: it is compared at 64."""
    from torch_fidelity import calculate_metrics

    truth = run.parent / "truth"
    expected = calculate_metrics(
        input1=str(run / "results"),
        input2=str(truth),
        feature_extractor_weights_path=str(here / TABLE["inception"].place),
        fid=True,
        feature_layer_fid="64",
        kid=True,
        kid_subsets=1,
        kid_subset_size=N,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    report = evaluation.evaluate(run, reference=truth, metrics=["fid", "kid"])
    kid = report["metrics"]["kid"]
    assert kid["value"] == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-3) and kid["value"] > 1e-4
    sets = [sorted(folder.iterdir()) for folder in (run / "results", truth)]
    network = open_inception("cpu", "64")
    found = [features(network, map(read_image, paths), Progress(N, "Test"), "cpu") for paths in sets]
    assert frechet(*found) == pytest.approx(expected["frechet_inception_distance"], rel=1e-3)
    fid = report["metrics"]["fid"]
    assert fid["n"] == kid["n"] == N and fid["higher_is_better"] is False and fid["interval"] is None
    assert fid["card"]["library"] == f"torch-fidelity {version('torch-fidelity')}" and fid["card"]["size"] == "96x72"
    assert kid["card"]["subsets"] == f"1 of {N}" and fid["card"]["reference"] == "the true photos"


@pytest.mark.parametrize(("n", "m", "d"), [(30, 20, 12), (9, 7, 12), (40, 8, 12)])
def test_the_frechet_distance_is_that_of_the_covariances(n: int, m: int, d: int) -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    generator = torch.Generator().manual_seed(n)
    a, b = torch.randn(n, d, generator=generator), torch.rand(m, d, generator=generator) * 2
    expected = fid_statistics_to_metric(fid_features_to_statistics(a), fid_features_to_statistics(b), verbose=False)
    assert frechet(a, b) == pytest.approx(expected["frechet_inception_distance"], rel=1e-4)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_lpips_is_torchmetrics(run: Path, here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own function takes AlexNet from torch's cache: the same weights are laid there."""
    from torchmetrics.functional.image.lpips import learned_perceptual_image_patch_similarity

    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    name = "alexnet-owt-7be5be79.pth"
    (tmp_path / "hub" / "checkpoints" / name).symlink_to(here / name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    truth = run.parent / "truth"
    pictures = [
        torch.cat([to_unit(read_image(path)) for path in sorted(folder.iterdir())]) for folder in (run / "results", truth)
    ]
    expected = learned_perceptual_image_patch_similarity(*pictures, net_type="alex", normalize=True, reduction="none")
    report = evaluation.evaluate(run, reference=truth, metrics=["lpips"])
    assert [values["lpips"] for _, values in sorted(report["pairs"].items())] == pytest.approx(expected.tolist(), rel=1e-3)
    entry = report["metrics"]["lpips"]
    assert entry["value"] == pytest.approx(float(expected.mean()), rel=1e-3) and entry["n"] == N
    assert "torchmetrics" in entry["card"]["library"] and len(entry["card"]["weights_sha256"]) == 64


def test_what_is_missing_is_named_and_the_rest_is_computed(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "none"))
    asked = [str(run), "--reference", str(run.parent / "truth")]
    assert evaluation.main(asked) == 0
    said = capsys.readouterr().err
    assert "weights-inception-2015-12-05-6726825d.pth" in said and str(tmp_path / "none") in said and "fid, kid" in said
    stored = read_json(run / "metrics.json")
    assert "psnr" in stored["metrics"] and set(stored["left_out"]) == {"lpips", "fid", "kid"}
    assert evaluation.main([*asked, "--metrics", "psnr", "fid"]) == 1, "what was asked for by name is missing"
    with pytest.raises(DataError, match="--fetch alexnet"):
        (run / "metrics.json").unlink()
        evaluation.evaluate(run, reference=run.parent / "truth", metrics=["lpips"])


def test_a_second_call_keeps_what_was_measured_on_the_same_pictures(run: Path, here: Path) -> None:
    truth = run.parent / "truth"
    evaluation.evaluate(run, reference=truth, metrics=["psnr"])
    both = evaluation.evaluate(run, reference=truth, metrics=["lpips"])
    assert set(both["metrics"]) == {"psnr", "lpips"} and set(both["pairs"]["p0__c"]) == {"psnr", "lpips"}
    write_image(run / "results" / "p0__c.png", read_image(truth / "p0__c.png"))
    assert set(evaluation.evaluate(run, reference=truth, metrics=["lpips"])["metrics"]) == {"lpips"}


@pytest.mark.parametrize("content", [b"not a checkpoint", None])
def test_a_foreign_file_is_refused_in_one_sentence(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    for name, open_network, other in (
        ("weights-inception-2015-12-05-6726825d.pth", open_inception, "alexnet-owt-7be5be79.pth"),
        ("alexnet-owt-7be5be79.pth", open_lpips, "weights-inception-2015-12-05-6726825d.pth"),
    ):
        (tmp_path / name).write_bytes(content or (here / other).read_bytes())
        with pytest.raises(CheckpointError, match=f"{name} does not hold the weights") as refused:
            open_network("cpu")
        assert "\n" not in str(refused.value)


def test_few_pictures_are_said_to_be_few() -> None:
    assert kid_subsets(12) == (1, 12) and kid_subsets(2032) == (100, 1000)
    assert "caution" in fid_card(2047) and "caution" not in fid_card(2048)
    assert kid_card(12, 0.0)["subsets"] == "1 of 12" and "0.01" in kid_card(2032, 0.01)["deviation"]


def test_a_batch_has_pictures_of_one_size() -> None:
    shapes = [(4, 3)] * (BATCH + 1) + [(3, 4)] * 2
    sizes = [batch.shape for batch in batches(np.zeros((*shape, 3), np.uint8) for shape in shapes)]
    assert sizes == [(BATCH, 4, 3, 3), (1, 4, 3, 3), (2, 3, 4, 3)]


def test_the_file_is_plain_json(run: Path, here: Path) -> None:
    report = evaluation.evaluate(run, reference=run.parent / "truth", metrics=["ssim", "lpips"])
    assert json.loads((run / "metrics.json").read_text()) == report
