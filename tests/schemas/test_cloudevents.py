from __future__ import annotations

from hypothesis import given, settings

from schemas.cloudevents import headers_of
from schemas.records import AnyRecord, Tick
from tests.schemas.record_strategies import public_replies, records, ticks


@given(public_replies)
@settings(deadline=None, max_examples=20)
def test_headers_name_the_event_its_type_and_its_writer(record: AnyRecord) -> None:
    assert not isinstance(record, Tick)
    assert dict(headers_of(record, "/tenfour/gateway")) == {
        "ce_specversion": b"1.0",
        "ce_id": record.id.encode(),
        "ce_type": b"tenfour.public_reply.v1",
        "ce_source": b"/tenfour/gateway",
        "content-type": b"application/json",
    }


@given(records.filter(lambda record: not isinstance(record, Tick)))
@settings(deadline=None)
def test_each_attribute_stands_once(record: AnyRecord) -> None:
    names = [name for name, _ in headers_of(record, "classify")]
    assert len(names) == len(set(names)) == 5


@given(public_replies)
@settings(deadline=None, max_examples=5)
def test_changing_the_headers_of_one_record_leaves_the_next_ones_alone(record: AnyRecord) -> None:
    headers_of(record, "classify").clear()
    assert len(headers_of(record, "classify")) == 5


@given(ticks)
@settings(deadline=None, max_examples=5)
def test_a_tick_is_no_event(tick: Tick) -> None:
    assert headers_of(tick, "classify") == []
