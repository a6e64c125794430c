"""``python -m dpe_toolkit``: the program ``dpe``, where its folder is not on the path."""

from __future__ import annotations

from dpe_toolkit.cli import main

if __name__ == "__main__":
    main()
