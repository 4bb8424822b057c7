"""The API server in front of the emulated backend: what the official client speaks to."""
