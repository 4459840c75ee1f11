"""What a policy may say, and how a mistake in it is told."""

import re

import pytest
import yaml

from domain.policy import PolicyError, SpikeRules, parse_policy, restored_policy
from schemas.records import PolicyVersion
from tests.domain.posts import POLICY_TEXT, policy


def line_of(text: str, words: str) -> int:
    lines = enumerate(text.splitlines(), 1)
    return next(number for number, line in lines if words in line and not line.startswith("#"))


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        parse_policy(text, "policy.yaml")
    return str(refused.value)


def changed(old: str, new: str) -> str:
    assert old in POLICY_TEXT
    return POLICY_TEXT.replace(old, new, 1)


def test_the_shipped_policy_keeps_the_promised_times() -> None:
    minutes = {type_: routing.first_response_minutes for type_, routing in policy().answers.items()}
    assert minutes == {
        "customer_complaint": 120,
        "product_question": 240,
        "sales_inquiry": 240,
        "positive_feedback": 1440,
        "general_conversation": 1440,
    }


def test_the_shipped_policy_has_four_teams_with_names() -> None:
    assert {key: team.name for key, team in policy().teams.items()} == {
        "support": "Customer support",
        "product": "Product",
        "sales": "Sales",
        "pr": "Press and community",
    }


def test_every_type_of_the_shipped_policy_has_its_urgency() -> None:
    assert list(policy().urgencies.values()) == ["urgent", "high", "high", "medium", "low", "none"]


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("team: sales", "team: slaes", "types.sales_inquiry.team", "no team 'slaes'; did you mean sales?"),
        ("    owner: sales-queue\n", "", "types.sales_inquiry.owner", "is missing; add `owner:`"),
        ("priority: 1", "priority: 9", "types.customer_complaint.priority", "not 9; set it to a whole number"),
        ("minutes: 120", "minutes: 0", "types.customer_complaint.first_response_minutes", "greater than 0"),
        ("minutes: 120", "minutes: -5", "types.customer_complaint.first_response_minutes", "greater than 0"),
        ("minutes: 120", 'minutes: "120"', "types.customer_complaint.first_response_minutes", "integer"),
        ("fraction: 0.75", "fraction: 1", "at_risk[0].fraction", "less than 1, not 1; set it to a fraction"),
        ("fraction: 0.75", "fraction: 0", "at_risk[0].fraction", "greater than 0, not 0; set it to a fraction"),
        ("fraction: 0.75", "fraction: .nan", "at_risk[0].fraction", "finite number"),
        ("[{fraction: 0.75}]", "[]", "at_risk", "at least 1 item"),
        ("{fraction: 0.75}", "{fraction: 0.75, minutes_before: 5}", "at_risk[0]", "either fraction or minutes_before"),
        ("start_from: posted", "start_from: postd", "start_from", "did you mean posted?"),
        ("reopen_days: 5", "reopen_days: 8", "reopen_days", "less than or equal to 7, not 8; set it to whole days"),
        ("{name: Sales}", "{name: Sales, calendar: berln}", "teams.sales.calendar", "no calendar 'berln'"),
        ("{share: 0.15}", "{share: 15}", "review.share", "less than or equal to 1, not 15; set it to a share"),
        ("{share: 0.15}", "{shar: 0.15}", "review.shar", "unknown key; did you mean share?"),
        ("{share: 0.15}", "{share: 0.15, tolerated_error: 0.1}", "review", "either share or tolerated_error"),
        ("{share: 0.15}", "{}", "review", "either share or tolerated_error"),
        ("urgency: low", "urgency: lowe", "types.general_conversation.urgency", "did you mean low?"),
        ("  spam:\n", "  spma:\n", "types.spma", "unknown key; did you mean spam?"),
        ("flag: legal_threat\n", "flag: legal_thread\n", "risk_words[0].flag", "did you mean legal_threat?"),
        ("    safety: 4", "    safty: 4", "raise_priority.risk_flags.safty", "did you mean safety?"),
        ("verified_author: 1", "verified_author: -1", "raise_priority.verified_author", "greater than or equal to 0"),
        ("legal_threat, team: pr,", "legal_threat, team: legal,", "send_to[1].team", "no team 'legal'"),
        ("followers: 100000", "followers: 0", "influencer_followers", "greater than 0, not 0; set it to a number of"),
        ("{name: Sales}", "{nam: Sales}", "teams.sales.nam", "unknown key; did you mean name?"),
        ("        attorney, ", "        no, ", "risk_words[0].words[0]", "put it in quotes"),
        ("        attorney, ", '        "?!", ', "risk_words[0].words[0]", "neither letter nor digit"),
        ("window_minutes: 15", "window_minutes: 0", "spikes.window_minutes", "greater than or equal to 1, not 0"),
        ("window_minutes: 15", "window_minutes: 1.5", "spikes.window_minutes", "set it to whole minutes, such as 15"),
        ("window_minutes: 15", "window_minute: 15", "spikes.window_minute", "did you mean window_minutes?"),
        ("hop_minutes: 5", "hop_minutes: 0", "spikes.hop_minutes", "set it to whole minutes that divide the window"),
        ("baseline_windows: 96", "baseline_windows: 1", "spikes.baseline_windows", "set it to a number of windows"),
        ("min_count: 10", "min_count: 1", "spikes.min_count", "set it to a number of mentions, such as 10"),
        ("ratio: 3.0", "ratio: 1.0", "spikes.ratio", "greater than 1, not 1.0; set it to a factor above 1"),
        ("ratio: 3.0", "ratio: .inf", "spikes.ratio", "finite number"),
        ("chance: 0.000001", "chance: 0", "spikes.chance", "greater than 0, not 0; set it to a probability"),
        ("grace_minutes: 2", "grace_minutes: -1", "spikes.grace_minutes", "set it to whole minutes, such as 2"),
        ("claim_minutes: 15", "claim_minutes: 0", "claims.claim_minutes", "set it to whole minutes, such as 15"),
        ("claim_minutes: 15", "claim_minuts: 15", "claims.claim_minuts", "did you mean claim_minutes?"),
        ("snooze_days: 30", "snooze_days: 366", "claims.snooze_days", "set it to whole days, such as 30"),
        ("undo_seconds: 10", "undo_seconds: -1", "replies.undo_seconds", "greater than or equal to 0, not -1"),
        ("may: [answer, take_over, ack", "may: [anser, take_over, ack", "roles.agent.may[0]", "did you mean answer?"),
        ("{EUR: 5000, USD", "{EUR: 0, USD", "roles.agent.promises.refund.EUR", "greater than 0, not 0"),
        ("{EUR: 5000, USD", "{eur: 5000, USD", "roles.agent.promises.refund.eur", "pattern"),
        (
            "{role: lead, team: pr, channel: e",
            "{role: led, team: pr, channel: e",
            "escalations[2].steps[0].role",
            "lead?",
        ),
        (
            "{role: lead, team: pr, channel: e",
            "{role: lead, team: rp, channel: e",
            "escalations[2].steps[0].team",
            "it can be: pr, product",
        ),
        ("trigger: breached", "trigger: breeched", "escalations[5].trigger", "did you mean breached?"),
        ("acknowledged_minutes: 60", "acknowledged_minutes: 0", "escalations[0].acknowledged_minutes", "such as 240"),
        ("    owner: sales-queue", '    owner: ""', "types.sales_inquiry.owner", "set it to the queue that holds"),
        (
            "legal_threat, team: pr, owner: pr-leads}",
            "legal_threat, team: pr, owner: }",
            "send_to[1].owner",
            "the queue",
        ),
        ("similarity: 0.15", "similarity: 1.5", "incidents.similarity", "set it to a share of pairs of words, such as"),
        ("min_conversations: 5", "min_conversations: 1", "incidents.min_conversations", "not 1; set it to a number of"),
        ("strategy: least_loaded", "strategy: least_load", "assigning.strategy", "did you mean least_loaded?"),
        ("{skill: lead, queue: pr", "{skill: spam, queue: pr", "assigning.needs[0].skill", "is a type of mention"),
        ("{skill: lead, queue: pr", "{skill: lead, qeue: pr", "assigning.needs[0].qeue", "did you mean queue?"),
        ("- AdobeCare", "- ", "brands[0]", "a valid string, not None; set it to"),
    ],
)
def test_a_mistake_is_told_with_file_line_key_and_hint(old: str, new: str, place: str, words: str) -> None:
    text = changed(old, new)
    told = [line for line in refusal(text).splitlines() if f": {place}: " in line]
    assert len(told) == 1
    assert words in told[0]
    missing = new == ""
    shown = "  sales_inquiry:" if missing else new.splitlines()[0]
    assert told[0].startswith(f"policy.yaml:{line_of(text, shown)}: {place}: ")


