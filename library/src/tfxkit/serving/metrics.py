"""Prometheus metrics: requests by outcome, their latency, and values unlike the training data.

Name and unit of the latency are those of TensorFlow Serving, so that its dashboards work. Its
counter `:tensorflow:serving:request_count` ends in `_total` here, as prometheus-client wants it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from tfxkit.features.training_values import ValueCounts
from tfxkit.serving.model import ServingError

logger = logging.getLogger("tfxkit.serving")

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
_API = "Predict"
_BUCKETS_US = [10 * 1.8**power for power in range(32)]  # microseconds; the last is half an hour
_LOGGED_EVERY_S = 60.0  # between two warnings about a column


class RequestMetrics:
    """Metrics of one server."""

    def __init__(self, model: str) -> None:
        """Starts counting for the model of this name."""
        prometheus_client.disable_created_metrics()  # they would double the series
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
            buckets=_BUCKETS_US,
            registry=self._registry,
        )
        self._values = Counter(
            "served_values",
            "Values of a column, compared with the training data; of large requests a sample.",
            ["model_name", "column", "kind"],
            registry=self._registry,
        )
        self._counters: dict[tuple[str, str], list[Counter]] = {}
        self._logged: dict[str, float] = {}
        self.version = Gauge(
            "served_model_version",
            "The version that is served; 0 if none is.",
            ["model_name"],
            registry=self._registry,
        ).labels(model)
        ProcessCollector(registry=self._registry)

    @contextlib.contextmanager
    def request(self, entrypoint: str) -> Iterator[None]:
        """Measures a request, whose answer is made inside.

        Args:
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
            # Not the name in the request: each that a client invents would be a series.
            self._requests.labels(self._model, status).inc()
            micros = (time.perf_counter() - start) * 1e6
            self._latency.labels(self._model, _API, entrypoint).observe(micros)

    def add_values(self, counts: Mapping[str, ValueCounts]) -> None:
        """Counts the values of a request, and logs columns of mostly unseen ones, if rarely."""
        for name, column in counts.items():
            numbers = (column.present - column.odd, column.odd, column.missing)
            counters = self._counters_of(name, column.trained.odd_kind)
            for counter, number in zip(counters, numbers, strict=True):
                if number:
                    counter.inc(number)
            if (notice := column.notice()) and self._is_due(name):
                logger.warning("%s", notice)

    def _counters_of(self, column: str, odd_kind: str) -> list[Counter]:
        """Counters of known, odd and missing values; to find them by labels takes a while."""
        key = column, odd_kind
        if key not in self._counters:
            kinds = "known", odd_kind, "missing"
            self._counters[key] = [self._values.labels(self._model, column, k) for k in kinds]
        return self._counters[key]

    def _is_due(self, column: str) -> bool:
        now = time.monotonic()
        if now - self._logged.get(column, -_LOGGED_EVERY_S) < _LOGGED_EVERY_S:
            return False
        self._logged[column] = now
        return True

    def text(self) -> bytes:
        """Renders the metrics in Prometheus' text format."""
        return prometheus_client.generate_latest(self._registry)
