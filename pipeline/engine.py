"""The engines that the Beam parts of a run may be sent to, and whether one is there."""

from __future__ import annotations

import enum
import socket

from pipeline.errors import UsageError

_TIMEOUT_S = 5


class Engine(enum.StrEnum):
    """What spreads the work of the data steps."""

    DIRECT = "direct"
    FLINK = "flink"
    SPARK = "spark"
    DATAFLOW = "dataflow"


def ensure_job_server(endpoint: str, engine: Engine) -> None:
    """Asks for a connection to a job server, so that no run starts that could not send its work.

    Args:
        endpoint: Host and port.
        engine: Whose it is.

    Raises:
        UsageError: If nothing answers there.
    """
    host, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_S).close()
    except OSError as error:
        raise UsageError(
            f"The job server of {engine} at {endpoint} does not answer ({error.strerror or error})."
            f"\nStart it, or say where it is: --set beam.{engine}.job_endpoint=HOST:PORT. "
            "Without an engine: --engine direct"
            "\ndocs/scale.md says what belongs to an engine."
        ) from None
