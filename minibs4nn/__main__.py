"""``python -m minibs4nn``."""

import sys

from minibs4nn.cli import main

if __name__ == "__main__":
    sys.exit(main())
