"""Two runs set side by side: what changed in data, configuration, code, and what came of it."""
