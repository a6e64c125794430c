"""Plugin of dpe_toolkit: who a face is."""
