import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from recommendations.middleware import RecommendationsMiddleware


def answer(headers=None, **marks):
    """The response of a view that marked its request so."""

    def view(request):
        for name, value in marks.items():
            setattr(request, name, value)
        return HttpResponse("page", headers=headers)

    return RecommendationsMiddleware(view)(RequestFactory().get("/"))


def test_a_page_without_a_list_is_left_as_it_is():
    response = answer({"Cache-Control": "public, max-age=600"})
    assert response["Cache-Control"] == "public, max-age=600"
    assert not response.has_header("Vary")
    assert not response.cookies


@pytest.mark.parametrize("before", [None, {"Cache-Control": "public, max-age=600"}, {"Vary": "Accept-Language"}])
def test_a_page_with_a_personal_list_is_private(before):
    response = answer(before, recommendations_personal=True)
    assert "private" in response["Cache-Control"]
    assert "public" not in response["Cache-Control"]
    assert "Cookie" in response["Vary"]


def test_what_a_page_varies_on_already_is_kept():
    assert answer({"Vary": "Accept-Language"}, recommendations_personal=True)["Vary"] == "Accept-Language, Cookie"


def test_a_page_that_must_not_be_stored_stays_so():
    assert "no-store" in answer({"Cache-Control": "no-store"}, recommendations_personal=True)["Cache-Control"]


def test_at_login_the_visitors_cookie_is_dropped():
    cookie = answer(recommendations_drop_cookie=True).cookies["recommendations_shopper"]
    assert (cookie.value, cookie["max-age"]) == ("", 0)
