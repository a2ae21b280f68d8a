"""Registries: lazy built-ins, additions from outside, and what a wrong name says."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tdseg.errors import TdsegError
from tdseg.runtime.registry import Registry

Function = Callable[[float], float]


@pytest.fixture
def registry() -> Registry[Function]:
    return Registry("metric", {"turtle": "turtle:forward", "root": "cmath:sqrt"})


def test_listing_names_loads_nothing_and_asking_loads_that_one(registry):
    sys.modules.pop("turtle", None)
    assert registry.names() == ("turtle", "root") == tuple(registry)
    assert "turtle" in registry
    registry.add("ours", abs)
    assert registry.built_in == ("turtle", "root")
    assert registry.get("root")(-1) == 1j
    assert "turtle" not in sys.modules


def test_a_call_and_a_decorator_add_names():
    registry: Registry[Function] = Registry("metric", {})
    registry.add("twice", lambda x: 2 * x)

    @registry.register("half")
    def half(x: float) -> float:
        return x / 2

    assert half(3) == registry.get("half")(3) == 1.5
    assert registry.get("twice")(3) == 6
    assert registry.names() == ("twice", "half")


def test_an_unknown_name_is_answered_with_the_nearest_and_all(registry):
    with pytest.raises(TdsegError, match=r"'metric': 'rot' .* turtle, root\. Did you mean 'root'"):
        registry.get("rot")


@pytest.mark.parametrize("name", ["", "Two", "a b", "a=b", "[x]", "root"])
def test_names_that_macros_cannot_write_and_names_of_built_ins_are_refused(registry, name):
    with pytest.raises(TdsegError, match=r"regist"):
        registry.add(name, abs)
