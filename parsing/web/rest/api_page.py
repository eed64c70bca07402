"""REST's description as a page to read, made from `/openapi.json`; without scripts, and with nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any, Final

STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #8886;padding:.3rem .6rem;text-align:left;"
    "vertical-align:top}code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow-x:auto;padding:.8rem;"
    "background:#8882}h2{margin-top:2.5rem}"
)
EXAMPLE: Final = 'curl -X POST -F "image=@photo.jpg" http://localhost:7860/predict'


def api_page(description: dict[str, Any]) -> str:
    """HTML of an OpenAPI description: each address with its fields, answers and their shapes."""
    shapes = description["components"]["schemas"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(description['info']['title'])}: REST</title><style>{STYLE}</style>"
        f"<h1>{escape(description['info']['title'])}: REST</h1><p>{escape(description['info']['summary'])}</p>"
        f"<pre>{escape(EXAMPLE)}</pre><p>For programs: <a href=openapi.json>openapi.json</a></p>"
    ]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{_text(operation['description'])}</p>")
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                parts.append(f"<h3>Fields, as <code>{escape(kind)}</code></h3>{_fields(_find(content['schema'], shapes))}")
            parts.append("<h3>Answers</h3><table>")
            for status, answer in operation["responses"].items():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                parts.append(f"<tr><td>{status}<td>{_text(answer['description'])}<td>{_kind(schema)}")
            parts.append("</table>")
    parts.append("<h2>Shapes</h2>")
    for name, shape in shapes.items():
        if not name.startswith("Body_"):  # these are the fields above
            parts.append(
                f"<h3 id={escape(name)}>{escape(name)}</h3><p>{_text(shape.get('description', ''))}</p>{_fields(shape)}"
            )
    return "\n".join(parts)


def _fields(shape: dict[str, Any]) -> str:
    rows = ["<table><tr><th>name<th>kind<th>default<th>"]
    for name, field in shape.get("properties", {}).items():
        default = "needed" if name in shape.get("required", ()) else escape(str(field.get("default", "")))
        rows.append(
            f"<tr><td><code>{escape(name)}</code><td>{_kind(field)}<td>{default}<td>{_text(field.get('description', ''))}"
        )
    return "".join(rows) + "</table>"


def _kind(schema: dict[str, Any]) -> str:
    """What values a schema allows, in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"] if choice.get("type") != "null")
    if "enum" in schema or "const" in schema:
        return ", ".join(escape(str(value)) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"names with {_kind(schema['additionalProperties'])}"
    if "contentMediaType" in schema or schema.get("format") == "binary":
        return "file"
    limits = [f"{word} {schema[key]:g}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return escape(" ".join([schema.get("type", "anything"), *limits]))


def _find(schema: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    return shapes[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _text(words: str) -> str:
    """Escaped, with what stands between backquotes as code."""
    pieces = escape(words).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))
