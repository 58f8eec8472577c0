"""What both schemas are made of."""

from typing import Any

from retentiond.settings.fields import MAX_PROSE, MAX_TEXT

DRAFT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def text(description: str, pattern: str | None = None) -> Schema:
    """Return one line of text; `pattern` is for the whole of it."""
    schema: Schema = {"description": description, "type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    return schema if pattern is None else {**schema, "pattern": f"^{pattern}$"}


def prose(description: str) -> Schema:
    """Return a text of one or more lines."""
    return {**text(description), "maxLength": MAX_PROSE}


def flag(description: str) -> Schema:
    """Return a boolean."""
    return {"description": description, "type": "boolean"}


def choice(description: str, words: list[str]) -> Schema:
    """Return one of some words."""
    return {"description": description, "enum": words}


def listed(description: str, item: Schema) -> Schema:
    """Return a list that is not empty."""
    return {"description": description, "type": "array", "items": item, "minItems": 1}


def set_of(description: str, item: Schema) -> Schema:
    """Return a list in which nothing stands twice."""
    return {**listed(description, item), "uniqueItems": True}


def any_of(description: str, *choices: Schema) -> Schema:
    """Return whatever fits one of several."""
    return {"description": description, "anyOf": list(choices)}


def mapping(
    known: tuple[str, ...], properties: dict[str, Schema], required: tuple[str, ...], description: str = ""
) -> Schema:
    """Return a closed mapping. The keys have to be those that the reader knows, so that neither can drift."""
    if set(known) != set(properties):
        raise AssertionError(f"schema and reader differ: {set(known) ^ set(properties)}")
    schema = {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}
    return {"description": description, **schema} if description else schema
