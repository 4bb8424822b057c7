"""Pushes a blessed model as a complete version, once."""

from tfxkit.components.pusher.component import VersionPusher

__all__ = ["VersionPusher"]
