"""The YAML text of a policy, and what is wrong with it: the line, what it says, the remedy."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple, Self, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = Sequence[str | int]
_NOT_A_MAPPING: Final = ("model_type", "model_attributes_type", "dict_type")


class Problem(NamedTuple):
    """One thing that is wrong, at a line counted from 1. Sorts by line."""

    line: int
    path: str
    what: str
    hint: str

    def told(self, name: str) -> str:
        place = f"{name}:{self.line}: " + (f"{self.path}: " if self.path else "")
        return f"{place}{self.what}; {self.hint}"


class PolicyError(ValueError):
    """A policy that is refused. Its text has a line a problem: `file:line: key.path: what is wrong; hint`."""

    @classmethod
    def of(cls, problems: Iterable[Problem], name: str) -> Self:
        return cls("\n".join(problem.told(name) for problem in sorted(problems)))


class PolicySource:
    """A YAML document as data, with the lines of its keys. Raises PolicyError if it is no YAML, or empty."""

    def __init__(self, text: str, name: str, holds: str = "the policy") -> None:
        try:
            loader = yaml.SafeLoader(text)
            root = loader.get_single_node()
            # Constructing merges `<<` into its mapping, so keys are compared first.
            self._repeated = list(_repeated_keys(root, [], set())) if root else []
            self.data: object = loader.construct_document(root) if root else None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise PolicyError.of([_not_yaml(error)], name) from None
        if root is None or self.data is None:
            raise PolicyError.of([Problem(1, "", "the file is empty", f"write {holds} into it")], name)
        self._root: Node = root

    def repeated_keys(self) -> list[Problem]:
        """Keys written twice in one mapping: YAML itself would silently take the last."""
        return list(self._repeated)

    def refusals(self, error: ValidationError, model: type[BaseModel]) -> list[Problem]:
        """What pydantic refused of `data`, located in the text. `model` is what it was checked against."""
        return [self._refusal(detail, model) for detail in error.errors()]

    def _refusal(self, detail: ErrorDetails, model: type[BaseModel]) -> Problem:
        path = _path(detail)
        return Problem(self.line_of(path), _dotted(path), _what(detail), _hint(detail, path, model))

    def line_of(self, path: Path) -> int:
        """The line of the key at the path, or of the nearest one above it that is there; counted from 1."""
        node, line = self._root, self._root.start_mark.line
        for part in path:
            step = _step(node, part)
            if step is None:
                break
            key, node = step
            line = key.start_mark.line
        return int(line) + 1


def told_refusals(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """What pydantic refused of data that has no lines, such as JSON: `key.path: what is wrong; hint` each."""
    return [_told_refusal(detail, _path(detail), model) for detail in error.errors()]


def _told_refusal(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    place = f"{_dotted(path)}: " if path else ""
    return f"{place}{_what(detail)}; {_hint(detail, path, model)}"


def _path(detail: ErrorDetails) -> list[str | int]:
    return [part for part in detail["loc"] if part != "[key]"]


def _step(node: Node, part: str | int) -> tuple[Node, Node] | None:
    """The (key, value) below the node; an item of a list is its own key."""
    if isinstance(node, MappingNode):
        # The last of a repeated key is the one that counted.
        return next((pair for pair in reversed(node.value) if pair[0].value == str(part)), None)
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _repeated_keys(node: Node, path: list[str | int], seen: set[int]) -> Iterator[Problem]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            yield from _repeated_keys(item, [*path, number], seen)
    if isinstance(node, MappingNode):
        lines: dict[str | int, int] = {}
        for key, value in node.value:
            here = [*path, str(key.value)]
            line = key.start_mark.line + 1
            if isinstance(key, ScalarNode) and key.value in lines:
                what = f"is written twice, first on line {lines[key.value]}"
                yield Problem(line, _dotted(here), what, "keep one")
            lines.setdefault(here[-1], line)
            yield from _repeated_keys(value, here, seen)


def _not_yaml(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = " ".join(str(getattr(error, "problem", None) or error).split())
    hint = "check indentation, colons and quotes there"
    return Problem(mark.line + 1 if mark else 1, "", f"is not YAML: {what}", hint)


def _dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _what(detail: ErrorDetails) -> str:
    kind, found = detail["type"], f"{detail['input']!r:.60}"
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is an unknown key"
    if kind in _NOT_A_MAPPING:
        return f"should be a mapping of keys, not {found}"
    if not detail["msg"].startswith("Input "):
        return detail["msg"].replace("Frozenset", "List").replace("Tuple", "List")
    said = detail["msg"].removeprefix("Input ").replace("a valid tuple", "a list")
    return f"{said}, not {found}"


def _hint(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    kind, found = detail["type"], detail["input"]
    if kind == "missing":
        return f"add `{path[-1]}:`" + _described(_field_at(model, path), ", ")
    if kind == "extra_forbidden":
        return _nearest(str(path[-1]), list(_model_at(model, path[:-1]).model_fields))
    if kind == "literal_error":
        return _nearest(str(found), detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", "))
    if kind in ("unknown_team", "unknown_calendar", "unknown_role", "unknown_skill"):
        return _nearest(str(found), detail["ctx"]["known"])
    if kind in _NOT_A_MAPPING:
        return "write its keys below it, indented"
    if kind == "string_type" and isinstance(found, bool | int | float):
        return "put it in quotes: YAML reads yes, no, on, off and digits as something else than text"
    return "set it to " + (_described(_field_at(model, path), "") or "another value")


def _described(field: FieldInfo | None, before: str) -> str:
    return f"{before}{field.description}" if field and field.description else ""


def _nearest(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"it can be: {', '.join(known) or 'nothing yet'}"


def _field_at(model: type[BaseModel], path: Path) -> FieldInfo | None:
    """The innermost field that the path goes through."""
    fields = [_model_at(model, path[:depth]).model_fields.get(str(part)) for depth, part in enumerate(path)]
    return next((field for field in reversed(fields) if field), None)


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The innermost model that the path goes through; keys of a dict and numbers of a list stay in place."""
    for part in path:
        field = model.model_fields.get(str(part))
        model = next(_models_in(field.annotation), model) if field else model
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
