"""Gate between data and training: anomalies, drift and target leakage stop the run here."""

from tfxkit.components.data_gate.component import DataGate
from tfxkit.components.data_gate.drift import infinity_norm, jensen_shannon
from tfxkit.components.data_gate.findings import GateError

__all__ = ["DataGate", "GateError", "infinity_norm", "jensen_shannon"]
