"""Any record that may travel, for Hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from hypothesis import strategies as st

from schemas.desk_events import (
    ActionName,
    AnswerCode,
    ChangeKind,
    ConversationChanged,
    ConversationStatus,
    DeskAnswer,
    EscalationChanged,
    EscalationKind,
    Fence,
    ReplyToPublish,
    Trigger,
)
from schemas.desk_records import Action, Away, DeskCommand, DeskInbound, Label, Person, Promised, Shift, WeekHours
from schemas.incident_records import (
    ApproveStatement,
    Close,
    Confirm,
    Dismiss,
    IncidentChanged,
    IncidentCommand,
    IncidentKind,
    IncidentMember,
    IncidentProposed,
    IncidentStatus,
    RefusalCode,
    State,
)
from schemas.outcomes import NotificationFailed, NotificationSent, PublishIntent, PublishOutcome, ReplyOutcome
from schemas.records import (
    AnyRecord,
    Classification,
    ClassifiedMention,
    ClassifierMode,
    CountedUntil,
    DeadLetter,
    DeskTarget,
    Mention,
    MentionCount,
    MentionType,
    MissCause,
    PolicyVersion,
    PublicReply,
    RiskFlag,
    RoutedMention,
    Routing,
    Sentiment,
    SlaEvent,
    SlaEventKind,
    SlaTarget,
    SpikeDetected,
    TargetMinutes,
    TargetTimes,
    Tick,
    TimerCancel,
    TimerOwner,
    TimerRespond,
    TimerStart,
    TimerStop,
    TimerSupersede,
    Urgency,
)

names = st.text(min_size=1, max_size=40)
texts = st.text(max_size=300)
instants = st.datetimes(
    min_value=datetime(1900, 1, 3),
    max_value=datetime(2199, 12, 29),
    timezones=st.timezones() | st.just(UTC),
)
flags = st.booleans()
post_fields = {
    "id": names,
    "brand": names,
    "channel": names,
    "thread": names,
    "post": names,
    "author": names,
    "text": texts,
    "url": st.none() | texts,
    "posted_at": instants,
    "received_at": instants,
}
mentions = st.builds(Mention, author_followers=st.none() | st.integers(0, 10**12), author_verified=flags, **post_fields)
public_replies = st.builds(PublicReply, automatic=flags, reply=st.none() | names, **post_fields)
ticks = st.builds(Tick, at=instants)
mention_types = st.sampled_from(get_args(MentionType))
languages = st.from_regex("[a-z]{2,3}", fullmatch=True)
classifications = st.builds(
    Classification,
    type=mention_types,
    sentiment=st.sampled_from(get_args(Sentiment)),
    urgency=st.sampled_from(get_args(Urgency)),
    confidence=st.floats(0, 1),
    needs_review=flags,
    review_reason=st.none() | names,
    risk_flags=st.lists(st.sampled_from(get_args(RiskFlag)), unique=True).map(tuple),
    language=languages,
    reason=names,
    model=names,
    mode=st.sampled_from(get_args(ClassifierMode)),
)
routings = st.builds(
    Routing,
    team=names,
    owner=names,
    priority=st.integers(1, 5),
    first_response_minutes=st.none() | st.integers(1, 10**6),
    policy=names,
    reason=names,
)
targets = st.sampled_from(get_args(SlaTarget))
risk_moments = st.lists(instants, max_size=3).map(tuple)
minutes = st.integers(1, 10**6)
target_minutes = st.builds(
    TargetMinutes, target=targets, minutes=minutes, at_risk=st.lists(st.integers(0, 10**6), max_size=3).map(tuple)
)
target_times = st.builds(TargetTimes, at_risk_at=instants, at_risk_again=risk_moments, due_at=instants)
timer_starts = st.builds(
    TimerStart,
    id=names,
    conversation=names,
    target=targets,
    mention=names,
    brand=names,
    type=mention_types,
    team=names,
    started_at=instants,
    at_risk_at=instants,
    at_risk_again=risk_moments,
    due_at=instants,
    policy=names,
    calendar=names,
    minutes=st.none() | minutes,
    received_at=st.none() | instants,
    next_response=st.none() | target_times,
    resolution=st.none() | target_minutes,
    reopen_days=st.none() | st.integers(0, 30),
    priority=st.none() | st.integers(1, 5),
)
sla_events = st.builds(
    SlaEvent,
    id=names,
    kind=st.sampled_from(get_args(SlaEventKind)),
    conversation=names,
    target=targets,
    cycle=names,
    mention=names,
    brand=names,
    type=mention_types,
    team=names,
    started_at=instants,
    due_at=instants,
    at=instants,
    decided_at=st.none() | instants,
    reply=st.none() | names,
    policy=names,
    calendar=names,
    elapsed_ms=st.none() | st.integers(0, 2**53),
    level=st.none() | st.integers(1, 9),
    cause=st.none() | st.sampled_from(get_args(MissCause)),
    breach=st.none() | names,
    linked=st.none() | names,
    reason=st.none() | names,
)
plain_json = st.dictionaries(names, st.none() | flags | st.integers(-(2**53), 2**53) | texts, max_size=3)
offsets = st.integers(0, 2**63 - 1)
mention_counts = st.builds(
    MentionCount,
    id=names,
    brand=names,
    type=mention_types,
    sentiment=st.sampled_from(get_args(Sentiment)),
    minute=instants,
    count=st.integers(1, 10**6),
    partition=st.integers(0, 1000),
    first_offset=offsets,
    last_offset=offsets,
)
spikes = st.builds(
    SpikeDetected,
    id=names,
    brand=names,
    type=mention_types,
    sentiment=st.none() | st.sampled_from(get_args(Sentiment)),
    window_start=instants,
    window_end=instants,
    count=st.integers(1, 10**6),
    baseline=st.floats(1e-6, 1e6),
    ratio=st.floats(1e-6, 1e12),
    decided_at=instants,
    policy=names,
)
risk_flags = st.lists(st.sampled_from(get_args(RiskFlag)), unique=True).map(tuple)
desk_texts = st.text(min_size=1, max_size=300)
promises = st.lists(
    st.builds(
        Promised,
        action=names,
        amount=st.none() | st.integers(1, 10**12),
        currency=st.none() | st.from_regex("[A-Z]{3}", fullmatch=True),
    ),
    max_size=3,
).map(tuple)
labels = st.builds(Label, mention=names, type=mention_types, risk_flags=st.none() | risk_flags)
action_fields = {
    "token": names,
    "last_inbound": names,
    "follows": st.none() | names,
    "text": desk_texts,
    "promises": promises,
    "reply": names,
    "reason": names,
    "until": instants,
    "mention": names,
    "type": mention_types,
    "risk_flags": st.none() | risk_flags,
    "to": names,
    "escalation": names,
}
actions = st.one_of(
    [
        st.builds(kind, **{name: action_fields[name] for name in kind.model_fields if name != "do"})
        for kind in get_args(Action)
    ]
)
desk_inbounds = st.builds(
    DeskInbound,
    id=names,
    conversation=names,
    mention=names,
    brand=names,
    type=mention_types,
    sentiment=st.sampled_from(get_args(Sentiment)),
    risk_flags=risk_flags,
    needs_review=flags,
    author_verified=flags,
    language=languages,
    team=names,
    queue=names,
    priority=st.integers(1, 5),
    policy=names,
    posted_at=instants,
    received_at=instants,
    due_at=st.none() | instants,
    next_due_at=st.none() | instants,
)
fences = st.builds(
    Fence,
    token=st.none() | names,
    holder=st.none() | names,
    expires_at=st.none() | instants,
    last_inbound=names,
    last_reply=st.none() | names,
)
desk_answers = st.builds(
    DeskAnswer,
    id=names,
    conversation=names,
    command=names,
    action=st.sampled_from(get_args(ActionName)),
    by=names,
    accepted=flags,
    code=st.sampled_from(get_args(AnswerCode)),
    reason=names,
    fence=st.none() | fences,
    reply=st.none() | names,
    at=instants,
)
conversation_changes = st.builds(
    ConversationChanged,
    id=names,
    conversation=names,
    kind=st.sampled_from(get_args(ChangeKind)),
    cause=names,
    by=st.none() | names,
    at=instants,
    reason=st.none() | names,
    status=st.sampled_from(get_args(ConversationStatus)),
    type=mention_types,
    language=languages,
    team=names,
    queue=names,
    owner=st.none() | names,
    holder=st.none() | names,
    priority=st.integers(1, 5),
    last_inbound=names,
    waiting=flags,
    in_review=st.integers(0, 100),
    snoozed_until=st.none() | instants,
    reply=st.none() | names,
    command=st.none() | names,
    text=st.none() | desk_texts,
    promises=promises,
    label=st.none() | labels,
)
escalation_changes = st.builds(
    EscalationChanged,
    id=names,
    conversation=names,
    escalation=names,
    kind=st.sampled_from(get_args(EscalationKind)),
    trigger=st.sampled_from(get_args(Trigger)),
    mention=names,
    step=st.integers(1, 9),
    steps=st.integers(1, 9),
    role=names,
    team=names,
    channel=names,
    until=st.none() | instants,
    holding_reply=st.none() | desk_texts,
    by=st.none() | names,
    reason=st.none() | names,
    at=instants,
)
replies_to_publish = st.builds(
    ReplyToPublish,
    id=names,
    conversation=names,
    brand=names,
    mention=names,
    text=desk_texts,
    author=names,
    approved_by=st.none() | names,
    at=instants,
)
publish_intents = st.builds(
    PublishIntent, id=names, conversation=names, reply=replies_to_publish, attempt=st.integers(1, 10**6), at=instants
)
publish_outcomes = st.builds(
    PublishOutcome,
    id=names,
    conversation=names,
    reply=names,
    result=st.sampled_from(["published", "refused", "uncertain"]),
    post=st.none() | names,
    url=st.none() | texts,
    posted_at=st.none() | instants,
    reason=st.none() | names,
    attempts=st.integers(0, 10**6),
    at=instants,
)
reply_outcomes = st.builds(
    ReplyOutcome,
    id=names,
    conversation=names,
    reply=names,
    result=st.sampled_from(["refused", "uncertain"]),
    reason=names,
    at=instants,
)
notification_fields = {
    "id": names,
    "conversation": names,
    "escalation": names,
    "step": names,
    "trigger": st.sampled_from(get_args(Trigger)),
    "channel": names,
    "team": names,
    "role": names,
    "addresses": st.integers(1, 100),
    "attempts": st.integers(1, 100),
    "at": instants,
}
notifications_sent = st.builds(NotificationSent, **notification_fields)
notifications_failed = st.builds(NotificationFailed, reached=st.integers(0, 100), reason=names, **notification_fields)
dead_letters = st.builds(
    DeadLetter,
    id=names,
    stage=names,
    topic=names,
    partition=st.integers(0, 1000),
    offset=offsets,
    key=st.none() | st.binary(max_size=100),
    value=st.none() | st.binary(max_size=1000),
    error=names,
    message=texts,
    failed_at=instants,
)
intervals = st.lists(st.sampled_from(["09:00-12:30", "22:00-06:00", "00:00-24:00"]), max_size=2).map(tuple)
people = st.builds(
    Person,
    id=names,
    name=names,
    role=names,
    teams=st.lists(names, max_size=3).map(tuple),
    active=flags,
    capacity=st.none() | st.integers(0, 10_000),
    skills=st.lists(names, max_size=3).map(tuple),
    languages=st.lists(languages, max_size=3).map(tuple),
    shift=st.none()
    | st.builds(
        Shift,
        calendar=st.none() | names,
        timezone=st.none() | names,
        open=st.none() | st.builds(WeekHours, **dict.fromkeys(WeekHours.model_fields, intervals)),
    ),
    away=st.lists(st.builds(Away, since=instants, until=instants), max_size=2).map(tuple),
)
members = st.lists(st.builds(IncidentMember, conversation=names, mention=names), max_size=3).map(tuple)
sketches = st.lists(names, max_size=3).map(tuple)
counts = st.integers(0, 10**6)
incidents_proposed = st.builds(
    IncidentProposed,
    id=names,
    incident=names,
    brand=names,
    type=mention_types,
    spike=names,
    title=names,
    sketch=sketches,
    members=members,
    policy=names,
    at=instants,
)
incident_commands = st.builds(
    IncidentCommand,
    id=names,
    incident=names,
    by=names,
    sent_at=instants,
    action=st.one_of(
        st.builds(Confirm),
        st.builds(Dismiss, reason=names),
        st.builds(State, text=desk_texts),
        st.builds(ApproveStatement, statement=names),
        st.builds(Close),
    ),
)
incidents_changed = st.builds(
    IncidentChanged,
    id=names,
    incident=names,
    kind=st.sampled_from(get_args(IncidentKind)),
    cause=names,
    by=st.none() | names,
    at=instants,
    code=st.none() | st.sampled_from(get_args(RefusalCode)),
    reason=st.none() | desk_texts,
    status=st.none() | st.sampled_from(get_args(IncidentStatus)),
    brand=st.none() | names,
    type=st.none() | mention_types,
    spike=st.none() | names,
    title=st.none() | names,
    statement=st.none() | names,
    text=st.none() | desk_texts,
    members=members,
    all_members=counts,
    accepted=counts,
    answered=counts,
    skipped=counts,
    sketch=sketches,
)
records: st.SearchStrategy[AnyRecord] = st.one_of(
    mentions,
    public_replies,
    ticks,
    st.builds(ClassifiedMention, id=names, mention=mentions, classification=classifications),
    st.builds(RoutedMention, id=names, mention=mentions, classification=classifications, routing=routings),
    timer_starts,
    st.builds(
        TimerRespond,
        id=names,
        conversation=names,
        reply=names,
        responded_at=instants,
        automatic=flags,
        desk_reply=st.none() | names,
    ),
    st.builds(
        TimerStop,
        id=names,
        conversation=names,
        target=st.sampled_from(["resolution", *get_args(DeskTarget)]),
        mention=names,
        stopped_at=instants,
    ),
    st.builds(TimerCancel, id=names, conversation=names, mention=names, cancelled_at=instants, reason=names),
    st.builds(
        TimerSupersede,
        id=names,
        conversation=names,
        mention=names,
        type=mention_types,
        team=names,
        policy=names,
        calendar=names,
        targets=st.lists(target_minutes, max_size=3).map(tuple),
        superseded_at=instants,
        reason=names,
        priority=st.none() | st.integers(1, 5),
    ),
    st.builds(TimerOwner, id=names, conversation=names, owner=st.none() | names, on_shift=flags, since=instants),
    st.builds(PolicyVersion, id=names, policy=plain_json, calendars=st.dictionaries(names, plain_json, max_size=2)),
    sla_events,
    mention_counts,
    st.builds(CountedUntil, id=names, partition=st.integers(0, 1000), at=instants),
    spikes,
    desk_inbounds,
    st.builds(DeskCommand, id=names, conversation=names, by=names, sent_at=instants, action=actions),
    people,
    desk_answers,
    conversation_changes,
    escalation_changes,
    replies_to_publish,
    incidents_proposed,
    incident_commands,
    incidents_changed,
    publish_intents,
    publish_outcomes,
    reply_outcomes,
    notifications_sent,
    notifications_failed,
    dead_letters,
)
