"""Debian's Chromium without a screen, and all that it did, for the tests of the page."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

OPTIONS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HEIGHT = 900


class Browser:
    """One window, with a log of its requests and of what pages said."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        """Takes a driver whose logs are switched on."""
        self.driver = driver

    def open(self, page: Path, width: int, scheme: str = "light") -> None:
        """Shows a page in a window of some width, in light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", features=features)
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        self.requests()
        self.driver.get(page.as_uri())

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call."""
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [message["params"]["request"]["url"] for message in sent]

    def console(self) -> list[str]:
        """Complaints of pages and browser since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def script(self, code: str) -> Any:
        """The value of an expression in the page."""
        return self.driver.execute_script(f"return {code}")

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self._ask("Page.printToPDF")["data"])

    def screenshot(self, file: Path) -> None:
        """The whole page as a picture."""
        # Not the page's own width: its scroll bar is not in the picture.
        width = self.script("window.innerWidth")
        height = self.script("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(taken["data"]))

    def _ask(self, method: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(method, parameters)


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Starts Chromium with an empty profile, and ends it."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and chromedriver, "apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    if os.geteuid() == 0:  # Chromium's sandbox refuses to be set up by root
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
