"""What facts about an installation mean: whether something is wrong, and what mends it. Nothing is read here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from streams.newest_ticks import TickTimes
from streams.topics import MENTIONS_RAW, SLA_TIMER, Topic, TopicChange
from tenfour.stage_status import StageStatus

Outcome = Literal["ok", "warning", "fault", "skipped"]

STALLED_S: Final = 10.0
"""Seconds without a tick after which the clock counts as stalled: forty live ticks."""
SKEW_S: Final = 2.0
"""Seconds between two machines' clocks that are tolerated: a verdict may be wrong by as much."""
OPENS_WITHIN: Final = timedelta(days=14)
"""A calendar that stays closed for longer is more likely a mistake than a holiday."""
_TICK_MENDS: Final = {
    MENTIONS_RAW.name: "`tenfour run classify` writes them: start it, or see what it waits for",
    SLA_TIMER.name: "`tenfour run route` carries them on: start it, or see what it waits for",
}


@dataclass(frozen=True)
class Finding:
    """What one check has found. `what` says it, `mend` what to do about a warning or a fault."""

    check: str
    outcome: Outcome
    what: str
    mend: str = ""


def refused(check: str, error: str, otherwise: str) -> Finding:
    """A fault that an error tells of as `what is wrong; what to do`. `otherwise`: what to do, where it does not say."""
    first, *more = error.strip().splitlines() or [""]
    what, _, mend = first.partition("; ") if "; " in first else first.partition(". ")
    rest = f" (and {len(more)} more)" if more else ""
    return Finding(check, "fault", what + rest, mend or otherwise)


def skipped(checks: Iterable[str], why: str) -> list[Finding]:
    """Checks that an earlier one makes impossible."""
    return [Finding(check, "skipped", why) for check in checks]


def judge_brokers(brokers: int, replication: int) -> Finding:
    """Whether every topic can have so many copies."""
    if brokers >= replication:
        return Finding("replication", "ok", f"{_count(brokers, 'broker')}, {_count(replication, 'copy')} of each topic")
    what = f"TENFOUR_REPLICATION is {replication}, but the cluster has {_count(brokers, 'broker')}"
    return Finding("replication", "fault", what, f"set TENFOUR_REPLICATION={brokers}, or start more brokers")


def judge_topics(
    topics: Sequence[Topic], found: Mapping[str, int], partitions: int, changes: Sequence[TopicChange]
) -> list[Finding]:
    """`found`: partitions by topic; `changes`: what `tenfour topics apply` would change of the settings of those there
    are."""
    missing = [topic.name for topic in topics if topic.name not in found]
    others = {topic.name: found[topic.name] for topic in topics if found.get(topic.name, partitions) != partitions}
    findings = []
    if missing:
        findings.append(Finding("topics", "fault", f"missing: {', '.join(missing)}", "`tenfour topics apply`"))
    for count in sorted(set(others.values())):
        names = ", ".join(name for name, number in others.items() if number == count)
        what = f"{names}: {_count(count, 'partition')}, TENFOUR_PARTITIONS is {partitions}"
        mend = f"set TENFOUR_PARTITIONS={count}, or use another cluster: the count is for life"
        findings.append(Finding("topics", "fault", what, mend))
    for change in changes:
        what = f"{change.topic}: {change.change} is declared"
        findings.append(Finding("topics", "fault", what, "`tenfour topics apply`"))
    return findings or [Finding("topics", "ok", f"{len(topics)} topics with {_count(partitions, 'partition')} each")]


def judge_stage(status: StageStatus, lag_limit: int, partitions: int) -> Finding:
    """A stage that nobody runs is a fault as soon as something waits for it."""
    check, command = f"stage {status.stage}", stage_command(status.stage)
    waiting = _count(status.lag, "record")
    if status.oldest_s is not None:
        waiting += f", the oldest {_seconds(status.oldest_s)} old"
    if status.lag and not status.members:
        return Finding(check, "fault", f"no worker runs {status.stage}: {waiting}", f"`{command}`")
    if status.lag > lag_limit:
        mend = f"start more workers, `{command}`, up to {partitions}; `tenfour status` shows whether they catch up"
        return Finding(check, "warning", f"{status.stage} is behind: {waiting}", mend)
    return Finding(check, "ok", f"{_count(status.members, 'member')}, behind by {waiting}")


def stage_command(stage: str) -> str:
    """The command that runs a stage."""
    return f"tenfour {stage}" if stage in ("project", "publish", "notify") else f"tenfour run {stage}"


