"""What runs and where: configuration, the DAG, the runners and the command line."""
