"""Any record of the desk: what it is told and tells, its people, incidents, and what became of replies outside."""

from __future__ import annotations

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
    Sentiment,
)
from tests.schemas.field_strategies import flags, instants, languages, mention_types, names, risk_flags, texts

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
desk_commands = st.builds(DeskCommand, id=names, conversation=names, by=names, sent_at=instants, action=actions)
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
