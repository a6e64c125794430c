"""Sets this checkout up and runs its demonstration, checks and tests: ``python make.py demo``.

Needs Python and nothing else; ``make`` calls it too. What there is to do is listed by ``python make.py``.
"""

# Whatever stands here is read by old interpreters as well, which must get as far as being told that they are old.
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "make.py: this is Python %d.%d, and 3.11 or newer is needed; "
        "run it by a newer one, such as: python3.13 make.py demo" % sys.version_info[:2]
    )

from development.tasks import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
