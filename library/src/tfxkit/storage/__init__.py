"""File systems, the layout of pushed versions, artifacts between steps, their cache and secrets."""
