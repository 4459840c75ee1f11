"""The product's own stage, as `tenfour run` runs it, without its ticks; the model only in the work `model`."""

from __future__ import annotations

from dataclasses import replace

from agents.classify_mentions import ClassifyMentions
from agents.registry import load_policy, typing_rules
from bench.contenders.contest import Contest
from bench.work import batch_work
from models.mention_model import MentionModel
from models.score_queue import ScoreQueue
from streams.running import run_stages
from streams.settings import Settings
from streams.stages import Decide, Stage, run
from streams.topics import MENTIONS_RAW


def run_contender(contest: Contest) -> None:
    settings = Settings(bootstrap=contest.bootstrap, partitions=contest.partitions, ticks="replay")
    with_model = contest.work == "model"
    stage = Stage(
        contest.group.removeprefix("tenfour-"),
        replace(MENTIONS_RAW, name=contest.source),
        decide=_with_model(settings) if with_model else batch_work(contest.work),
        poll_records=settings.classify_poll_records if with_model else settings.poll_records,
    )
    run(run_stages([stage], settings))


def _with_model(settings: Settings) -> Decide:
    model = MentionModel.load(settings.model, threads=settings.model_threads)
    rules = typing_rules(load_policy(settings.policy), model.manifest)
    return ClassifyMentions(rules, ScoreQueue(model)).decide
