"""The engines that the Beam parts of a run may be sent to, and whether one is there."""

from __future__ import annotations

import enum
import socket

from tfxkit.errors import UsageError, documentation

_TIMEOUT_S = 5


class Engine(enum.StrEnum):
    """Engine that runs the data steps."""

    DIRECT = "direct"
    FLINK = "flink"
    SPARK = "spark"
    DATAFLOW = "dataflow"


def ensure_job_server(endpoint: str) -> None:
    """Asks for a connection to a job server, so that nothing starts that could not send its work.

    Args:
        endpoint: Host and port.

    Raises:
        UsageError: If nothing answers there.
    """
    host, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_S).close()
    except OSError as error:
        raise UsageError(
            f"Beam's job server at {endpoint} does not answer ({error.strerror or error}).\n"
            "Start it, or say where it is: beam.flink.job_endpoint or beam.spark.job_endpoint in "
            "the configuration.\nWithout an engine: --engine direct. "
            f"What belongs to an engine: {documentation('scale')}"
        ) from None
