"""What the command line says to an argument that cannot be read."""

import argparse

import pytest

from polycardia.cli.parser import COMMANDS, parser
from polycardia.errors import BadStudy


def commands():
    (chosen,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return chosen.choices


def numbers():
    """Every argument of every command that is a number: those that refuse a word."""
    for name, command in commands().items():
        for action in command._actions:
            if action.type is not None and isinstance(action.option_strings, list):
                try:
                    action.type("x")
                except (ValueError, argparse.ArgumentTypeError):
                    yield name, action.option_strings[0]


def refused(capsys, *typed):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(typed)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_every_command_is_declared():
    assert list(commands()) == [command.run.__name__ for command in COMMANDS]


def test_there_are_numbers_to_try():
    assert ("slab", "--dt") in numbers()
    assert ("simulate", "--checkpoint-minutes") in numbers()
    assert ("pace", "--beats") in numbers()


@pytest.mark.parametrize(("command", "option"), list(numbers()))
def test_a_number_that_is_none_is_told_with_what_is_allowed(capsys, command, option):
    sentence = refused(capsys, command, option, "1,5")
    assert sentence.startswith(f"polycardia {command}: error: argument {option}: found '1,5', ")
    assert ", expected a " in sentence
    assert "number" in sentence


@pytest.mark.parametrize("typed", ["0", "-1", "nan"])
def test_minutes_have_a_range(capsys, typed):
    sentence = refused(capsys, "simulate", "--checkpoint-minutes", typed)
    assert sentence.endswith(f"found '{typed}', expected a number of minutes, more than 0")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("slab", "--dt", "x"), "expected a number of ms"),
        (("slab", "--dx", "x"), "expected a number of mm"),
        (("slab", "--ranks", "1.5"), "expected a whole number"),
        (("pace", "--model", "a", "--tolerance", "x"), "expected a number"),
    ],
)
def test_units_and_whole_numbers_are_named(capsys, typed, expected):
    assert refused(capsys, *typed).endswith(f"found {typed[-1]!r}, {expected}")


def test_a_long_text_is_cut(capsys):
    sentence = refused(capsys, "slab", "--dt", "x" * 10_000)
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (
            ("model", "--settings", '{"model": {"name": "tp06_epi"}}'),
            "--settings goes with --kernels; or give --config",
        ),
        (
            ("model", "--settings", '{"model": {"name": "tp06_epi"}}', "--kernels", "k"),
            "--settings goes with --output; or give --config",
        ),
        (
            ("prepare", "--settings", "{}"),
            "--settings goes with --source; or give --config and --patient",
        ),
    ],
)
def test_what_settings_go_with_is_named_and_what_else_the_command_takes(typed, sentence):
    arguments = parser().parse_args(typed)
    with pytest.raises(BadStudy) as raised:
        arguments.command(arguments)
    assert str(raised.value) == sentence
