"""What an editor makes of a file: YAML 1.2's core schema, and the words of JSON Schema that ours use.

Independent of the reader on purpose: the nodes come from PyYAML's own composer.
"""

import re
from typing import Any

import yaml

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_NUMBER = re.compile(r"[-+]?(0o[0-7]+|0x[0-9a-fA-F]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))")


def data_of(text: str) -> Any:
    """Return the data of a document without tags, anchors and aliases."""
    return _data(yaml.compose(text, Loader=yaml.SafeLoader))


def _data(node: Any) -> Any:
    match node:
        case yaml.MappingNode():
            return {_data(key): _data(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [_data(item) for item in node.value]
        case yaml.ScalarNode(value=text) if node.style:
            return text
        case yaml.ScalarNode(value=text):
            return _plain(text)
        case _:
            return None


def _plain(text: str) -> Any:
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    return 0.5 if _NUMBER.fullmatch(text) else text


_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}
_KNOWN = {
    *("$schema", "title", "description", "type", "enum", "const", "pattern", "minLength", "maxLength", "anyOf"),
    *(
        "items",
        "minItems",
        "maxItems",
        "uniqueItems",
        "properties",
        "required",
        "additionalProperties",
        "propertyNames",
    ),
}


def refusals(schema: Any, data: Any, at: str = "$") -> list[str]:
    """Return what a validator would say about `data`; an unknown word in the schema is an error of the test."""
    assert isinstance(schema, dict)
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    wanted = schema.get("type")
    if wanted is not None and not isinstance(data, _TYPES[wanted]):
        return [f"{at}: is no {wanted}"]
    found = [*_of_any(schema, data, at)]
    if isinstance(data, str):
        found += _of_text(schema, data, at)
    elif isinstance(data, list):
        found += _of_list(schema, data, at)
    elif isinstance(data, dict):
        found += _of_mapping(schema, data, at)
    return found


def _of_any(schema: Any, data: Any, at: str) -> list[str]:
    found = []
    if "enum" in schema and data not in schema["enum"]:
        found.append(f"{at}: is none of {schema['enum']}")
    if "const" in schema and data != schema["const"]:
        found.append(f"{at}: is not {schema['const']}")
    if "anyOf" in schema and all(refusals(choice, data, at) for choice in schema["anyOf"]):
        found.append(f"{at}: is nothing of what is possible")
    return found


def _of_text(schema: Any, data: str, at: str) -> list[str]:
    found = []
    if not schema.get("minLength", 0) <= len(data) <= schema.get("maxLength", len(data)):
        found.append(f"{at}: has a wrong length")
    if "pattern" in schema and not re.search(schema["pattern"], data):
        found.append(f"{at}: does not match {schema['pattern']}")
    return found


def _of_list(schema: Any, data: list[Any], at: str) -> list[str]:
    found = [] if len(data) >= schema.get("minItems", 0) else [f"{at}: is too short"]
    if len(data) > schema.get("maxItems", len(data)):
        found.append(f"{at}: is too long")
    if schema.get("uniqueItems") and any(item in data[:number] for number, item in enumerate(data)):
        found.append(f"{at}: has an item twice")
    if "items" in schema:
        found += [
            text for number, item in enumerate(data) for text in refusals(schema["items"], item, f"{at}[{number}]")
        ]
    return found


def _of_mapping(schema: Any, data: dict[Any, Any], at: str) -> list[str]:
    found = [f"{at}: lacks {key}" for key in schema.get("required", ()) if key not in data]
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for key, value in data.items():
        if "propertyNames" in schema:
            found += refusals(schema["propertyNames"], key, f"{at}.{key} as a name")
        if key in properties:
            found += refusals(properties[key], value, f"{at}.{key}")
        elif others is False:
            found.append(f"{at}: {key} is not known")
        else:
            found += refusals(others, value, f"{at}.{key}")
    return found
