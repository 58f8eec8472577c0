"""What the domain speaks of are values: nobody can change one that somebody else relies on."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Protocol

import pytest

import retentiond.domain
from retentiond.domain.decisions import Decisions
from retentiond.domain.register import Register

MUTABLE = frozenset({Decisions})
"""The fold over the trail grows with each record, and has one owner."""

CACHING = frozenset({Register})
"""Keeps tables of its own, made at the first question."""


def classes_of_the_domain() -> Iterator[type]:
    for module in pkgutil.walk_packages(retentiond.domain.__path__, "retentiond.domain."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        yield from (cls for _, cls in members if cls.__module__ == module.name)


def test_whatever_is_no_word_no_error_and_no_protocol_is_a_value() -> None:
    others = [cls for cls in classes_of_the_domain() if not is_dataclass(cls)]
    assert [cls for cls in others if not issubclass(cls, Enum | Exception) and Protocol not in cls.__bases__] == []


@pytest.mark.parametrize("cls", list(filter(is_dataclass, classes_of_the_domain())), ids=lambda cls: cls.__name__)
def test_a_value_cannot_be_changed_and_has_no_other_fields(cls: type) -> None:
    frozen = cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert frozen is (cls not in MUTABLE)
    slots = cls.__dict__.get("__slots__")
    if cls in CACHING:
        assert slots is None
    else:
        assert slots is not None, "an assignment to a name that is spelled wrongly would be kept"
        inherited = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
        assert {field.name for field in fields(cls)} <= {*slots, *inherited}
