"""Compositor ``poisson`` for dpe_toolkit."""
