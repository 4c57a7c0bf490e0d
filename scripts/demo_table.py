"""The end of the demo: what was kept of a network and what that learnt, run by run.

demo_table.py PHEW FOLDER ARCH-AND-WEIGHT-OPTIONS…
"""

import json
import math
import subprocess
import sys
from pathlib import Path

phew, folder, *network = sys.argv[1:]
folder = Path(folder)
BARS = "▁▂▃▄▅▆▇█"
LOW = 0.8


def inspect(name):
    """Kept weights, units alive in hidden layers and path kernel trace, as `phew inspect` counts them."""
    mask = folder / f"{name}.safetensors"
    options = ["--mask", str(mask)] if mask.exists() else []
    line = [phew, "inspect", *network, *options, "--metrics", "--json"]
    shown = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    hidden = shown["layers"][:-1]
    return {
        "width": sum(layer["units_alive"] for layer in hidden),
        "units": sum(layer["units"] for layer in hidden),
        "trace": math.exp(shown["metrics"]["ln_path_kernel_trace"]),
    }


def bar(top1):
    share = (top1 - LOW) / (1 - LOW)
    return BARS[min(len(BARS) - 1, max(0, int(share * len(BARS))))]


print(f"\n{'':<8} {'kept':>8} {'path kernel trace':>18} {'hidden units':>13} {'accuracy':>9}   by epoch, {LOW:.0%} to 100%")
for name in ["dense", "phew", "synflow", "random"]:
    result = json.loads((folder / name / "result.json").read_text())
    curve = [json.loads(line)["test"]["top1"] for line in (folder / name / "metrics.jsonl").open()]
    what = inspect(name)
    width = f"{what['width']} of {what['units']}"
    accuracy = f"{result['test']['top1']:.2%}"
    print(f"{name:<8} {result['kept']:>8,} {what['trace']:>18,.4g} {width:>13} {accuracy:>9}   {''.join(map(bar, curve))}")
