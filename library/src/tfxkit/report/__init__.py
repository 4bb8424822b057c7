"""HTML pages about runs: self-contained files without scripts, whatever the outcome of the run."""
