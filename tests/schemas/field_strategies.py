"""What the fields of records may hold, for Hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from hypothesis import strategies as st

from schemas.records import (
    MentionType,
    RiskFlag,
)

names = st.text(min_size=1, max_size=40)
texts = st.text(max_size=300)
instants = st.datetimes(
    min_value=datetime(1900, 1, 3),
    max_value=datetime(2199, 12, 29),
    timezones=st.timezones() | st.just(UTC),
)
flags = st.booleans()
mention_types = st.sampled_from(get_args(MentionType))
languages = st.from_regex("[a-z]{2,3}", fullmatch=True)
risk_flags = st.lists(st.sampled_from(get_args(RiskFlag)), unique=True).map(tuple)