@pytest.mark.parametrize("type_", sorted(policy().answers))
def test_a_policy_in_which_a_type_has_no_owner_does_not_load(type_: str) -> None:
    raw = yaml.safe_load(POLICY_TEXT)
    del raw["types"][type_]["owner"]
    assert f"types.{type_}.owner: is missing; add `owner:`, the queue that holds the mention" in refusal(
        yaml.safe_dump(raw)
    )


def test_a_missing_type_is_told() -> None:
    text = changed("  spam:\n    urgency: none\n", "")
    assert f"policy.yaml:{line_of(text, 'types:')}: types.spam: is missing; add `spam:`" in refusal(text)


def test_a_surplus_type_is_told() -> None:
    text = changed("  spam:\n", "  praise: {urgency: low}\n  spam:\n")
    assert f"policy.yaml:{line_of(text, 'praise')}: types.praise: is an unknown key" in refusal(text)


def test_spam_may_have_no_target() -> None:
    text = changed("    urgency: none\n", "    urgency: none\n    first_response_minutes: 60\n")
    assert "types.spam.first_response_minutes: is an unknown key" in refusal(text)


def test_a_key_written_twice_is_told_with_both_lines() -> None:
    text = changed("    urgency: low\n", "    urgency: low\n    urgency: high\n")
    first = line_of(text, "urgency: low")
    place = f"policy.yaml:{first + 1}: types.general_conversation.urgency"
    assert refusal(text) == f"{place}: is written twice, first on line {first}; keep one"


