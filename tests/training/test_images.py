"""Pictures: decoding, variation, the two networks, and that a picture gets the answer it was judged by."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image, ImageDraw
from torch import nn

from training.architectures import ARCHITECTURES, Facts, Shapes
from training.device import Device
from training.errors import TrainingError
from training.events import Event, Progress, Stopped
from training.loop import train
from training.media.images import decode_picture, mix, survey, vary
from training.media.occlusion import occlude
from training.media.picture_size import fit_pictures
from training.models.softmax_regression import fit_softmax_regression
from training.models.speednet import SpeedNet, Whitening
from training.objectives.image import PicturePredictor
from training.recipes import PRESETS, Recipe
from training.spec import TrainSpec

CPU = Device(torch.device("cpu"), torch.float32)
NETWORKS = [
    key
    for key, architecture in ARCHITECTURES.items()
    if "image-classification" in architecture.tasks and "source" not in architecture.model_fields
]
CONVOLUTIONAL = ["cnn", "speednet", "resnet"]
SMALL = {
    "cnn": {"filters": 8, "hidden": 16, "dropout": 0.1},
    "speednet": {"width": 8},
    "resnet": {"width": 8, "blocks": 1},
    "pixel-linear": {},
    "vit": {"width": 32, "layers": 2, "patches": 5},
}


def shape_picture(kind: str, random: np.random.Generator, side: int = 20) -> Image.Image:
    """A square or a disc of any colour, anywhere on a noisy ground."""
    picture = Image.fromarray(random.integers(0, 90, (side, side, 3), dtype=np.uint8))
    left, top = random.integers(1, side // 2, 2).tolist()
    box = (left, top, left + side // 2 - 1, top + side // 2 - 1)
    colour = tuple(random.integers(120, 255, 3).tolist())
    pen = ImageDraw.Draw(picture)
    if kind == "square":
        pen.rectangle(box, fill=colour)
    else:
        pen.line((box[0], box[1], box[2], box[3]), fill=colour, width=2)
    return picture


def encoded(picture: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def shapes_frame() -> pl.DataFrame:
    random = np.random.default_rng(0)
    kinds = ["square", "line"] * 60
    cells = [{"bytes": encoded(shape_picture(kind, random)), "path": f"{kind}.png"} for kind in kinds]
    return pl.DataFrame({"picture": cells, "kind": kinds})


@pytest.fixture
def picture_spec(make_data: Callable[..., Path], shapes_frame: pl.DataFrame) -> Callable[..., TrainSpec]:
    def make(architecture: str, **recipe: object) -> TrainSpec:
        facts = Facts(96, Shapes(outputs=2, channels=3, height=20, width=20))
        preset = ARCHITECTURES[architecture].preset("quick", "image-classification", facts)[1]
        short = {"epochs": 10, "batch_size": 16, "evaluations": 3, **recipe}
        return TrainSpec(
            task="image-classification",
            data=str(make_data(shapes_frame)),
            roles={"target": ["kind"], "image": ["picture"]},
            architecture=architecture,
            settings=SMALL[architecture],
            recipe=preset.model_copy(update=short),
        )

    return make


def losses(events: list[Event]) -> dict[int, float]:
    progress = [event for event in events if isinstance(event, Progress) and "train/loss" in event.points]
    told = [event.points["train/loss"] for event in progress]
    return {step: value for points in told for step, value in zip(points.steps, points.values, strict=True)}


@pytest.mark.parametrize("network", CONVOLUTIONAL)
def test_every_network_of_filters_learns_to_tell_shapes_apart(
    network: str, picture_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    finished = list(train(picture_spec(network), tmp_path))[-1]
    assert finished.type == "finished"
    assert finished.metrics["accuracy"] > 0.85


@pytest.mark.parametrize("network", NETWORKS)
def test_a_picture_run_stopped_and_resumed_gives_the_curve_of_one_that_was_not(
    network: str, picture_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    spec = picture_spec(network, epochs=3)
    whole = list(train(spec, tmp_path / "whole"))
    questions = iter(range(1, 1_000))
    first = list(train(spec, tmp_path / "parts", lambda: next(questions) >= 8))
    assert isinstance(first[-1], Stopped)
    rest = list(train(spec, tmp_path / "parts"))
    assert {**losses(first), **losses(rest)} == losses(whole)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_picture_file_gets_the_answer_it_was_judged_by(
    network: str, picture_spec: Callable[..., TrainSpec], shapes_frame: pl.DataFrame, tmp_path: Path
) -> None:
    list(train(picture_spec(network, epochs=2), tmp_path))
    judged = pl.read_parquet(tmp_path / "predictions.parquet").head(8).to_dicts()
    paths = [tmp_path / f"{one['row']}.png" for one in judged]
    for path, one in zip(paths, judged, strict=True):
        path.write_bytes(shapes_frame["picture"][one["row"]]["bytes"])
    answers = PicturePredictor(tmp_path / "model", CPU).answer([{"image": str(path)} for path in paths], {})
    for answer, one in zip(answers, judged, strict=True):
        assert answer["label"] == one["prediction"]
        assert answer["probabilities"][one["prediction"]] == pytest.approx(one["confidence"], abs=1e-5)  # type: ignore[index]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    "shapes",
    [
        Shapes(outputs=10, channels=3, height=32, width=32),
        Shapes(outputs=10, channels=1, height=8, width=8),
        Shapes(outputs=3, channels=1, height=28, width=28),
        Shapes(outputs=2, channels=3, height=300, width=500),
        Shapes(outputs=2, channels=3, height=6, width=400),
    ],
    ids=lambda shapes: f"{shapes.height}x{shapes.width}",
)
def test_every_network_takes_every_size_and_knows_its_parameters(network: str, preset: str, shapes: Shapes) -> None:
    settings, _ = ARCHITECTURES[network].preset(preset, "image-classification", Facts(1000, shapes))  # type: ignore[arg-type]
    model = settings.build(shapes)
    seen = fit_pictures(shapes, settings.image_size)  # type: ignore[attr-defined]
    scores = model(torch.rand(2, seen.channels, seen.height, seen.width))
    assert scores.shape == (2, shapes.outputs)
    assert scores.isfinite().all()
    assert settings.cost(shapes).parameters == sum(weight.numel() for weight in model.parameters())


def test_the_first_layer_whitens_the_patches_it_was_computed_from() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(200, 3, 16, 16, generator=generator)
    smooth = nn.functional.avg_pool2d(noise, 3, stride=1) * 3  # neighbours are alike, as in photographs
    layer = Whitening(3, 54, kernel=3, stride=1)
    layer.learn(smooth, noise=0.0)
    answers = layer(smooth)[:, :27].transpose(0, 1).flatten(1)
    covariance = answers @ answers.T / answers.size(1)
    assert torch.allclose(covariance, torch.eye(27), atol=0.15)
    assert torch.equal(layer.filters[:27], -layer.filters[27:])


def test_the_first_layer_of_a_run_comes_from_its_pictures(
    picture_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    from training.examples import read_examples
    from training.objectives.image import PictureClasses

    spec = picture_spec("speednet")
    objective = PictureClasses(spec, read_examples(spec), CPU, tmp_path / "model")
    model = spec.network().build(objective.shapes)
    assert isinstance(model, SpeedNet)
    before = model.whitening.filters.clone()
    objective.initialise(model)
    assert not torch.equal(before, model.whitening.filters)


def test_a_picture_is_mirrored_in_every_second_epoch() -> None:
    pictures = torch.arange(16 * 6, dtype=torch.uint8).view(16, 1, 1, 6)
    chosen = torch.arange(16)
    sides = []
    for epoch in range(4):
        varied = vary(pictures, chosen, epoch=epoch, seed=0, shift=0, mirror=True)
        mirrored = (varied == pictures.flip(3)).flatten(1).all(1)
        assert torch.equal(mirrored, ~(varied == pictures).flatten(1).all(1))
        sides.append(mirrored)
    assert torch.equal(sides[0], ~sides[1])
    assert torch.equal(sides[0], sides[2])
    assert 0 < sides[0].sum() < 16


def test_a_moved_picture_is_reflected_at_its_borders() -> None:
    pictures = torch.randint(0, 256, (40, 2, 9, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    varied = vary(pictures, torch.arange(40), epoch=3, seed=1, shift=2, mirror=False)
    padded = nn.functional.pad(pictures.float(), (2, 2, 2, 2), mode="reflect").byte()
    places = {(top, left) for top in range(5) for left in range(5)}
    found = set()
    for picture, wide in zip(varied, padded, strict=True):
        fits = [at for at in places if torch.equal(picture, wide[:, at[0] : at[0] + 9, at[1] : at[1] + 7])]
        assert len(fits) == 1
        found.update(fits)
    assert len(found) > 15


def test_variation_follows_from_picture_epoch_and_seed_alone() -> None:
    pictures = torch.randint(0, 256, (8, 3, 12, 12), dtype=torch.uint8)
    together = vary(pictures, torch.arange(8), epoch=2, seed=5, shift=2, mirror=True)
    alone = vary(pictures, torch.tensor([6]), epoch=2, seed=5, shift=2, mirror=True)
    assert torch.equal(together[6:7], alone)
    assert not torch.equal(together, vary(pictures, torch.arange(8), epoch=2, seed=6, shift=2, mirror=True))


def test_grey_pictures_are_moved_but_not_mirrored(make_data: Callable[..., Path], tmp_path: Path) -> None:
    from training.examples import read_examples
    from training.objectives.image import PictureClasses

    random = np.random.default_rng(0)
    cells = [{"bytes": encoded(shape_picture("line", random).convert("L")), "path": ""} for _ in range(20)]
    data = make_data(pl.DataFrame({"picture": cells, "kind": ["a", "b"] * 10}))
    spec = TrainSpec(
        task="image-classification",
        data=str(data),
        roles={"target": ["kind"], "image": ["picture"]},
        architecture="cnn",
        recipe=Recipe(augment=True),
    )
    objective = PictureClasses(spec, read_examples(spec), CPU, tmp_path / "model")
    assert objective.shapes.channels == 1
    assert objective.viewing.shift > 0
    assert not objective.viewing.mirror


def test_pictures_of_mixed_sizes_become_squares_and_common_sizes_stay() -> None:
    wide, tall = encoded(Image.new("RGB", (40, 20))), encoded(Image.new("L", (10, 30)))
    assert survey([wide] * 10) == (3, 20, 40)
    assert survey([wide, tall]) == (3, 35, 35)
    assert survey([tall]) == (1, 30, 10)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_every_mode_are_decoded(mode: str, channels: int) -> None:
    level = {"F": 128.0, "I;16": 128 * 256, "I": 128}
    picture = Image.new(mode, (30, 10), level[mode]) if mode in level else Image.new("RGB", (30, 10)).convert(mode)
    cell = encoded(picture, "TIFF")
    pixels = decode_picture(io.BytesIO(cell), channels=channels, height=8, width=24)
    assert pixels.shape == (channels, 8, 24)
    assert pixels.min() == pixels.max() == (128 if mode in level else 0)


def test_a_transparent_picture_lies_on_white() -> None:
    cell = encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    assert decode_picture(io.BytesIO(cell), channels=3, height=8, width=8).min() == 255


def test_a_photograph_taken_sideways_is_turned_upright() -> None:
    picture = Image.new("RGB", (32, 16))
    picture.paste((255, 255, 255), (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate a quarter to the right
    cell = encoded(picture, "JPEG", exif=exif, quality=95)
    pixels = decode_picture(io.BytesIO(cell), channels=1, height=32, width=16)
    assert pixels[0, :12].min() > 200
    assert pixels[0, 20:].max() < 50


@pytest.mark.parametrize("content", [b"", b"no picture", encoded(Image.new("RGB", (64, 64)))[:60]])
def test_a_file_that_is_no_picture_is_told_in_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="no picture that can be read"):
        decode_picture(path, channels=3, height=8, width=8)


def test_a_picture_of_too_many_pixels_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (12_000, 12_000)).save(path)
    with pytest.raises(TrainingError, match="too many to open"):
        decode_picture(path, channels=3, height=8, width=8)


def test_many_pictures_lie_in_a_file_that_leaves_nothing_behind(
    picture_spec: Callable[..., TrainSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.examples import read_examples
    from training.media import encoded
    from training.objectives import image

    spec = picture_spec("cnn")
    examples = read_examples(spec)
    in_memory = image.PictureClasses(spec, examples, CPU, tmp_path / "model")
    monkeypatch.setattr(encoded, "IN_MEMORY", 1000)
    mapped = image.PictureClasses(spec, examples, CPU, tmp_path / "model")
    assert torch.equal(in_memory.pictures, mapped.pictures)
    assert not list(tmp_path.glob("tmp*"))


def test_the_linear_baseline_is_the_logistic_regression_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    generator = torch.Generator().manual_seed(0)
    features = torch.randn(300, 5, generator=generator)
    classes = (features[:, 0] + torch.randn(300, generator=generator)).gt(0).long() + features[:, 1].gt(0.5).long()
    ours = fit_softmax_regression(features, classes, 3, decay=0.01)(features)
    peer = LogisticRegression(C=1 / (0.01 * 300), tol=1e-8, max_iter=1000).fit(features.numpy(), classes.numpy())
    assert np.allclose(ours, peer.predict_proba(features.numpy()), atol=2e-3)


def test_a_patch_knows_its_place(tmp_path: Path) -> None:
    from training.models.vit import ViT

    torch.manual_seed(0)
    model = ViT(Shapes(outputs=2, channels=1, height=20, width=14), patch=5, width=16, layers=1, heads=2).eval()
    picture = torch.zeros(1, 1, 20, 14)
    picture[..., :5, :5] = 1.0
    assert model.places.shape == (4 * 3, 16)
    assert len(model.places.unique(dim=0)) == 12
    assert not torch.allclose(model(picture), model(picture.flip(2)[..., -20:, :]))


@pytest.fixture
def small_vit(tmp_path: Path) -> Path:
    """A Vision Transformer with random weights for 16 × 16 pixels, as transformers saves it."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    folder = tmp_path / "vit"
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=16,
        patch_size=4,
    )
    ViTForImageClassification(config).save_pretrained(folder)
    return folder