def judge_clock(topic: str, ticks: TickTimes) -> Finding:
    """Whether time passes on a topic, in each partition."""
    check, mend = f"clock in {topic}", _TICK_MENDS[topic]
    ages = {partition: ticks.looked_at - at for partition, at in ticks.newest.items() if at is not None}
    late = [partition for partition in ticks.newest if ages.get(partition, STALLED_S + 1) > STALLED_S]
    if not ages:
        return Finding(check, "fault", "no tick has come: time stands still, and no deadline falls due", mend)
    if not late:
        return Finding(check, "ok", f"the last tick of each partition is at most {_seconds(max(ages.values()))} old")
    age = max((ages[partition] for partition in late if partition in ages), default=None)
    since = "no tick has come" if age is None else f"the last tick is {_seconds(age)} old"
    where = "every partition" if len(late) == len(ticks.newest) else f"partition {', '.join(map(str, late))}"
    return Finding(check, "fault", f"the clock is stalled in {where}: {since}", mend)


def judge_skew(ticks: TickTimes) -> Finding:
    """Ticks carry the time of the machine that runs classify; here it is compared with this machine's."""
    mend = "let both machines' clocks be set by NTP, with chrony or systemd-timesyncd"
    ahead = max((at - ticks.looked_at for at in ticks.newest.values() if at is not None), default=0.0)
    if ahead > SKEW_S:
        what = f"ticks come from {_seconds(ahead)} in the future: classify's clock is ahead of this one's"
        return Finding("clock skew", "fault", what, mend)
    if not ticks.delays:
        return Finding("clock skew", "skipped", "no tick came while it was waited for")
    delay = min(ticks.delays)
    if delay > SKEW_S:
        what = f"ticks are {_seconds(delay)} old when they come: classify's clock is behind this one's, or it is slow"
        return Finding("clock skew", "warning", what, mend)
    return Finding("clock skew", "ok", f"a tick was {_seconds(max(0.0, delay))} old when it came")


def judge_dead_letters(by_error: Mapping[str, int], hours: int) -> Finding:
    """`by_error`: how many there were in so many hours."""
    span = "in the last hour" if hours == 1 else f"in the last {hours} hours"
    if not by_error:
        return Finding("dead letters", "ok", f"none {span}")
    told = ", ".join(f"{number} {error}" for error, number in sorted(by_error.items(), key=lambda item: -item[1]))
    return Finding("dead letters", "warning", f"{span}: {told}", "`tenfour dead-letters list` says why")


def judge_calendars(opens: Mapping[str, bool]) -> Finding:
    """`opens`: by calendar, whether it does within OPENS_WITHIN."""
    closed = [name for name, is_open in opens.items() if not is_open]
    if closed:
        what = f"{', '.join(closed)}: closed for the next {OPENS_WITHIN.days} days"
        mend = "correct the hours or holidays in the policy; `tenfour sla due` shows when a target falls due"
        return Finding("calendars", "warning", what, mend)
    told = f"{_count(len(opens), 'calendar')}, each opens within {OPENS_WITHIN.days} days"
    return Finding("calendars", "ok", told if opens else "the policy has none: every hour counts")


def judge_channels(named: Iterable[str], known: Iterable[str], file: str) -> Finding:
    """Channels that the policy's escalations name, against those of the file."""
    unknown = sorted(set(named) - set(known))
    if unknown:
        what = f"the policy tells people through {', '.join(unknown)}, which {file} does not have"
        return Finding("notifying", "warning", what, "add it to the file, or correct the policy")
    return Finding("notifying", "ok", f"{file} has every channel of the policy")


def judge_tokens(any_token: bool) -> Finding:
    """Whether anybody may call the desk's API."""
    if any_token:
        return Finding("tokens", "ok", "somebody may call the desk's API")
    mend = "`tenfour tokens create --person ID --label WHAT`"
    return Finding("tokens", "warning", "no token lets anybody call the desk's API", mend)


def judge_equal_ports(ports: Mapping[str, int]) -> list[Finding]:
    """Settings that name the same port; `ports` by variable, 0 for any free one."""
    names: dict[int, list[str]] = {}
    for name, port in ports.items():
        if port:
            names.setdefault(port, []).append(name)
    return [
        Finding("ports", "fault", f"{' and '.join(same)} are both {port}", f"set {same[-1]} to another")
        for port, same in names.items()
        if len(same) > 1
    ]


def _count(number: int, what: str) -> str:
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    if minutes < 60:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 60 / 24:.0f} days"
