"""``python -m phew_sparse ...`` runs the program ``phew``."""

import os
import subprocess
import sys

from .program import find

if __name__ == "__main__":
    command = [find(), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)
    sys.exit(subprocess.run(command, check=False).returncode)
