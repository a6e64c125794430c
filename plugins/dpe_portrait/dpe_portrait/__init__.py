"""The DPE network as components of dpe_toolkit."""
