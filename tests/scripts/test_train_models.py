# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The script that makes the shipped models: its recipes are commands that exist, for the models that ship."""

import runpy
from pathlib import Path

import click
import pytest

from firebrick.sw.cli.compress import command
from firebrick.sw.zoo import catalogue
from tests.helpers.paths import ROOT


@pytest.mark.parametrize("v1_0", [None, "v1_0.net"])
def test_recipes_are_valid_commands(tmp_path: Path, v1_0: str | None) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "train_models.py"))
    assert set(script["RECIPES"]) == set(catalogue.names()) - {"digits"}
    options = script["parse"](["-o", str(tmp_path), "--pictures", "a", "--pictures", "b", *(["--v1-0", v1_0] if v1_0 else [])])
    for name in script["RECIPES"]:
        if name == "squeezenet1_0_small" and not v1_0:
            with pytest.raises(SystemExit, match=r"give its \.net file as --v1-0"):
                script["command"](name, options, tmp_path / f"{name}.fire")
            continue
        program, *words = script["command"](name, options, tmp_path / f"{name}.fire")
        assert program == "compress"
        context = click.Context(command, info_name="compress")
        command.parse_args(context, list(words))
        assert context.params["pictures"] == ("a", "b")
        assert context.params["distil"] == 10_000
        assert context.params["teachers"] == ((words[-1],) if v1_0 else ())


def test_unknown_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "train_models.py"))
    with pytest.raises(SystemExit):
        script["parse"](["squeezenet", "-o", "x", "--pictures", "a"])
    assert "no model is called squeezenet; there are squeezenet1_1_small" in capsys.readouterr().err
