"""A list or rows by themselves, for pages that everybody shares: the beacon's script fetches them into the page."""

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_safe

from ..exceptions import UnknownPlacement
from ..serving.asking import query_of
from ..serving.placements import MAX_LIMIT, PLACEMENTS
from .trying_again import or_try_again


class FragmentForm(forms.Form):
    """What the tag asks with `lazy=True`; with `rows` so many rows "Because you viewed X", else one list."""

    placement = forms.ChoiceField(choices=[(name, name) for name in PLACEMENTS])
    limit = forms.IntegerField(min_value=1, max_value=MAX_LIMIT)
    product = forms.CharField(required=False, strip=False)
    of = forms.CharField(required=False)
    rows = forms.BooleanField(required=False)
    lang = forms.CharField(required=False, max_length=20)

    def clean_lang(self) -> str:
        """The language of the page around it, one of LANGUAGES; "" where the request's own is to be used."""
        asked = self.cleaned_data["lang"]
        try:
            return asked and translation.get_supported_language_variant(asked)
        except LookupError:
            raise forms.ValidationError("expected one of LANGUAGES.") from None


@or_try_again
@never_cache
@require_safe
@csrf_protect
def fragment(request: HttpRequest) -> HttpResponse:
    """The HTML that the tag would have put into the page, for whoever asks; empty where there is nothing to show."""
    form = FragmentForm(request.GET)
    if not form.is_valid():
        return _refused("; ".join(f"{name}: {' '.join(errors)}" for name, errors in form.errors.items()))
    asked = form.cleaned_data
    try:
        query_of(request, asked["placement"], product=asked["product"], of=asked["of"])
    except UnknownPlacement as error:
        return _refused(str(error))
    with translation.override(asked["lang"] or translation.get_language()):
        response = render(request, "recommendations/pages/fragment.html", {"asked": asked})
    if asked["lang"]:
        response["Content-Language"] = asked["lang"]
    response["X-Robots-Tag"] = "noindex"
    return response


def _refused(why: str) -> HttpResponse:
    return HttpResponseBadRequest(why, content_type="text/plain; charset=utf-8")
