"""Commands with several modes: one flag selects the mode, and the other flags belong to some of the modes."""

from collections.abc import Collection, Mapping
from typing import NamedTuple


class Mode(NamedTuple):
    """Flags that belong to a mode."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def choose_mode(given: Collection[str], modes: Mapping[str, Mode], usage: str) -> str:
    """Selects the mode whose flag is given.

    Args:
      given: names of the flags on the command line.
      modes: modes by the name of the flag that selects them.
      usage: the modes as command line flags, for messages.

    Raises:
      ValueError: no mode or several, a flag of another mode, or a required flag that is missing.
    """
    selected = [name for name in modes if name in given]
    if len(selected) != 1:
        found = f", not {' and '.join(f'--{name}' for name in selected)}" if selected else ""
        raise ValueError(f"choose exactly one of {usage}{found}")
    (mode,) = selected
    required, optional = modes[mode]
    owners = {flag: name for name, flags in modes.items() for flag in (*flags.required, *flags.optional)}
    for flag in sorted(set(given) & owners.keys() - {mode, *required, *optional}):
        raise ValueError(f"--{flag} goes with --{owners[flag]}, not with --{mode}")
    if missing := [flag for flag in required if flag not in given]:
        raise ValueError(f"--{mode} needs {' and '.join(f'--{flag}' for flag in missing)} as well")
    return mode
