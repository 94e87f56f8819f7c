"""The boundary between the shop's page and us: whatever a use case is called with, what replaces it takes."""

import sys
from importlib import import_module
from inspect import Parameter, getclosurevars, isfunction, signature, unwrap
from pkgutil import walk_packages

import pytest

import recommendations
from recommendations.boundary import never_break
from recommendations.serving import RecommendationQuery, because_rows
from recommendations.serving.recommending import HISTORY

APART = ("recommendations.contrib", "recommendations.migrations", "recommendations.ml")


def guarded():
    """(name, use case, fallback) of everything that never_break decorates, but for what needs a shop of its own."""
    for found in walk_packages(recommendations.__path__, "recommendations."):
        if not found.name.startswith(APART):
            import_module(found.name)
    code = never_break(fallback=lambda: None)(lambda: None).__code__
    for name, module in sorted(sys.modules.items()):
        if name.startswith("recommendations."):
            for outer in filter(isfunction, vars(module).values()):
                value = unwrap(outer, stop=lambda function: function.__code__ is code)  # lists are counted around it
                if value.__code__ is code and value.__module__ == name:
                    yield f"{name}.{value.__qualname__}", value.__wrapped__, getclosurevars(value).nonlocals["fallback"]


def shapes(function):
    """(args, kwargs) in which it may be called: all by place, all by name, and without what has a default."""
    asked = [p for p in signature(function).parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    by_place = [p.name for p in asked if p.kind is p.POSITIONAL_OR_KEYWORD]
    by_name = {p.name: None for p in asked}
    takes_more = any(p.kind is p.VAR_POSITIONAL for p in signature(function).parameters.values())
    yield [*by_place, *(["more"] if takes_more else [])], {n: None for n in by_name if n not in by_place}
    yield [], by_name
    yield [], {p.name: None for p in asked if p.default is Parameter.empty}


def test_every_fallback_takes_what_its_use_case_is_called_with():
    names = []
    for name, function, fallback in guarded():
        names.append(name)
        for args, kwargs in shapes(function):
            signature(function).bind(*args, **kwargs)
            try:
                signature(fallback).bind(*args, **kwargs)
            except TypeError as error:
                pytest.fail(f"{name} called with {args} and {kwargs}: its fallback says {error}")
    assert "recommendations.serving.rows.because_rows" in names and len(names) > 10


@pytest.mark.parametrize("named", [{}, {"rows": 2}])
def test_while_lists_rest_there_are_no_rows(db, settings, named):
    settings.RECOMMENDATIONS = {"STRICT": False}
    HISTORY.failed()
    assert because_rows(RecommendationQuery("home"), **named) == []
