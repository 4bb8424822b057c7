"""Runs on this machine: their steps, outputs, summaries, provenance and clean-up."""
