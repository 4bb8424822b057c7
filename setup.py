"""Builds the project for tools that look for this file, Beam's `--setup_file` among them."""

import setuptools

setuptools.setup()
