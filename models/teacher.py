"""The larger network that teaches the shipped one: fine-tuned from the same labels, then asked about every text."""

from collections.abc import Sequence
from pathlib import Path

import torch

from models.encoders import Encoder
from models.fitting import Say, fit, padded
from models.lessons import Corpus, Opinion, Opinions, for_teacher, from_labels
from models.manifest import TeacherSettings, TrainingSettings
from models.mention_network import MentionNetwork
from models.token_batches import tokenise

ASKED_TOGETHER = 64
BATCHES_A_REPORT = 100


def ask_teacher(
    corpus: Corpus, encoder: Encoder, settings: TrainingSettings, teacher: TeacherSettings, work: Path, say: Say
) -> Opinions:
    """What the teacher says of every text of the corpus. Its weights stay in `work`, and are used again."""
    weights = work / "teacher.pt"
    network = MentionNetwork(encoder.folder)
    if weights.is_file():
        network.load_state_dict(torch.load(weights, weights_only=True))
    else:
        cut, own_settings = for_teacher(corpus, settings, teacher)
        network.freeze_lowest(teacher.frozen_layers)
        fit(network, from_labels(cut, encoder, own_settings), own_settings, encoder.pad_id, say)
        torch.save(network.state_dict(), weights)
    texts = (corpus.sentiment.texts, corpus.labelled, corpus.unlabelled)
    return Opinions(*(opinions_of(network, some, encoder, settings.max_tokens, say) for some in texts))


def opinions_of(
    network: MentionNetwork, texts: Sequence[str], encoder: Encoder, max_tokens: int, say: Say
) -> list[Opinion]:
    """Probabilities of both heads, a text each, in the texts' order; computed in bfloat16."""
    ids = tokenise(texts, encoder.tokenizer_file, max_tokens)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    found: dict[int, Opinion] = {}
    network.eval()
    for number, start in enumerate(range(0, len(order), ASKED_TOGETHER), start=1):
        rows = order[start : start + ASKED_TOGETHER]
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            logits = network(*padded([ids[row] for row in rows], encoder.pad_id))
        heads = [torch.softmax(head.float(), dim=-1).tolist() for head in logits]
        found.update(zip(rows, map(Opinion, *heads), strict=True))
        if number % BATCHES_A_REPORT == 0:
            say(f"teacher: {len(found)}/{len(ids)} texts")
    return [found[row] for row in range(len(ids))]
