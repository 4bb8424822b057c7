"""The output of a failed installer is turned into advice for a person."""

from __future__ import annotations

import os
import sys

import pytest

from tfxkit.environment import SetUpError, installer


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("error: Failed to fetch\n cause: dns error\n failed to lookup address", "reached"),
        ("ERROR: Could not find a version that satisfies uv (from versions: none)", "reached"),
        ("error: failed to copy file: No space left on device (os error 28)", "full"),
        ("[Errno 28] No space left on device", "full"),
        ("error: invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "damaged"),
        ("Hash mismatch for `tfxkit @ file:///p/vendor/tfxkit.whl`", "git checkout -- vendor"),
        ("error: Failed to read `tfxkit`: Bad CRC (got a, expected b)", "is damaged"),
        ("error: Failed to extract archive: invalid package format", "is damaged"),
        ("error: Failed to build `pyfarmhash==0.3.2`", "make doctor"),
        ("error: something new", ""),
    ],
)
def test_a_known_failure_has_advice(output: str, word: str) -> None:
    explanation = installer.explain_failure(output)
    assert word in explanation if word else not explanation


def test_shows_what_matters_and_hides_a_line_a_package(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["Downloading tensorflow (546.3MiB)", "Downloading jedi (4.7MiB)", " + jedi==1", "Hey"]
    installer.run_command([sys.executable, "-c", f"print(*{lines}, sep=chr(10))"], os.environ)
    assert capsys.readouterr().out == "  Downloading tensorflow (546.3MiB)\n  Hey\n"


def test_an_unknown_failure_is_shown_in_its_own_words() -> None:
    with pytest.raises(SetUpError, match="it is raining"):
        installer.run_command(
            [sys.executable, "-c", "exit('it is raining')"], os.environ, quiet=True
        )


def test_a_command_that_does_not_listen_is_no_crash() -> None:
    with pytest.raises(SetUpError, match="deaf"):
        installer.run_command([sys.executable, "-c", "exit('deaf')"], os.environ, text="x" * 2**20)
