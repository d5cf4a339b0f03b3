"""Arithmetic captchas of Baidu's 2017 contest, first round: 100,000 expressions of three one-digit numbers.

Pictures ``0.png`` to ``99999.png`` of 180x60 pixels, and ``labels.txt`` whose lines, in the same order, hold expression
and result: ``(3-7)+5 1``. The result is checked, which finds labels in the wrong line.
"""

import ast
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry, locate, present
from datasets.builders.label_lines import load_lines
from datasets.sources import BadSampleError

LABELS = "labels.txt"
LONGEST = 32
"""Maximum number of characters of an expression, twice as many as any in the set has."""
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


def value(expression: str) -> int:
    """Value of an expression of whole numbers, ``+``, ``-``, ``*`` and parentheses.

    Raises:
      ValueError: the text is not such an expression, or is longer than `LONGEST`.
    """

    def walk(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)) if not isinstance(number, bool):
                return number
            case ast.BinOp(left, kind, right) if type(kind) in OPERATORS:
                return OPERATORS[type(kind)](walk(left), walk(right))
        raise ValueError(f"{expression!r} is not an expression of whole numbers, + - * and parentheses")

    if len(expression) > LONGEST:
        raise ValueError(
            f"{expression[:LONGEST]!r}... is not an expression of this set: it has {len(expression)} characters, "
            f"more than {LONGEST}"
        )
    try:
        return walk(ast.parse(expression, mode="eval").body)
    except SyntaxError as error:
        raise ValueError(f"{expression!r} is not a valid expression: {error.msg}") from error


def parse_labels(root: Path, file: str) -> Iterator[Entry | BadSampleError]:
    """Parses the expressions of ``labels.txt``; line 1 is the label of ``0.png``."""
    for line in load_lines(root, file):
        if isinstance(line, BadSampleError):
            yield line
            continue
        picture = f"{line.number - 1}.png"
        origin = f"{line.place} ({picture})"
        expression, _, result = line.text.strip().rpartition(" ")
        try:
            if int(result) != value(expression):
                raise ValueError(f"{expression!r} evaluates to {value(expression)}, not {result}")
            if abs(int(result)) >= 2**63:
                raise ValueError(f"{result} does not fit into 64 bits")
            yield Entry(root / picture, expression, origin, extra={"result": int(result)})
        except ValueError as error:
            yield BadSampleError(origin, str(error))


class BaiduArithmetic(SetBuilder):
    """Builder of the split train, with the feature ``result``."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack image_contest_level_1.tar.gz; source is the folder with labels.txt, or above it."
    )
    description = "100,000 captchas of expressions such as (3-7)+5."
    homepage = "http://meizu.baiducloud.top/ps/web/index.html"
    citation = ""

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the split train, the only one with labels."""
        return present(parse_labels, locate(source, ("image_contest_level_1",), (LABELS,)), {"train": LABELS})

    def extra_features(self) -> dict[str, Any]:
        """Feature ``result``, the value of the expression."""
        return {"result": tfds.features.Scalar(np.int64)}
