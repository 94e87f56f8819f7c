"""The few words in which the document is written."""

from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
FLAG: Json = {"type": "boolean"}
TIME: Json = {"type": "string", "format": "date-time"}
ANY_OBJECT: Json = {"type": "object"}
NO_NUL = r"^[^\x00]*$"


def nullable(schema: Json) -> Json:
    """Or null."""
    return {**schema, "nullable": True}


def number(least: int | None = None, most: int | None = None, **more: Any) -> Json:
    """A whole number between these."""
    bounds = {"minimum": least, "maximum": most}
    return {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}, **more}


def words(most: int, least: int = 1, **more: Any) -> Json:
    """A text that can be stored."""
    return {"type": "string", "minLength": least, "maxLength": most, "pattern": NO_NUL, **more}


def one_of(*values: str) -> Json:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def many(schema: Json, **more: Any) -> Json:
    """A list of them."""
    return {"type": "array", "items": schema, **more}


def exactly(optional: tuple[str, ...] = (), **properties: Json) -> Json:
    """An object with these properties and no other."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def ref(name: str) -> Json:
    """A schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def query(name: str, schema: Json, required: bool = False, **more: Any) -> Json:
    """A parameter of the address."""
    return {"in": "query", "name": name, "required": required, "schema": schema, **more}


def body(schema: Json, *types: str) -> Json:
    """What is sent."""
    content = {type: {"schema": schema} for type in types or ("application/json",)}
    return {"required": True, "content": content}


def answer(description: str, schema: Json | None = None, **more: Any) -> Json:
    """What comes back."""
    content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
    return {"description": description, **content, **more}


# Several of one status come in any order of an endpoint's own.
REFUSALS = {
    "400": answer("What was sent can't be used; each error names a field.", ref("Errors")),
    "403": answer("A wrong password, no CSRF token, no permission, or another site asks.", ref("Detail")),
    "404": answer("There is no such thing.", ref("Detail")),
    "409": answer("Not now: what must be so before is not.", ref("Detail")),
    "415": answer("The body is no JSON.", ref("Detail")),
    "429": answer("Too often.", ref("Detail"), headers={"Retry-After": {"schema": number(0)}}),
    "503": answer("Not now; nothing was accepted.", ref("Detail"), headers={"Retry-After": {"schema": number(0)}}),
}


def operation(summary: str, name: str, answers: Json, *refusals: int, **more: Any) -> Json:
    """One method of one address; 403, 429 (too many wrong passwords) and 503 can come from anywhere."""
    refused = {str(status): REFUSALS[str(status)] for status in sorted({*refusals, 403, 429, 503})}
    return {"operationId": name, "summary": summary, "responses": {**answers, **refused}, **more}
