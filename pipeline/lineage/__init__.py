"""Where pushed models came from, and which of them came from some data: from ML Metadata."""
