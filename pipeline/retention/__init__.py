"""What `clean --keep` removes, and what it must not: old runs, their artifacts, old versions."""
