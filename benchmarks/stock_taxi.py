"""The taxi pipeline that TFX itself ships as a template, every step on.

    .venv/bin/python benchmarks/stock_taxi.py DATA FOLDER

Copies the template from the installed `tfx` package into FOLDER, as `tfx template copy` does, with
the steps switched on as its comments ask for, and runs it on the CSV files of DATA. Writes
`FOLDER/steps.json`: the seconds of each step. It trains as long as the template says: 1,000 steps.
"""

from __future__ import annotations

import json
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
    steps, complete = _steps(metadata)
    if not complete or not any((folder / "serving").iterdir()):
        raise SystemExit("The stock pipeline did not come to its end, or pushed nothing.")
    (folder / "steps.json").write_text(json.dumps(steps))


def _copy(folder: Path) -> None:
    from tfx.tools.cli import labels
    from tfx.tools.cli.handler import template_handler

    template_handler.copy_template(
        {labels.PIPELINE_NAME: NAME, labels.MODEL: "taxi", labels.DESTINATION_PATH: str(folder)}
    )
    pipeline = folder / "pipeline" / "pipeline.py"
    pipeline.write_text(pipeline.read_text().replace("# components.append(", "components.append("))


def _steps(metadata: object) -> tuple[dict[str, float], bool]:
    from ml_metadata import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as pb

    store = metadata_store.MetadataStore(metadata)
    types = {one.id: one.name.rsplit(".", 1)[-1] for one in store.get_execution_types()}
    executions = store.get_executions()
    seconds = {
        types[one.type_id]: (one.last_update_time_since_epoch - one.create_time_since_epoch) / 1000
        for one in executions
    }
    return seconds, all(one.last_known_state == pb.Execution.COMPLETE for one in executions)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), Path(sys.argv[2]).resolve())
