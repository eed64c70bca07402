"""How every command refuses what it cannot do."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from parsing.cli import parse as cli


def assert_refused(arguments: Sequence[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The command ends with status 2 and one line on standard error that says so."""
    with pytest.raises(SystemExit) as ending:
        cli.main(arguments)
    assert ending.value.code == 2
    output = capfd.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.endswith("\n")
    assert len(output.err.splitlines()) == 1
