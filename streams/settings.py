"""Every setting of a process, from the environment (prefix TENFOUR_), each with its meaning."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "TENFOUR_"
READ_ELSEWHERE = frozenset({"TENFOUR_CACHE", "TENFOUR_TRACEBACK"})
"""Variables with the prefix that are read where no settings exist yet."""


class SettingsError(ValueError):
    """A setting is unknown or impossible; the text says which, and what to do."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    bootstrap: str = Field("", description="Kafka's address, host:port[,host:port]. Empty: the embedded broker.")
    data: Path = Field(Path(".tenfour"), description="Folder of the embedded broker's data.")
    database: str = Field(
        "",
        validate_default=True,
        description="The read model's database: `sqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/NAME`. "
        "Empty: SQLite, the file `desk.db` in the folder of the data.",
    )
    policy: Path = Field(Path("policy.yaml"), description="The policy: types, teams, owners, targets.")
    model: Path = Field(Path("models/mentions"), description="Folder of the classifier's artefact.")
    second_model: Path | None = Field(
        None, description="Folder of a second model that reads doubtful texts again. Empty: none."
    )
    second_stage_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.2, description="Share of mentions, the least sure of their type, that the second model reads again."
    )
    second_stage_lag_high: Annotated[int, Field(gt=0)] = Field(
        1000, description="Records behind above which the classify stage does without the second model."
    )
    second_stage_lag_low: Annotated[int, Field(gt=0)] = Field(
        200, description="Records behind below which it takes the second model up again; less than the high one."
    )
    partitions: Annotated[int, Field(gt=0, le=1000)] = Field(
        8, description="Partitions of every keyed topic. Fixed for life once topics exist."
    )
    replication: Annotated[int, Field(gt=0, le=9)] = Field(
        1, description="Copies of every topic; 3 in a cluster (then two must be in sync for a write)."
    )
    ticks: Literal["live", "replay"] = Field(
        "live",
        description="Who writes ticks: `live`, the classify stage by the clock; `replay`, the replay itself.",
    )
    tick_ms: Annotated[int, Field(ge=20, le=60_000)] = Field(250, description="Milliseconds between two live ticks.")
    poll_records: Annotated[int, Field(gt=0, le=20_000)] = Field(
        2000, description="Most records of one poll, all partitions together."
    )
    classify_poll_records: Annotated[int, Field(gt=0, le=20_000)] = Field(
        256, description="The same for the classify stage, whose records cost a model's time."
    )
    open_batches: Annotated[int, Field(gt=0, le=100)] = Field(
        3, description="Batches of one partition read ahead of their acknowledgement."
    )
    batch_timeout_s: Annotated[float, Field(gt=0)] = Field(
        120.0,
        description="Seconds for one batch, writes included; past that the process ends and is restarted.",
    )
    commit_interval_s: Annotated[float, Field(gt=0)] = Field(1.0, description="Seconds between offset commits.")
    session_timeout_s: Annotated[float, Field(ge=6)] = Field(
        6.0, description="Seconds without heartbeat after which a worker's partitions go to others."
    )
    transaction_timeout_s: Annotated[float, Field(ge=1)] = Field(
        15.0, description="Seconds after which the broker aborts a dead worker's transaction."
    )
    model_threads: Annotated[int, Field(gt=0, le=64)] = Field(2, description="Threads of one model run.")
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        0, description="Port of /metrics, /healthz and /readyz of this process; 0: none."
    )
    metrics_host: str = Field("127.0.0.1", description="Address that they listen on.")
    log_format: Literal["text", "json"] = Field(
        "text", description="What a process writes to standard error: lines for people, or a JSON object a line."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is written there."
    )
    gateway_host: str = Field("127.0.0.1", description="Address that the HTTP gateway listens on.")
    gateway_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        8710, description="Port of the HTTP gateway; 0: any free one."
    )
    gateway_tokens: str = Field(
        "",
        description="Comma-separated SHA-256 hex digests of the bearer tokens that may send mentions. "
        "Empty: only callers on this machine may.",
    )
    gateway_max_bytes: Annotated[int, Field(gt=0)] = Field(
        1_000_000, description="Largest body of one request to the gateway, in bytes."
    )
    publish_url: str = Field(
        "", description="Webhook that replies are posted to, http or https. Empty: nothing is published."
    )
    publish_lookup_url: str = Field(
        "",
        description="Where to ask whether a reply was posted, with {key} for its id. Empty: the webhook's own address "
        "with ?idempotency_key={key}; `none`: the channel can't be asked.",
    )
    publish_token: str = Field("", description="Bearer token for the channel. Empty: none, or that of the file.")
    publish_token_file: Path | None = Field(None, description="File that holds the bearer token for the channel.")
    publish_timeout_s: Annotated[float, Field(gt=0, le=45)] = Field(
        10.0, description="Seconds for one request to the channel."
    )
    publish_requests: Annotated[int, Field(gt=0, le=1000)] = Field(
        8, description="Requests to the channel at a time, of one process."
    )
    publish_lookups: Annotated[int, Field(gt=0, le=100)] = Field(
        5, description="Failed look-ups of a reply on the channel before a person has to look."
    )
    publish_minutes: Annotated[float, Field(gt=0)] = Field(
        60.0, description="Minutes from when a reply is handed on; not posted by then, it goes back to a person."
    )
    notify_channels: Path | None = Field(
        None,
        description="File with the Apprise URLs of each channel of the policy's escalations. Empty: nobody is told.",
    )
    notify_link: str = Field(
        "", description="Link to a conversation in what people are told, with {conversation} for its key. Empty: none."
    )
    notify_timeout_s: Annotated[float, Field(gt=0, le=45)] = Field(
        20.0, description="Seconds for one notification to one address."
    )
    notify_minutes: Annotated[float, Field(gt=0)] = Field(
        30.0, description="Minutes from a step of an escalation; who could not be told by then is told no more."
    )
    console_host: str = Field("127.0.0.1", description="Address that the desk's API listens on.")
    console_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        8720, description="Port of the desk's API; 0: any free one."
    )
    console_rate: Annotated[float, Field(gt=0, le=10_000)] = Field(
        20.0, description="Requests a second that a token may make of the desk's API, over time."
    )
    console_burst: Annotated[int, Field(gt=0, le=100_000)] = Field(
        60, description="Requests that a token may make at once."
    )

    @field_validator("database")
    @classmethod
    def _in_the_folder_of_the_data(cls, url: str, info: ValidationInfo) -> str:
        return url or f"sqlite:///{info.data.get('data', '.tenfour')}/desk.db"

    @field_validator("second_model", "publish_token_file", "notify_channels", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("second_stage_lag_low")
    @classmethod
    def _below_the_high_one(cls, low: int, info: ValidationInfo) -> int:
        high = info.data.get("second_stage_lag_high")  # absent where it is impossible itself
        if high is not None and low >= high:
            raise PydanticCustomError(
                "lag_limits",
                "must be less than {name}, {high}",
                {"name": f"{PREFIX}SECOND_STAGE_LAG_HIGH", "high": high},
            )
        return low


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of the environment. Raises SettingsError naming the variable; unknown ones are refused."""
    names = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields} | READ_ELSEWHERE
    unknown = sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise SettingsError(f"unknown setting {', '.join(unknown)}; `tenfour settings` lists all")
    given = {name: names[PREFIX + name.upper()] for name in Settings.model_fields if PREFIX + name.upper() in names}
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("; ".join(_problems(error))) from None
    if not settings.bootstrap and names.get("KAFKA_BOOTSTRAP"):
        return settings.model_copy(update={"bootstrap": names["KAFKA_BOOTSTRAP"]})
    return settings


def _problems(error: ValidationError) -> list[str]:
    return [f"{PREFIX}{str(item['loc'][0]).upper()}: {item['msg']}, not {item['input']!r}" for item in error.errors()]