def test_a_mistake_in_the_second_of_a_repeated_key_is_told_with_its_line() -> None:
    text = changed("    urgency: low\n", "    urgency: low\n    urgency: lowe\n")
    place = f"policy.yaml:{line_of(text, 'urgency: lowe')}: types.general_conversation.urgency"
    assert [line.startswith(place) for line in refusal(text).splitlines()] == [True, True]


def test_a_key_written_twice_on_one_line_is_told() -> None:
    assert "teams.sales.name: is written twice" in refusal(changed("{name: Sales}", "{name: Sales, name: S}"))


def test_all_mistakes_are_told_at_once_from_top_to_bottom() -> None:
    text = changed("priority: 1", "priority: 9").replace("team: pr\n", "team: rp\n")
    text = text.replace("{fraction: 0.75}", "{fraction: 2.0}") + "raise_priority: {}\n"
    told = refusal(text).splitlines()
    assert [line.split(": ")[1] for line in told] == [
        "at_risk[0].fraction",
        "types.customer_complaint.priority",
        "types.positive_feedback.team",
        "types.general_conversation.team",
        "raise_priority",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "null\n"])
def test_an_empty_file_is_told(text: str) -> None:
    assert refusal(text) == "policy.yaml:1: the file is empty; write the policy into it"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("teams: [", 1),
        ("a: 1\nb: c: 2", 2),
        ("a: 1\n---\nb: 2", 2),
        ("a:\n\t- b", 2),
        ("a: \x00", 1),
        ("a: 2020-99-99", 1),
        ("a: !!python/object:os.system x", 1),
        ("[" * 500, 1),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line(text: str, line: int) -> None:
    assert re.match(rf"policy\.yaml:{line}: is not YAML: .*; check indentation", refusal(text))


@pytest.mark.parametrize("text", ["- a", "just words", "3"])
def test_a_file_that_is_no_mapping_is_told(text: str) -> None:
    assert refusal(text).startswith("policy.yaml:1: should be a mapping of keys")


