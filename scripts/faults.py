"""What scripts/faults.sh runs: faults.py [--short] PHEW. Needs Linux; what needs a right that is missing is skipped and said."""

import contextlib
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

SHORT = "--short" in sys.argv
PHEW = sys.argv[-1]
KILLS = 18 if SHORT else 102
# Seconds for the kills, so that all ends within ten minutes.
PATIENCE = 60 if SHORT else 300
RNG = random.Random(0)

tried, lost, skipped = {}, [], []

SIGNALS = ["INT", "TERM", "HUP", "USR1", "USR2", "XCPU"]
ARCH = "mlp-784-40-10"
RECIPE = """about = "faults"
arch = "mlp-784-40-10"
epochs = {epochs}
batch = 50
[data]
set = "digits"
draw = {{ train = 400, test = 100 }}
[optimiser]
kind = "sgd"
[schedule]
rate = 0.05
"""
PLAN = """name = "faults"
measure = ["accuracy"]
[settings]
recipe = "r.toml"
density = 0.3
[axes]
method = ["phew", "magnitude"]
seed = [0, 1]
"""


def plain():
    """Signals as in a shell's foreground, whatever this process was started with."""
    for name in SIGNALS + ["PIPE", "XFSZ"]:
        signal.signal(getattr(signal, "SIG" + name), signal.SIG_DFL)


def start(line, folder, **more):
    options = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    options.update(more)
    before = options.pop("before", lambda: None)
    return subprocess.Popen(
        [PHEW] + line.split(), cwd=folder, preexec_fn=lambda: (plain(), before()), **options
    )


def run(line, folder, timeout=120, **more):
    process = start(line, folder, **more)
    try:
        _, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, "it does not end"
    return process.returncode, (err or b"").decode(errors="replace")


def note(what, right, said=""):
    tried[what] = tried.get(what, 0) + 1
    if not right:
        lost.append("%s: %s" % (what, said.strip()[-300:]))


def temporaries(folder):
    return [os.path.join(d, f) for d, _, files in os.walk(folder) for f in files
            if f.startswith(".phew-") and f.endswith(".tmp")]


def whole(path):
    """Whether a file is whole safetensors, JSON or lines of JSON."""
    data = open(path, "rb").read()
    if path.endswith(".jsonl"):
        return all(json.loads(line) is not None for line in data.splitlines())
    if path.endswith(".json"):
        return json.loads(data) is not None
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    ends = [t["data_offsets"][1] for n, t in header.items() if n != "__metadata__"]
    return len(data) == 8 + size + max(ends, default=0)


def all_whole(folder):
    for place, _, files in os.walk(folder):
        for name in files:
            if name.endswith((".safetensors", ".json", ".jsonl")):
                try:
                    if not whole(os.path.join(place, name)):
                        return name
                except (ValueError, struct.error) as error:
                    return "%s: %s" % (name, error)
    return None


@contextlib.contextmanager
def scratch():
    folder = tempfile.mkdtemp(prefix="phew-faults-")
    try:
        open(folder + "/r.toml", "w").write(RECIPE.format(epochs=3))
        open(folder + "/long.toml", "w").write(RECIPE.format(epochs=100000))
        open(folder + "/plan.toml", "w").write(PLAN)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def full_disk():
    with scratch() as folder:
        disk = folder + "/disk"
        os.mkdir(disk)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk],
                                 stderr=subprocess.DEVNULL).returncode == 0
        if not mounted:
            skipped.append("a full tmpfs (no right to mount)")
            return
        try:
            for line in ["init --arch lenet-300-100 -o disk/w", "prune --arch mlp-2000-1000-10 --density 0.5 -o disk/m",
                         "--threads 1 train --recipe r.toml -o disk/run"]:
                code, said = run(line, folder)
                clean = not os.path.exists(disk + "/w") and not os.path.exists(disk + "/m")
                note("full disk", code == 1 and "No space left" in said and clean, "%s: %s %s" % (line, code, said))
                note("full disk leaves nothing half-written", not temporaries(disk), str(temporaries(disk)))
            shutil.rmtree(disk + "/run", ignore_errors=True)
            code, said = run("init --arch mlp-20-10 -o disk/w", folder)
            note("full disk, then room", code == 0 and whole(disk + "/w"), said)
            subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            for line in ["init --arch mlp-20-10 -o disk/w --force", "--threads 1 train --recipe r.toml -o disk/run"]:
                code, said = run(line, folder)
                note("read-only disk", code == 1 and "ead-only" in said, "%s: %s %s" % (line, code, said))
            note("read-only disk keeps its file", whole(disk + "/w"))
        finally:
            subprocess.run(["umount", disk])


