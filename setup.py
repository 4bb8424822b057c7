"""Builds the project for tools that look for this file; pyproject.toml says what is in it."""

import setuptools

setuptools.setup()
