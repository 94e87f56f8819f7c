"""Every word of ours is translated, said as it is meant, and compiled."""

import ast
import gettext
import re
from pathlib import Path

import django
import pytest
from django.utils.translation.template import templatize

import recommendations
from tests.locale.reading import words

APP = Path(recommendations.__file__).parent
CATALOG = APP / "locale" / "zh_Hans" / "LC_MESSAGES"
MEND = (
    "In recommendations/: django-admin makemessages -l zh_Hans --no-location --no-wrap; translate in django.po; "
    "django-admin compilemessages."
)
STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
MARKED = re.compile(rf"(?<!\w)(_|n?p?gettext)\(({STRING}(?:, {STRING})*)")


def compiled(path):
    """A .mo file's texts by their keys: msgid, CONTEXT\x04msgid or (msgid, number of the plural form)."""
    with path.open("rb") as opened:
        texts = dict(gettext.GNUTranslations(opened)._catalog)
    return {key: text for key, text in texts.items() if key}


def written():
    """The same of the .po file."""
    texts = {}
    for block in (CATALOG / "django.po").read_text(encoding="utf-8").split("\n\n")[1:]:
        lines = re.findall(r'^(msg\S+) (".*")$', re.sub(r'"\n"', "", block), re.MULTILINE)
        entry = {name: ast.literal_eval(text) for name, text in lines}
        key = "\x04".join(filter(None, [entry.get("msgctxt"), entry["msgid"]]))
        if "msgid_plural" in entry:
            texts[key, 0] = entry["msgstr[0]"]
        else:
            texts[key] = entry["msgstr"]
    return texts


def marked():
    """Keys of every string that code and templates mark."""
    return {key for path in sources("*.py") for key in marked_in_code(path)} | {
        key for path in templates() for key in marked_in_template(path)
    }


def sources(pattern):
    return [path for path in APP.rglob(pattern) if "migrations" not in path.parts]


def templates():
    return [path for path in sources("*") if "templates" in path.parts and path.is_file()]


def marked_in_code(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from keys_of(node.func.id, [value.value for value in node.args if isinstance(value, ast.Constant)])


def marked_in_template(path):
    for name, strings in MARKED.findall(templatize(path.read_text(encoding="utf-8"))):
        yield from keys_of(name, list(ast.literal_eval(f"({strings},)")))


def keys_of(name, strings):
    name = name.removesuffix("_lazy")
    if name in ("_", "gettext"):
        yield strings[0]
    elif name == "ngettext":
        yield strings[0], 0
    elif name == "pgettext":
        yield "\x04".join(strings)


def test_every_marked_string_is_translated_and_nothing_else():
    texts = written()
    assert marked() - texts.keys() == set(), MEND
    assert texts.keys() - marked() == set(), MEND
    assert [key for key, text in texts.items() if not text] == [], MEND


def test_what_is_compiled_is_what_is_written():
    assert "#, fuzzy" not in (CATALOG / "django.po").read_text(encoding="utf-8"), MEND
    assert compiled(CATALOG / "django.mo") == written(), MEND


def test_a_translation_fills_in_what_the_original_does():
    def filled(text):
        return set(re.findall(r"%\(\w+\)s|\{\w+\}", text))

    wrong = [key for key, text in written().items() if filled(text) != filled(key if isinstance(key, str) else key[0])]
    assert wrong == []


def test_only_a_cause_is_called_a_cause():
    named = {key for key, text in written().items() if re.search("因为|由于|因此", text)}
    assert named == {key for key in written() if isinstance(key, str) and key.startswith("Because ")}
    assert len(named) == 12


def test_no_word_of_django_changes_its_translation():
    ours = compiled(CATALOG / "django.mo")
    for path in Path(django.__file__).parent.rglob("locale/zh_Hans/LC_MESSAGES/django.mo"):
        theirs = compiled(path)
        assert {key: ours[key] for key in ours.keys() & theirs.keys()} == {
            key: theirs[key] for key in ours.keys() & theirs.keys()
        }, f"{path}: one app's words are every app's; give ours a context"


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_no_template_holds_words_that_are_not_marked(path):
    text = re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"))
    text = re.sub(r"{% comment.*?endcomment %}", "", text, flags=re.DOTALL)
    text = re.sub(r"{% blocktranslate.*?endblocktranslate %}", "", text, flags=re.DOTALL)
    assert re.findall(r"[^\W\d_]{2,}", words(re.sub(r"{%.*?%}|{{.*?}}", "", text))) == []
