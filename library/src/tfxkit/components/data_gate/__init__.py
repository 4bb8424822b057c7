"""The gate between the data and the training: anomalies and drift stop the run here."""

from tfxkit.components.data_gate.component import DataGate
from tfxkit.components.data_gate.distances import infinity_norm, jensen_shannon
from tfxkit.components.data_gate.findings import GateError

__all__ = ["DataGate", "GateError", "infinity_norm", "jensen_shannon"]
