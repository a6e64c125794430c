"""Compositor ``feather`` for dpe_toolkit."""
