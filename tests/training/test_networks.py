"""What the networks compute, held against transformers' and torch's own layers or plain sums over words and pixels."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.models.audio_gru import AudioGRU
from training.models.cnn import CNN
from training.models.gpt import GPT, norm
from training.models.gpt import Block as WritingBlock
from training.models.mlp import MLP
from training.models.recurrent_lm import RecurrentWriter
from training.models.resnet import Block as ResidualBlock
from training.models.text_bag import BagOfEmbeddings
from training.models.text_cnn import TextCNN
from training.models.text_parts import AttentionPooling
from training.models.text_recurrent import Cell
from training.models.text_transformer import Block as ReadingBlock
from training.models.vit import ViT

IDS = torch.tensor([[2, 5, 3, 1], [4, 4, 0, 0]])
STANDS = torch.tensor([[True] * 4, [True, True, False, False]])


@pytest.fixture(autouse=True)
def _the_same_numbers() -> None:
    torch.manual_seed(0)


def knowing(network: nn.Module) -> Any:
    """The network with other weights than those it begins with, some of which are 0; dropout off."""
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.4)
    return network.eval()


def test_a_block_that_writes_attends_like_qwen3_and_squares_what_it_keeps() -> None:
    from transformers import Qwen3Config
    from transformers.models.qwen3.modeling_qwen3 import Qwen3Attention, Qwen3RotaryEmbedding

    width, heads, tokens = 16, 2, 5
    config = Qwen3Config(
        hidden_size=width,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=width // heads,
        rms_norm_eps=torch.finfo(torch.float32).eps,
    )
    config._attn_implementation = "eager"
    ours, theirs = knowing(WritingBlock(width, heads, 0.0)), Qwen3Attention(config, layer_idx=0)
    for mine, peer in zip(("query", "key", "value", "project"), ("q", "k", "v", "o"), strict=True):
        getattr(theirs, f"{peer}_proj").load_state_dict(getattr(ours, mine).state_dict())
    x = torch.randn(2, tokens, width)
    turns = Qwen3RotaryEmbedding(config)(x, torch.arange(tokens)[None])
    later = torch.full((tokens, tokens), -torch.inf).triu(1)[None, None]
    looked = x + theirs(norm(x), position_embeddings=turns, attention_mask=later)[0]
    expected = looked + ours.down(ours.up(norm(looked)).clamp(min=0) ** 2)
    gpt = GPT(7, tokens, layers=1, width=width, heads=heads)
    found, _ = ours(x, (gpt.cosine[None, None], gpt.sine[None, None]), None, None)
    torch.testing.assert_close(found, expected)


def test_a_block_that_reads_is_that_of_torch() -> None:
    ours = knowing(ReadingBlock(16, 4, 0.0))
    theirs = nn.TransformerEncoderLayer(16, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    names = {
        "queries_keys_values.": "self_attn.in_proj_",
        "mix": "self_attn.out_proj",
        "widen": "linear1",
        "narrow": "linear2",
        "norm_units": "norm2",
        "norm.": "norm1.",
    }
    renamed = {}
    for name, weight in ours.state_dict().items():
        mine = next(start for start in names if name.startswith(start))
        renamed[names[mine] + name.removeprefix(mine)] = weight
    theirs.load_state_dict(renamed)
    x = torch.randn(2, 4, 16)
    padding = ~STANDS
    expected = theirs(x, src_key_padding_mask=padding)
    torch.testing.assert_close(ours(x, STANDS[:, None, None, :])[STANDS], expected[STANDS])


def test_a_residual_block_is_that_of_transformers() -> None:
    from transformers.models.resnet.modeling_resnet import ResNetBasicLayer

    ours: Any = knowing(ResidualBlock(3, 5, stride=2))
    theirs: Any = ResNetBasicLayer(3, 5, stride=2).eval()
    pairs = (
        (ours.first, theirs.layer[0].convolution),
        (ours.first_norm, theirs.layer[0].normalization),
        (ours.second, theirs.layer[1].convolution),
        (ours.second_norm, theirs.layer[1].normalization),
        (ours.short_cut[0], theirs.shortcut.convolution),
        (ours.short_cut[1], theirs.shortcut.normalization),
    )
    for mine, peer in pairs:
        peer.load_state_dict(mine.state_dict())
    maps = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(ours(maps), theirs(maps))


def test_patches_are_cut_and_read_as_transformers_vit_does() -> None:
    from transformers import ViTConfig
    from transformers.models.vit.modeling_vit import ViTPatchEmbeddings

    ours = knowing(ViT(Shapes(outputs=3, channels=3, height=8, width=8), patch=4, width=16, layers=1, heads=2))
    theirs: Any = ViTPatchEmbeddings(ViTConfig(image_size=8, patch_size=4, hidden_size=16))
    theirs.projection.load_state_dict(ours.patches.state_dict())
    pictures = torch.randn(2, 3, 8, 8)
    read = ours.layers[0](theirs(pictures) + ours.places)
    torch.testing.assert_close(ours(pictures), ours.head(ours.norm(read).mean(dim=1)))


def test_a_plain_cnn_slides_its_filters_over_every_place() -> None:
    shapes = Shapes(outputs=3, channels=2, height=4, width=4)
    network = knowing(CNN(shapes, filters=2, hidden=3, dropout=0.5, largest_map=1))

    def slide(maps: Tensor, layer: Any) -> Tensor:
        padded, side = F.pad(maps, (1, 1, 1, 1)), maps.shape[-1]
        places = [[padded[:, row : row + 3, column : column + 3] for column in range(side)] for row in range(side)]
        seen = [[(layer.weight * place).sum(dim=(1, 2, 3)) + layer.bias for place in row] for row in places]
        return torch.stack([torch.stack(row, dim=1) for row in seen], dim=1).relu()

    def strongest(maps: Tensor) -> Tensor:
        return maps.unflatten(1, (-1, 2)).unflatten(3, (-1, 2)).amax(dim=(2, 4))

    picture = torch.randn(2, 4, 4)
    maps = strongest(slide(strongest(slide(picture, network.features[0])), network.features[3]))
    units = (network.dense[0].weight @ maps.flatten() + network.dense[0].bias).relu()
    expected = network.head.weight @ units + network.head.bias
    torch.testing.assert_close(network(picture[None])[0], expected)


def test_a_bag_of_embeddings_is_the_mean_of_words_and_pairs() -> None:
    network = knowing(BagOfEmbeddings(6, 3, width=4, buckets=11, dropout=0.5, word_dropout=0.5))
    for row, length in ((0, 4), (1, 2)):
        ids = IDS[row, :length].tolist()
        pairs = [(one * 92_821 + other) % 11 for one, other in itertools.pairwise(ids)]
        found = [network.embedding.weight[word] for word in ids] + [network.pairs.weight[pair] for pair in pairs]
        expected = network.head(sum(found) / len(found))
        torch.testing.assert_close(network(IDS, STANDS)[row], expected)


def test_a_text_cnn_keeps_the_strongest_run_of_words() -> None:
    network = knowing(TextCNN(6, 3, width=4, runs=(1, 2), detectors=5, dropout=0.5, word_dropout=0.5))
    for row, length in ((0, 4), (1, 2)):
        words = torch.cat([network.embedding.weight[IDS[row, :length]], torch.zeros(1, 4)])  # nothing follows a text
        strongest = []
        for run, detector in zip((1, 2), network.detectors, strict=True):
            found = [(detector.weight * words[at : at + run].T).sum(dim=(1, 2)) + detector.bias for at in range(length)]
            strongest.append(torch.stack(found).relu().amax(dim=0))
        torch.testing.assert_close(network(IDS, STANDS)[row], network.head(torch.cat(strongest)))


def test_attention_pools_by_the_softmax_of_scores() -> None:
    pool, notes = knowing(AttentionPooling(4)), torch.randn(2, 4, 4)
    for row, length in ((0, 4), (1, 2)):
        scores = [(pool.score.weight @ torch.tanh(pool.hidden(note))).exp() for note in notes[row, :length]]
        expected = sum(score / sum(scores) * note for score, note in zip(scores, notes[row], strict=False))
        torch.testing.assert_close(pool(notes, STANDS)[row], expected)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_memory_is_rewritten_by_the_equations_of_its_paper(cell: Cell) -> None:
    width = 3
    network = knowing(RecurrentWriter(6, cell=cell, layers=1, width=width, dropout=0.0))
    memory = network.memory
    hidden, kept, said = torch.zeros(width), torch.zeros(width), []
    for token in IDS[0]:
        new = memory.weight_ih_l0 @ network.embedding.weight[token] + memory.bias_ih_l0
        old = memory.weight_hh_l0 @ hidden + memory.bias_hh_l0
        if cell == "rnn":
            hidden = torch.tanh(new + old)
        elif cell == "gru":
            reset, update = ((new + old).sigmoid()[:width], (new + old).sigmoid()[width : 2 * width])
            hidden = (1 - update) * torch.tanh(new[2 * width :] + reset * old[2 * width :]) + update * hidden
        else:
            take, keep, candidate, show = (new + old).chunk(4)
            kept = keep.sigmoid() * kept + take.sigmoid() * candidate.tanh()
            hidden = show.sigmoid() * kept.tanh()
        said.append(network.head(hidden))
    torch.testing.assert_close(network(IDS[:1])[0], torch.stack(said))


def test_a_memory_of_sounds_hears_a_few_frames_at_a_time_from_both_ends() -> None:
    network = knowing(AudioGRU(bands=2, stride=2, hidden_size=3, layers=1, outputs=4, dropout=0.5))
    spectra = torch.randn(1, 1, 2, 7)  # the seventh frame is left over
    moments = torch.stack([torch.cat([spectra[0, 0, :, at], spectra[0, 0, :, at + 1]]) for at in (0, 2, 4)])
    heard, _ = network.memory(moments[None])
    weights = (heard[0] @ network.attention.weight[0]).softmax(dim=0)
    torch.testing.assert_close(network(spectra)[0], network.head(weights @ heard[0]))


def test_a_perceptron_is_weighted_sums_of_numbers_and_of_ones_for_categories() -> None:
    network = knowing(MLP(Shapes(outputs=2, numbers=2, categories=(3,)), hidden=(4,)))
    numbers, codes = torch.tensor([[0.5, -1.0]]), torch.tensor([[2]])
    first, last = network.hidden[0], network.head
    units = first.weight @ torch.tensor([0.5, -1.0, 0.0, 0.0, 1.0]) + first.bias
    expected = last.weight @ units.clamp(min=0) + last.bias
    torch.testing.assert_close(network(numbers, codes)[0], expected)
