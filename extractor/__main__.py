"""The command `gouji`, also as `python -m extractor`."""

import os
import sys


def main() -> None:
    """Runs the command; an interrupt during the first imports ends as any other, with 130 and no traceback."""
    if sys.stdout is None:  # closed by the caller (`>&-`)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        from extractor.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
