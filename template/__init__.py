"""Makes new projects out of this repository: its tracked files, renamed, as far as wanted."""
