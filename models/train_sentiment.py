"""Fine-tune MiniLM on TweetEval sentiment and write the int8 artefact: `python -m models.train_sentiment --help`."""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from models.manifest import Metrics, TrainingSettings
from models.publish_sentiment import publish
from models.recall import measure
from models.sentiment_network import EncoderError, SentimentNetwork, encoder_folder
from models.token_batches import batches, pad, tokenise
from models.tweeteval import DataError, LabelledTexts, read_split

Say = Callable[[str], None]


def train(data: Path, work: Path, settings: TrainingSettings, say: Say) -> Path:
    """The file with the weights that did best on the validation split; checks about every fifth of an epoch."""
    _fix_seeds(settings.seed)
    encoder = encoder_folder()
    rows, val = read_split(data, "train"), read_split(data, "val")
    tokens, val_tokens = (tokenise(split.texts, encoder / "tokenizer.json") for split in (rows, val))
    network, best, best_file = SentimentNetwork(encoder), 0.0, work / "best.pt"
    step_network = _Stepper(network, settings, steps=int(settings.epochs * (len(tokens) // settings.batch)))
    order, began = random.Random(settings.seed), time.monotonic()
    while not step_network.done:
        for batch in batches(tokens, rows.labels, settings.batch, order):
            loss = step_network.step(batch.input_ids, batch.attention_mask, batch.labels)
            if step_network.taken % 50 == 0:
                say(f"{step_network.progress()} loss {loss:.3f} {time.monotonic() - began:.0f} s")
            if step_network.taken % 300 == 0 or step_network.done:
                metrics = validate(network, val_tokens, val)
                say(f"{step_network.progress()} val {metrics}")
                if metrics.macro_recall > best:
                    best = metrics.macro_recall
                    torch.save(network.state_dict(), best_file)
            if step_network.done:
                break
    return best_file


class _Stepper:
    """Optimiser and schedule: linear warm-up, then linear decay to zero."""

    def __init__(self, network: SentimentNetwork, settings: TrainingSettings, *, steps: int) -> None:
        self.network, self.settings, self.steps, self.taken = network, settings, steps, 0
        warmup = max(1, int(steps * settings.warmup))
        self.loss = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
        self.optimiser = AdamW(_decay_groups(network, settings), lr=settings.learning_rate, fused=True)
        self.schedule = LambdaLR(
            self.optimiser, lambda step: min((step + 1) / warmup, max(0.0, (steps - step) / (steps - warmup)))
        )

    @property
    def done(self) -> bool:
        return self.taken >= self.steps

    def progress(self) -> str:
        return f"step {self.taken}/{self.steps}"

    def step(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> float:
        self.network.train()
        self.optimiser.zero_grad()
        loss = self.loss(self.network(input_ids, attention_mask), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_norm)
        self.optimiser.step()
        self.schedule.step()
        self.taken += 1
        return float(loss.detach())


def _decay_groups(network: nn.Module, settings: TrainingSettings) -> list[dict[str, object]]:
    """Biases and layer norms are not decayed."""
    matrices = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def validate(network: SentimentNetwork, tokens: list[list[int]], split: LabelledTexts) -> Metrics:
    """The network's figures on a split, in batches of 64 of like length."""
    network.eval()
    guesses = [0] * len(tokens)
    rows = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    with torch.inference_mode():
        for start in range(0, len(rows), 64):
            chosen = rows[start : start + 64]
            batch = pad([tokens[row] for row in chosen], [split.labels[row] for row in chosen])
            logits = network(batch.input_ids, batch.attention_mask)
            for row, guess in zip(chosen, logits.argmax(dim=1).tolist(), strict=True):
                guesses[row] = guess
    return measure(guesses, split.labels)


def _fix_seeds(seed: int) -> None:
    random.seed(seed)
    torch.manual_seed(seed)


def main() -> int:
    """Train, export and evaluate; exit code 2 when data or encoder are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds TweetEval's sentiment/")
    parser.add_argument("--out", type=Path, default=Path("models/sentiment"), help="where the artefact is written")
    parser.add_argument("--work", type=Path, default=Path("build/sentiment"), help="where checkpoints are kept")
    parser.add_argument("--epochs", type=float, default=TrainingSettings().epochs)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        best = train(
            options.data,
            options.work,
            TrainingSettings(epochs=options.epochs),
            lambda line: print(line, flush=True),
        )
    except (DataError, EncoderError) as error:
        print(error, file=sys.stderr)
        return 2
    print(best)
    return 0


if __name__ == "__main__":
    sys.exit(main())
