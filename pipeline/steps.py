"""Settings of this project's own steps: the section `steps` of the configuration.

A step that needs settings gets a class, and a field of `Steps`; `pipeline/dag.py` hands the values
to the step. docs/extending/steps.md has an example. Nothing here may import TensorFlow or TFX.
"""

from __future__ import annotations

from tfxkit.config.frozen import Frozen


class Steps(Frozen):
    """One field for each step with settings, such as `announce: AnnounceSettings`."""
