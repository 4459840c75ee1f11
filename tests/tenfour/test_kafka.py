"""Which Kafka the commands speak to."""

from pathlib import Path

import pytest

from streams.broker_jars import BrokerError
from streams.settings import Settings, SettingsError
from tenfour.kafka import demo_folder, with_kafka
from tests.kafka_broker import BrokerIn


def test_the_given_cluster_is_used(kafka: str) -> None:
    assert with_kafka(Settings(bootstrap=kafka)).bootstrap == kafka


def test_one_answering_address_is_enough(kafka: str) -> None:
    assert with_kafka(Settings(bootstrap=f"127.0.0.1:1, {kafka}")).bootstrap == f"127.0.0.1:1,{kafka}"


def test_without_a_broker_the_ways_to_one_are_told(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"`tenfour broker start` or `tenfour up`, or set KAFKA_BOOTSTRAP"):
        with_kafka(Settings(data=tmp_path))


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(BrokerError, match=r"no Kafka answers at 127\.0\.0\.1:1;"):
        with_kafka(Settings(bootstrap="127.0.0.1:1"))


@pytest.mark.parametrize("address", ["somewhere", "somewhere:", "a b:9092", "http://somewhere:9092", "a:1,,b:2"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match=r"write host:port\[,host:port\]"):
        with_kafka(Settings(bootstrap=address))


def test_a_running_demo_is_used_where_no_other_broker_runs(tmp_path: Path, broker_in: BrokerIn) -> None:
    settings = Settings(data=tmp_path)
    demo = broker_in(demo_folder(settings))
    assert with_kafka(settings).bootstrap == demo.bootstrap