def no_permission():
    with scratch() as folder:
        os.mkdir(folder + "/closed")
        open(folder + "/closed/x.toml", "w").write("name = 'x'")
        os.chmod(folder + "/closed", 0)
        os.chmod(folder, 0o755)

        def nobody():
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)

        for line in ["init --arch mlp-20-10 -o closed/w", "inspect --arch closed/x.toml",
                     "--threads 1 train --recipe r.toml -o closed/run"]:
            code, said = run(line, folder, before=nobody)
            note("no permission", code in (1, 2) and "ermission denied" in said, "%s: %s %s" % (line, code, said))
        os.chmod(folder + "/closed", 0o755)


def wanted(lines):
    """The files that lines leave, unbroken."""
    with scratch() as folder:
        for line in lines:
            code, said = run(line, folder)
            assert code == 0, "%s: %s" % (line, said)
        found = {}
        for place, _, files in os.walk(folder):
            for name in files:
                path = os.path.relpath(os.path.join(place, name), folder)
                if name.endswith(".safetensors") or name in ("metrics.jsonl", "rows.jsonl"):
                    found[path] = open(os.path.join(folder, path), "rb").read()
        return found


def kills():
    kinds = {
        "init": ["init --arch mlp-3000-2000-10 -o w.safetensors"],
        "prune": ["prune --arch mlp-3000-1000-10 --density 0.3 -o m.safetensors"],
        "train": ["--threads 1 train --recipe r.toml -o run"],
        "rewind": ["--threads 1 train --recipe r.toml --prune rewind:5 --density 0.5,0.2 -o run"],
        "seeds": ["--threads 2 train --recipe r.toml --seeds 1,2 -o runs"],
        "sweep": ["--threads 2 sweep plan.toml -o s"],
    }
    for kind, lines in kinds.items():
        (line,) = lines
        started = time.monotonic()
        right = wanted(lines)
        seconds = time.monotonic() - started
        done, end = 0, time.monotonic() + PATIENCE / len(kinds)
        enough = lambda: done >= KILLS // len(kinds) or (done > 0 and time.monotonic() > end)
        while not enough():
            with scratch() as folder:
                while not enough():
                    process = start(line, folder, stderr=subprocess.DEVNULL)
                    try:
                        process.wait(RNG.random() * seconds)
                        break
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                        done += 1
                        note("kill -9 of " + kind, all_whole(folder) is None, str(all_whole(folder)))
                force = " --force" if kind in ("init", "prune") else ""
                code, said = run(line + force, folder)
                note("after the kills of " + kind, code == 0, said)
                for path, data in right.items():
                    # Rows of a sweep and checkpoints hold times, which differ from run to run.
                    same = path.endswith(("rows.jsonl", "checkpoint.safetensors")) or (
                        os.path.exists(os.path.join(folder, path)) and open(os.path.join(folder, path), "rb").read() == data)
                    note("files after the kills of " + kind, same, path)
        if done < KILLS // len(kinds):
            skipped.append("%d of %d kills of %s, for want of time" % (KILLS // len(kinds) - done, KILLS // len(kinds), kind))


def two_at_once():
    with scratch() as folder:
        both = [start("init --arch mlp-3000-2000-10 -o w", folder) for _ in range(2)]
        codes = sorted(p.wait() for p in both)
        said = b" ".join(p.stderr.read() for p in both).decode()
        note("two on one output", codes in ([0, 2], [0, 1]) and "already exists" in said and whole(folder + "/w"), "%s %s" % (codes, said))
        first = start("--threads 1 train --recipe long.toml -o run", folder)
        wait_for(folder + "/run/metrics.jsonl", first)
        code, said = run("--threads 1 train --recipe long.toml -o run", folder)
        note("two on one run folder", code == 1 and "process %d" % first.pid in said, "%s %s" % (code, said))
        first.send_signal(signal.SIGTERM)
        note("and the first goes on", first.wait(60) == 75)
        first.stderr.close()


def wait_for_memory(process, size, seconds=60):
    """Until a process has read a file of this size into its memory, and a moment for its end."""
    end = time.monotonic() + seconds
    while True:
        status = open("/proc/%d/status" % process.pid).read()
        resident = [int(l.split()[1]) * 1024 for l in status.splitlines() if l.startswith("RssAnon")]
        if resident and resident[0] >= size:
            time.sleep(0.3)
            return
        assert process.poll() is None, "%s ended before it read its file" % process.args
        assert time.monotonic() < end, "%s does not read its file" % process.args
        time.sleep(0.01)


def wait_for(path, process, seconds=60):
    end = time.monotonic() + seconds
    while not (os.path.exists(path) and os.path.getsize(path)):
        assert process.poll() is None, "%s ended before it wrote %s" % (process.args, path)
        assert time.monotonic() < end, "%s does not write %s" % (process.args, path)
        time.sleep(0.01)


def streams():
    with scratch() as folder:
        full = open("/dev/full", "w")
        line = "--threads 1 train --recipe r.toml -o run-"
        cases = {
            "full stderr": (dict(stderr=full), [0]),
            "full stdout": (dict(stdout=full), [1]),
            "closed stderr": (dict(before=lambda: os.close(2), stderr=None), [0]),
            "closed stdout": (dict(before=lambda: os.close(1), stdout=None), [0]),
            "all closed": (dict(before=lambda: [os.close(n) for n in (0, 1, 2)], stdout=None, stderr=None), [0]),
        }
        for number, (what, (options, codes)) in enumerate(cases.items()):
            code, said = run(line + str(number), folder, **options)
            done = os.path.exists(folder + "/run-%d/result.json" % number)
            note(what, code in codes and done, "%s %s" % (code, said))
        process = start(line + "gone", folder)
        process.stderr.close()
        note("reader of stderr gone", process.wait(120) == 0, str(process.returncode))


def signals_in_pairs():
    with scratch() as folder:
        pairs = [(a, b) for a in SIGNALS for b in SIGNALS]
        if SHORT:
            pairs = RNG.sample(pairs, 8)
        for pair in pairs:
            name = "run-%s-%s" % pair
            process = start("--threads 1 train --recipe long.toml --checkpoint-every 100000 -o " + name, folder,
                            stderr=subprocess.DEVNULL)
            wait_for(folder + "/" + name + "/metrics.jsonl", process)
            for number in pair:
                process.send_signal(getattr(signal, "SIG" + number))
                time.sleep(0.02)
            try:
                code = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                code = "none"
            kept = os.path.exists(folder + "/" + name + "/checkpoint.safetensors")
            at_once = pair == ("INT", "INT")
            note("signals in pairs", (code == 75 and kept) or (at_once and code in (75, 130)), "%s: %s, checkpoint %s" % (pair, code, kept))


def pipes():
    with scratch() as folder:
        for name in ["w", "x.toml", "data/t10k-images-idx3-ubyte"]:
            os.makedirs(os.path.dirname(folder + "/" + name), exist_ok=True)
            os.mkfifo(folder + "/" + name)
        for line in ["prune --arch mlp-20-10 --weights w --density 0.5 -o m", "inspect --arch x.toml",
                     "inspect --arch mlp-20-10 --mask w", "train --recipe x.toml -o run",
                     "data describe mnist-test-split --dir data"]:
            code, said = run(line, folder, timeout=20)
            note("named pipes", code in (1, 2), "%s: %s %s" % (line, code, said))


def changing_files():
    with scratch() as folder:
        # Beyond 256 MiB, so that it is mapped.
        code, said = run("init --arch mlp-9000-8000-10 -o w", folder)
        assert code == 0, said
        line = "prune --arch mlp-9000-8000-10 --weights w --density 0.5 --method synflow -o m --force"
        code, _ = run(line, folder)
        note("a large file of weights", code == 0)
        for what in ["cut short", "written to"]:
            for wait in [0.1, 0.3, 0.6]:
                process = start(line, folder)
                time.sleep(wait)
                with open(folder + "/w", "r+b") as file:
                    if what == "cut short":
                        size = os.path.getsize(folder + "/w")
                        file.truncate(size // 2)
                    else:
                        file.seek(200_000_000)
                        file.write(b"\0" * 8)
                _, err = process.communicate(timeout=120)
                ended = process.returncode in (0, 1)
                note("a mapped file that is " + what, ended, "%s %s" % (process.returncode, err.decode()))
                if what == "cut short":
                    # Zeros at the end are weights as good as others.
                    os.truncate(folder + "/w", size)
        note("files that change leave whole masks", all_whole(folder) is None)
        # In memory it stays as it was, once it is read.
        code, said = run(line, folder)
        assert code == 0, said
        right = open(folder + "/m", "rb").read()
        process = start("--no-map " + line, folder)
        wait_for_memory(process, os.path.getsize(folder + "/w"))
        os.truncate(folder + "/w", 1000)
        _, err = process.communicate(timeout=120)
        same = open(folder + "/m", "rb").read() == right
        note("a file in memory that is cut short", process.returncode == 0 and same, err.decode())


def main():
    parts = [two_at_once, streams, signals_in_pairs, pipes, no_permission, full_disk, kills]
    if not SHORT:
        parts.insert(5, changing_files)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    begun = time.monotonic()
    for part in parts:
        started = time.monotonic()
        part()
        print("%-18s %5.1f s" % (part.__name__, time.monotonic() - started), flush=True)
    print("tried:")
    for what, count in tried.items():
        print("  %4d  %s" % (count, what))
    for what in skipped:
        print("  skipped: " + what)
    print("lost: %s" % ("nothing" if not lost else ""))
    for what in lost:
        print("  " + what)
    print("%.0f s" % (time.monotonic() - begun))
    sys.exit(1 if lost else 0)


main()
