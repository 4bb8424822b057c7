"""The taxi pipeline that TFX itself ships as a template, every step on.

    PYTHONPATH=library .venv/bin/python library/benchmarks/stock_taxi.py DATA FOLDER

Copies the template from the installed `tfx` package into FOLDER, as `tfx template copy` does, with
the steps switched on as its comments ask for, and runs it on the CSV files of DATA. What it did is
in `FOLDER/metadata.db`. It trains as long as the template says: 1,000 steps.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "stock"


def main(data: str, folder: Path) -> None:
    """Copies and runs it."""
    _copy(folder)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    from tfx import v1 as tfx

    from pipeline import configs, pipeline  # of the copy

    metadata = tfx.orchestration.metadata.sqlite_metadata_connection_config("metadata.db")
    made = pipeline.create_pipeline(
        pipeline_name=configs.PIPELINE_NAME,
        pipeline_root=str(folder / "artifacts"),
        data_path=data,
        preprocessing_fn=configs.PREPROCESSING_FN,
        run_fn=configs.RUN_FN,
        train_args=tfx.proto.TrainArgs(num_steps=configs.TRAIN_NUM_STEPS),
        eval_args=tfx.proto.EvalArgs(num_steps=configs.EVAL_NUM_STEPS),
        eval_accuracy_threshold=configs.EVAL_ACCURACY_THRESHOLD,
        serving_model_dir=str(folder / "serving"),
        metadata_connection_config=metadata,
        # Beam's default looks for another runner on the Internet first; this is the one it takes.
        beam_pipeline_args=["--runner=FnApiRunner"],
    )
    tfx.orchestration.LocalDagRunner().run(made)
    if not any((folder / "serving").iterdir()):
        raise SystemExit("The stock pipeline pushed nothing.")


def _copy(folder: Path) -> None:
    from tfx.tools.cli import labels
    from tfx.tools.cli.handler import template_handler

    template_handler.copy_template(
        {labels.PIPELINE_NAME: NAME, labels.MODEL: "taxi", labels.DESTINATION_PATH: str(folder)}
    )
    pipeline = folder / "pipeline" / "pipeline.py"
    pipeline.write_text(pipeline.read_text().replace("# components.append(", "components.append("))


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), Path(sys.argv[2]).resolve())