def test_a_pretrained_network_keeps_what_it_knows_and_gets_a_fresh_output(small_vit: Path) -> None:
    from transformers import ViTForImageClassification

    from training.models.pretrained_vision import PretrainedVision

    settings = ARCHITECTURES["pretrained-vision"].model_validate({"source": str(small_vit), "trained": "head"})
    model = settings.build(Shapes(outputs=3, channels=1, height=20, width=20))
    assert isinstance(model, PretrainedVision)
    theirs = ViTForImageClassification.from_pretrained(small_vit)
    ours = model.network.state_dict()
    kept = {name: weight for name, weight in theirs.state_dict().items() if not name.startswith("classifier")}
    assert all(torch.equal(weight, ours[name]) for name, weight in kept.items())
    assert model(torch.rand(2, 1, 20, 12)).shape == (2, 3)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained == {"network.classifier.weight", "network.classifier.bias"}


def test_a_model_that_does_not_see_is_refused_in_words(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(GPT2Config(vocab_size=10, n_embd=8, n_layer=1, n_head=1)).save_pretrained(tmp_path)
    settings = ARCHITECTURES["pretrained-vision"].model_validate({"source": str(tmp_path)})
    with pytest.raises(TrainingError, match="cannot sort pictures"):
        settings.build(Shapes(outputs=2, channels=3, height=16, width=16))


def test_cutmix_pastes_a_rectangle_and_counts_it() -> None:
    torch.manual_seed(0)
    pictures = torch.arange(6.0)[:, None, None, None].expand(6, 3, 10, 8)
    for _ in range(20):
        mixed, partners, own = mix(pictures, "cutmix")
        kept = mixed == pictures
        assert torch.equal(mixed, torch.where(kept, pictures, pictures[partners]))
        moved = partners != torch.arange(6)
        assert torch.allclose(kept[moved].float().mean(dim=(1, 2, 3)), torch.tensor(own).expand(int(moved.sum())))


def test_mixup_blends_by_the_share_it_tells() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(5, 1, 4, 4)
    mixed, partners, own = mix(pictures, "mixup")
    assert torch.allclose(mixed, own * pictures + (1 - own) * pictures[partners])


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixed_pictures_are_learnt_too(kind: str, picture_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    finished = list(train(picture_spec("speednet", mix=kind, epochs=12), tmp_path))[-1]
    assert finished.type == "finished"
    assert finished.metrics["accuracy"] > 0.8


def test_the_region_that_mattered_is_where_the_network_looks() -> None:
    picture = torch.zeros(1, 40, 24, dtype=torch.uint8)
    picture[:, 25:30, 15:20] = 200

    def bright_below(pictures: torch.Tensor) -> torch.Tensor:
        light = pictures[:, 0, 20:].float().mean(dim=(1, 2))
        return torch.stack([light, torch.zeros_like(light)], dim=1)

    mattered = occlude(bright_below, picture, torch.zeros(1, 1, 1, dtype=torch.uint8))
    row, column = divmod(int(mattered.argmax()), 24)
    assert (25 <= row < 30) and (15 <= column < 20)
    assert mattered.max() == pytest.approx(1.0)
    assert mattered[:15].max() == 0.0


def test_an_explained_answer_shows_the_picture(picture_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    list(train(picture_spec("cnn", epochs=1), tmp_path))
    path = tmp_path / "one.png"
    path.write_bytes(encoded(shape_picture("square", np.random.default_rng(0))))
    (answer,) = PicturePredictor(tmp_path / "model", CPU).answer([{"image": str(path)}], {"explain": True})
    kind, content = str(answer["region"]).split(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (260, 260)


def test_a_training_begins_with_small_pictures_and_ends_with_whole_ones(
    picture_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    from training.examples import read_examples
    from training.objectives.image import PictureClasses

    class Eye(nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            seen.append((pictures.shape[-2], pictures.shape[-1]))
            return torch.zeros(len(pictures), 2)

    seen: list[tuple[int, int]] = []
    spec = picture_spec("speednet", epochs=10)
    objective = PictureClasses(spec, read_examples(spec), CPU, tmp_path / "model")
    for epoch in range(10):
        objective.loss(Eye(), torch.arange(4), epoch)
    assert seen == [(14, 14)] * 7 + [(20, 20)] * 3
    objective.evaluate(Eye(), "test")
    assert seen[-1] == (20, 20)
