"""Fine-tune MiniLM on TweetEval sentiment and write the model folder: `python -m models.train_sentiment --help`."""

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from models.manifest import Metrics, TrainingSettings
from models.publish_sentiment import PublishError, publish
from models.recall import measure
from models.sentiment_network import EncoderError, SentimentNetwork, encoder_folder
from models.token_batches import batches, in_length_order, tokenise
from models.tweeteval import DataError, LabelledTexts, read_split

STEPS_BETWEEN_CHECKS = 300

Say = Callable[[str], None]


def train(data: Path, work: Path, settings: TrainingSettings, say: Say) -> Path:
    """The file in `work` with the weights that did best on the validation split, checked every 300 steps.

    Raises DataError or EncoderError.
    """
    random.seed(settings.seed)
    torch.manual_seed(settings.seed)
    encoder = encoder_folder()
    rows, val = read_split(data, "train"), read_split(data, "val")
    tokens, val_tokens = (
        tokenise(split.texts, encoder / "tokenizer.json", settings.max_tokens) for split in (rows, val)
    )
    run = _Run(SentimentNetwork(encoder), settings, steps=int(settings.epochs * (len(tokens) // settings.batch)))
    keep, order = _KeepBest(work / "best.pt", say), random.Random(settings.seed)
    while not run.done:
        for batch in batches(tokens, rows.labels, settings.batch, order):
            loss = run.step(batch.input_ids, batch.attention_mask, batch.labels)
            if run.taken % 50 == 0:
                say(f"step {run.taken}/{run.steps} loss {loss:.3f}")
            if run.taken % STEPS_BETWEEN_CHECKS == 0 or run.done:
                keep.consider(run.network, validate(run.network, val_tokens, val))
            if run.done:
                break
    return keep.file


class _KeepBest:
    """Saves the network whenever its macro-recall on the validation split rises."""

    def __init__(self, file: Path, say: Say) -> None:
        self.file, self.best, self.say = file, 0.0, say

    def consider(self, network: nn.Module, metrics: Metrics) -> None:
        self.say(f"val macro-recall {metrics.macro_recall:.4f} accuracy {metrics.accuracy:.4f} {metrics.recall}")
        if metrics.macro_recall > self.best:
            self.best = metrics.macro_recall
            torch.save(network.state_dict(), self.file)


class _Run:
    """Optimiser and schedule: linear warm-up, then linear decay to zero at the last step."""

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

    def step(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> float:
        """The loss of one batch, after which the weights have moved."""
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
    vectors = [weight for weight in network.parameters() if weight.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def validate(network: SentimentNetwork, tokens: list[list[int]], split: LabelledTexts) -> Metrics:
    """The network's figures on a split."""
    network.eval()
    guesses = [0] * len(tokens)
    with torch.inference_mode():
        for rows, batch in in_length_order(tokens, split.labels, size=64):
            likeliest = network(batch.input_ids, batch.attention_mask).argmax(dim=1)
            for row, guess in zip(rows, likeliest.tolist(), strict=True):
                guesses[row] = guess
    return measure(guesses, split.labels)


def main() -> int:
    """Train, publish and print the evaluation; exit code 2 when data or encoder cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds tweeteval/sentiment/")
    parser.add_argument("--out", type=Path, default=Path("models/sentiment"), help="the model folder to write")
    parser.add_argument("--work", type=Path, default=Path("build/sentiment"), help="where checkpoints are kept")
    parser.add_argument("--epochs", type=float, default=TrainingSettings().epochs, help="passes over the data")
    options = parser.parse_args()
    settings = TrainingSettings(epochs=options.epochs)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        checkpoint = train(options.data, options.work, settings, _say)
        publish(options.data, checkpoint, options.out, options.work, settings, _say)
    except (DataError, EncoderError, PublishError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
