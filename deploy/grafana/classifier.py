"""Whether the classifier is sure, and fast enough."""

from __future__ import annotations

from deploy.grafana.panels import PER_SECOND, Asked, Panel, dashed, spread, states, trend, worse_above
from deploy.grafana.queries import Query, most, quantile, rate


def classifier() -> list[Panel]:
    mentions = "scalar(sum(rate(tenfour_mentions_total[$__rate_interval])))"
    return [
        spread(
            Asked(
                "How sure is it?",
                "Calibrated probability of the type, of mentions of the chosen types. Normal: most above 0.9. If it "
                "moves down, texts are not what the model has learned: a new product, another language, an event.",
                "percentunit",
                8,
            ),
            Query('sum by (le) (increase(tenfour_confidence_bucket{type=~"$type"}[$__rate_interval]))', "{{le}}"),
        ),
        trend(
            Asked(
                "What share goes to people, and why?",
                "Of all mentions: `doubtful` for an unsure type, `language` for one it does not know, `unreadable` for "
                "no text. Normal: a few per cent. Each costs a person's look: if it rises, the review queue follows.",
                "percentunit",
                8,
                worse_above(0.1, 0.3),
            ),
            Query(f"{rate('tenfour_sent_to_review_total', 'reason')} / {mentions}", "{{reason}}"),
            Query(f"{rate('tenfour_texts_read_again_total')} / {mentions}", "read again by the second model"),
        ),
        states(
            Asked(
                "How does it work?",
                "With one model, with a second that reads doubtful texts again, or without it since the lag is too "
                "high (`second_skipped`). Normal: does not change. `second_skipped` for long: give `classify` another "
                "worker.",
                "short",
                8,
            ),
            Query(most("tenfour_classifier_mode", "mode"), "{{mode}}"),
            names={"0": ("no", "transparent"), "1": ("yes", "blue")},
        ),
        dashed(
            trend(
                Asked(
                    "How long does a run of the model take?",
                    "Seconds of one run over the texts of a batch, the second model's included. Normal: below 0.1 s. "
                    "More with the same batches: the machine has too little processor for it.",
                    "s",
                    12,
                    worse_above(0.5, 2),
                ),
                Query(quantile(0.5, "tenfour_model_seconds"), "half within"),
                Query(quantile(0.99, "tenfour_model_seconds"), "99 % within"),
            ),
            "99 % within",
        ),
        dashed(
            trend(
                Asked(
                    "How many texts could it score?",
                    "Texts that it scores a second, and, in dashes, how many it scores in a second of its own time: "
                    "what it could at most. Where the two meet it is at its limit: start another worker of `classify`.",
                    PER_SECOND,
                    12,
                ),
                Query(rate("tenfour_model_texts_total"), "scored"),
                Query(f"{rate('tenfour_model_texts_total')} / {rate('tenfour_model_seconds_sum')}", "could score"),
            ),
            "could score",
        ),
    ]
