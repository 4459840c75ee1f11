"""A second, slower model that reads again what the first is least sure of."""

from collections.abc import Sequence

from models.mention_model import MentionModel, Reading


class SecondStage:
    """Use it from the first model's thread."""

    def __init__(self, model: MentionModel, threshold: float) -> None:
        """`threshold`: the first model's probability of a type below which its text is read again."""
        self.manifest = model.manifest
        self._model, self._threshold = model, threshold

    def read_again(self, texts: Sequence[str], readings: Sequence[Reading]) -> list[Reading]:
        """The readings of `texts`, in order, with the second model's in place of those that are least sure."""
        unsure = least_sure(readings, self._threshold)
        found = self._model.read([texts[place] for place in unsure])
        return with_second(readings, dict(zip(unsure, found, strict=True)))


def least_sure(readings: Sequence[Reading], threshold: float) -> list[int]:
    """The places of readings whose likeliest type is less probable than the threshold. Nobody reads again where there
    is nothing to read."""
    return [place for place, found in enumerate(readings) if found.readable and max(found.type) < threshold]


def with_second(first: Sequence[Reading], second: dict[int, Reading]) -> list[Reading]:
    """The first's readings, those of the second in the places that it has read.

    They take the first's place and are not averaged with them: both models' probabilities are calibrated, and what the
    second says of a text by itself was measured, which an average of two never was.
    """
    read_again = {place: found._replace(read_again=True) for place, found in second.items()}
    return [read_again.get(place, found) for place, found in enumerate(first)]
