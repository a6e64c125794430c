"""Compositor ``multiband`` for dpe_toolkit."""
