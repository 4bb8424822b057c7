"""Messages to a webhook, in the formats of Slack, Teams and others.

The URL of a webhook is a secret, since anybody who has the URL can post. So the URL is in no error
message and no log.
"""

from __future__ import annotations

import html
import http.client
import json
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from tfxkit.storage.step_secrets import read_secret

HEADLINES = {
    "pushed": "✓ {pipeline}: pushed version {version}",
    "not_blessed": "✗ {pipeline}: new model not approved, not pushed",
    "already_served": "= {pipeline}: model already served as version {version}",
}
MOST_LINES, LONGEST = 20, 200  # Teams takes 28 KB
TIMEOUT_S = 10
WAITS_S = (0, 1, 2, 4)  # before each attempt
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def post(reference, format, event) -> list[str]:
    """Posts an event, with retries if the webhook is busy or silent; the event may arrive twice.

    Args:
        reference: The environment variable, or the file, that holds the URL.
        format: `slack`, `teams` or `json`.
        event: From `components.announce`.

    Returns:
        The problem, if any, without the URL.
    """
    try:
        url = read_secret(reference)
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except LookupError as error:
        return [str(error)]
    except Exception as error:  # from an object store, or for text that is not a URL
        return [f"cannot read a URL from {reference} ({type(error).__name__})"]
    if not host or (scheme != "https" and not (scheme == "http" and host in LOOPBACK)):
        return [f"the URL in {reference} must start with https://"]

    body = event if format == "json" else {"slack": slack, "teams": teams}[format](event)
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    proxies = urllib.request.ProxyHandler({} if host in LOOPBACK else None)
    opener = urllib.request.build_opener(NoRedirects, proxies)
    problem = ""
    for wait in WAITS_S:
        time.sleep(wait)
        try:
            with opener.open(request, timeout=TIMEOUT_S):
                return []
        except urllib.error.HTTPError as error:
            problem = f"{host} returned HTTP {error.code}"
            if error.code < 500 and error.code != 429:  # not busy: the webhook refuses the message
                break
        except (OSError, http.client.HTTPException, ValueError) as error:
            # Only the name of the error: its text may contain the URL.
            cause = getattr(error, "reason", error)
            problem = f"{host} cannot be reached ({type(cause).__name__})"
    return [problem]


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Treats a redirect as an error: only the host of the URL may receive the event."""

    def redirect_request(self, *args):
        return None


def slack(event) -> dict:
    """Plain text: Slack reads &, < and > as markup, and with `mrkdwn` also * and _."""
    return {"text": html.escape("\n".join(lines(event)), quote=False), "mrkdwn": False}


def teams(event) -> dict:
    """An Adaptive Card for a Teams workflow. A TextRun is plain text, a TextBlock Markdown."""
    runs = [{"type": "TextRun", "text": line} for line in lines(event)]
    runs[0]["weight"] = "Bolder"
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "body": [{"type": "RichTextBlock", "inlines": [run]} for run in runs],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def lines(event) -> list[str]:
    """The event as readable lines, the most important first."""
    checks = [f"✗ {why}" for why in event["failed"]] + [f"✓ {why}" for why in event["passed"]]
    whole = [" ".join(line.split()) for line in checks]  # names and reasons can have line breaks
    short = [line if len(line) <= LONGEST else f"{line[:LONGEST]}…" for line in whole]
    places = {"Model": event["model"], "Run": event["run"]}
    return [
        HEADLINES[event["outcome"]].format(**event),
        *short[:MOST_LINES],
        *(f"{name}: {place}" for name, place in places.items() if place),
    ]
