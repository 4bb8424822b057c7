"""Pictures of real runs for the README: `make -C library screenshots`.

They show the terminal, and the top of the report. Runs the pipeline twice on the sample data, into
a folder of its own, in a terminal that is read along; takes Chromium for the page. Nothing in the
pictures is drawn or edited, but that the name of that folder is left out.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

from tests.report.browser import Browser, browser

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "library" / "docs" / "images"
COLUMNS, LINES = 110, 60
DESK, PHONE = (1280, 900), (390, 800)
# What rich's Live writes before it draws again over what it has drawn.
REDRAWN = re.compile(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*")
NO_COLOUR = re.compile(r"\x1b\[[?0-9;]*[A-Za-ln-z]|\x1b\[\?25[hl]")
FONTS = re.compile(r"(?s)@font-face \{.*?\}\s*")  # the picture asks nothing of the network


def main() -> None:
    """Makes all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        first = run(folder)
        terminal(during(first), "make run", IMAGES / "terminal-running.svg")
        again = run(folder, "--set", "train.seed=2")
        terminal(again[-1], 'make run ARGS="--set train.seed=2"', IMAGES / "terminal-done.svg")
        [page] = Path(folder).glob("*/runs/latest/report.html")
        with browser(Path(folder, "profile")) as window:
            for scheme in ("light", "dark"):
                picture(window, page, DESK, scheme, IMAGES / f"report-{scheme}.png")
            picture(window, page, PHONE, "light", IMAGES / "report-phone.png")


def run(folder: str, *arguments: str) -> list[str]:
    """Runs the pipeline in a terminal; all that the terminal showed, one after the other."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "pipeline", "run", "--set", f"outputs={folder}", *arguments]
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    if code := process.wait():
        sys.exit(f"The run ended with {code}:\n{shown.decode(errors='replace')[-2000:]}")
    text = shown.decode().replace("\r\n", "\n")
    text = text.replace(f" --set outputs={folder}", "").replace(f"{folder}/", "outputs/")
    return [NO_COLOUR.sub("", part) for part in REDRAWN.split(text)]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def during(shown: list[str]) -> str:
    """The screen in the middle of the training."""
    training = [part for part in shown if "epoch " in part]
    return training[len(training) // 2]


def terminal(shown: str, command: str, file: Path) -> None:
    """Writes what a terminal showed as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    console.print(Text(f"$ {command}", "bold"))
    console.print(Text.from_ansi(shown.rstrip()))
    console.print()  # the frame cuts off the underscores of the last line
    file.write_text(FONTS.sub("", console.export_svg(title="")), encoding="utf-8")


def picture(window: Browser, page: Path, size: tuple[int, int], scheme: str, file: Path) -> None:
    """Writes the top of a page as PNG, in 128 colours."""
    window.open(page, size[0], scheme)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "page.png")
        window.screenshot(whole)
        with Image.open(whole) as image:
            top = image.convert("RGB").crop((0, 0, image.width, size[1]))
            top.quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main()
