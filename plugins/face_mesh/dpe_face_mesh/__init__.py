"""Detector, motion and generator over a 3-D face mesh for dpe_toolkit."""
