from __future__ import annotations

from pathlib import Path

import pytest

from models.held_out import essence, held_out_texts, key_of, read_held_out, read_keys

TEXT = "Where is my parcel?\nIt is late."


def test_a_key_is_the_start_of_the_sha1_whatever_the_white_space() -> None:
    assert key_of("abc") == "a9993e364706816a"
    assert key_of(" Where is\t my parcel?  It is late.\n") == key_of("Where is my parcel? It is late.")


def test_keys_are_read_without_comments(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("# texts to leave out\n\n003f1a89e27178dd\n01d8755053e4589e\n")
    assert read_keys(file) == {"003f1a89e27178dd", "01d8755053e4589e"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f'id,text\n1,"{TEXT}"\n'),
        ("b.json", '{"rows": [{"text": "Where is my parcel?\\nIt is late."}]}'),
        ("c.tsv", "1\tWhere is my parcel? It is late.\tother\n"),
        ("deep/d.txt", "Something else\nWhere is my parcel? It is late.\n"),
    ],
)
def test_a_held_out_text_is_found_in_any_kind_of_file(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    (found,) = held_out_texts(frozenset({key_of(TEXT)}), tmp_path)
    assert essence(found) == essence(TEXT)


def test_a_held_out_text_without_words_does_not_hold_out_all_of_those(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text(key_of("!!!"))
    (tmp_path / "data.txt").write_text("!!!\n")
    held_out = read_held_out(tmp_path / "keys.txt", tmp_path)
    assert held_out.holds("!!!")
    assert not held_out.holds("???")
