"""Detector ``yunet`` for dpe_toolkit."""
