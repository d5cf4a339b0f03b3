"""Configurations of Triton, a text form of protocol buffers, as dictionaries."""

import ast
import re
from typing import Any

TOKEN = re.compile(r'\s*(?:#[^\n]*\n\s*)*("[^"]*"|[\w.+-]+|[\[\]{}:,])')


def parse(text: str) -> dict[str, Any]:
    """Fields of a message; lists of values and of messages are lists."""
    tokens = TOKEN.findall(text)
    assert TOKEN.sub("", text).strip() == ""
    return _message([*tokens, "}"])


def _message(tokens: list[str]) -> dict[str, Any]:
    fields = {}
    while (name := tokens.pop(0)) != "}":
        if tokens[0] == ":":
            tokens.pop(0)
        fields[name] = _value(tokens)
    return fields


def _value(tokens: list[str]) -> Any:
    token = tokens.pop(0)
    if token == "{":
        return _message(tokens)
    if token != "[":
        return ast.literal_eval(token) if re.match(r'["\d-]', token) else token
    values = []
    while tokens[0] != "]":
        values.append(_value(tokens))
        if tokens[0] == ",":
            tokens.pop(0)
    tokens.pop(0)
    return values
