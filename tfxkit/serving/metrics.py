"""How often and how fast requests are answered, for Prometheus.

Names and units of the latency are those of TensorFlow Serving, so that its dashboards go on. Its
counter `:tensorflow:serving:request_count` ends in `_total` here, as prometheus-client wants it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from tfxkit.serving.errors import ServingError

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
BUCKETS_US = [10 * 1.8**power for power in range(32)]  # microseconds; the last is half an hour


class Metrics:
    """The numbers of one server."""

    def __init__(self, model: str) -> None:
        """Starts counting for the model of this name."""
        prometheus_client.disable_created_metrics()  # a series more each, which nobody reads
        self._registry = CollectorRegistry()
        self._model = model
        self._requests = Counter(
            ":tensorflow:serving:request_count",
            "Requests by outcome.",
            ["model_name", "status"],
            registry=self._registry,
        )
        self._latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Microseconds from the request's arrival to its answer, without the network.",
            ["model_name", "API", "entrypoint"],
            buckets=BUCKETS_US,
            registry=self._registry,
        )
        self.version = Gauge(
            "served_model_version",
            "The version that is served; 0 if none is.",
            ["model_name"],
            registry=self._registry,
        ).labels(model)
        ProcessCollector(registry=self._registry)

    @contextlib.contextmanager
    def request(self, api: str, entrypoint: str) -> Iterator[None]:
        """Measures what is done inside.

        Args:
            api: Predict, Classify, Regress.
            entrypoint: REST or GRPC.
        """
        start, status = time.perf_counter(), "OK"
        try:
            yield
        except ServingError as error:
            status = error.code.name
            raise
        except BaseException:
            status = "INTERNAL"
            raise
        finally:
            # By the name of what is served: one that a client invents would be a series each.
            self._requests.labels(self._model, status).inc()
            micros = (time.perf_counter() - start) * 1e6
            self._latency.labels(self._model, api, entrypoint).observe(micros)

    def text(self) -> bytes:
        """The numbers in Prometheus' text format."""
        return prometheus_client.generate_latest(self._registry)
