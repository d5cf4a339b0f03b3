"""Instructions of a Dockerfile."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction, its lines joined."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """The words of a command in JSON."""
        return json.loads(self.value[self.value.index("[") :])


def load(path: Path) -> dict[str, list[Instruction]]:
    """Instructions of every stage, by its name, after those of the stages that it is built on."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    stages: dict[str, list[Instruction]] = {}
    current: list[Instruction] = []
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        name, value = line.split(maxsplit=1)
        if name == "FROM":
            parent, stage = re.fullmatch(r"(\S+) AS (\S+)", value).groups()  # pyright: ignore[reportOptionalMemberAccess]
            current = stages[stage] = [*stages.get(parent, [])]
        current.append(Instruction(name, value))
    return stages


def last(stage: list[Instruction], name: str) -> Instruction:
    """The instruction of this name that is in force."""
    return [instruction for instruction in stage if instruction.name == name][-1]


def pip_commands(stage: list[Instruction], checkout: Path) -> list[list[str]]:
    """Arguments of pip in a stage, with a folder in place of the mounted checkout."""
    commands = [re.sub(r"--mount=\S+ ", "", value) for name, value in stage if name == "RUN"]
    words = [shlex.split(command.replace("/checkout", str(checkout))) for command in commands]
    return [arguments for program, *arguments in words if program == "pip"]
