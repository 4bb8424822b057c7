"""What `rollback` and `promote` do alike: one version is chosen, and served again."""

from __future__ import annotations

import argparse
from typing import Literal

from pipeline.options import load_outputs


def serve_again(args: argparse.Namespace, kind: Literal["Promotion", "Rollback"]) -> int:
    """Serves a version again, while no run is going on.

    Args:
        args: What the user said: `version`, `serving`, and the configuration.
        kind: What it is, and the type of the execution in ML Metadata.

    Returns:
        The exit code, 0, also if the version is the one that is served.
    """
    from pipeline.run_log import captured

    outputs = load_outputs(args)
    serving_dir = args.serving or str(outputs.serving)
    with outputs.lock(), captured(outputs.root / "versions.log") as terminal:
        from pipeline.restoring import choice, publication

        choose = choice.for_promotion if kind == "Promotion" else choice.for_rollback
        version = choose(serving_dir, args.version)
        if version is None:
            terminal.write(f"The model of version {args.version} is the one that is served.\n")
            return 0
        told = publication.serve_again(
            kind,
            serving_dir,
            version,
            pipeline=outputs.root.name,
            metadata_file=outputs.metadata,
        )
        terminal.write(told)
    return 0
