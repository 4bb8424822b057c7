"""Setting up and examining what the pipeline runs in; needs the standard library only."""