@pytest.mark.parametrize("brands", ["brands: Delta", "brands: []", "brands: 3", "brands:"])
def test_brands_are_a_list_or_any(brands: str) -> None:
    head, tail = POLICY_TEXT.split("brands:\n")
    text = f"{head}{brands}\n" + tail[tail.index("# People look again") :]
    told = refusal(text)
    assert told.startswith(f"policy.yaml:{line_of(text, brands)}: brands: ")
    assert told.endswith("set it to a list of brand names, or `brands: any`")


def test_a_recursive_file_is_refused_and_not_followed_for_ever() -> None:
    assert "unknown key" in refusal(POLICY_TEXT + "again: &again [*again]\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("hop_minutes: 5", "hop_minutes: 4", "has a window that is not a whole number of hops"),
        ("hop_minutes: 5", "hop_minutes: 30", "has a window that is not a whole number of hops"),
        ("baseline_windows: 96", "baseline_windows: 2689", "has a baseline longer than four weeks"),
    ],
)
def test_windows_of_spikes_must_fit_together(old: str, new: str, words: str) -> None:
    text = changed(old, new)
    place = f"policy.yaml:{line_of(text, 'spikes:')}: spikes: "
    assert refusal(text) == f"{place}{words}; set it to a window of whole hops, such as 15 and 5 minutes, " + (
        "and a baseline of days"
    )


def test_a_policy_that_says_nothing_of_spikes_has_the_shipped_rules() -> None:
    raw = yaml.safe_load(POLICY_TEXT)
    shipped = raw.pop("spikes")
    assert parse_policy(yaml.safe_dump(raw), "policy.yaml").spikes == policy().spikes
    assert set(shipped) == set(SpikeRules.model_fields)


def test_a_trigger_has_one_path() -> None:
    assert "escalations: has two paths for safety; set it to a list of paths, one a trigger" in refusal(
        changed("trigger: legal_threat", "trigger: safety")
    )


def test_a_path_has_a_step() -> None:
    steps = "    steps:\n      - {role: lead, channel: chat, minutes: 60}\n"
    assert "escalations[6].steps: should have at least 1 item" in refusal(changed(steps, "    steps: []\n"))


def test_a_policy_without_roles_knows_the_usual_ones_and_lets_them_promise_nothing() -> None:
    raw = yaml.safe_load(POLICY_TEXT)
    shipped = set(raw.pop("roles"))
    roles = parse_policy(yaml.safe_dump(raw), "policy.yaml").roles
    assert set(roles) == shipped
    assert not any(role.promises for role in roles.values())


@pytest.mark.parametrize("brands", ["brands: any", "brands: [Delta]"])
def test_a_policy_on_record_comes_back_as_it_was(brands: str) -> None:
    head, tail = POLICY_TEXT.split("brands:\n")
    kept = parse_policy(f"{head}{brands}\n" + tail[tail.index("# People look again") :], "policy.yaml")
    record = PolicyVersion.model_validate_json(kept.record().model_dump_json())
    again = restored_policy(record.policy)
    assert (again, again.version) == (kept, record.id)


def test_a_policy_on_record_that_cannot_be_read_is_told() -> None:
    with pytest.raises(PolicyError, match="types: should be a mapping"):
        restored_policy(policy().record().policy | {"types": 3})


def test_the_version_does_not_depend_on_how_the_file_is_laid_out() -> None:
    laid_out_anew = yaml.safe_dump(yaml.safe_load(POLICY_TEXT), sort_keys=True)
    assert parse_policy(laid_out_anew, "other.yaml").version == policy().version
    assert re.fullmatch("[0-9a-f]{16}", policy().version)


@pytest.mark.parametrize(
    ("old", "new"),
    [("minutes: 120", "minutes: 121"), ("small claims", "small claim"), ("name: Sales", "name: Sellers")],
)
def test_the_version_changes_with_what_the_policy_decides(old: str, new: str) -> None:
    assert parse_policy(changed(old, new), "policy.yaml").version != policy().version


def test_the_order_of_what_is_sent_where_is_part_of_the_version() -> None:
    raw = yaml.safe_load(POLICY_TEXT)
    raw["send_to"].reverse()
    assert parse_policy(yaml.safe_dump(raw), "policy.yaml").version != policy().version
