"""Runs programs over the same mails and prints how many each reads a second of one processor's time.

Each is run over one mail first: what it needs to start (an interpreter, a catalogue) is taken off. Processor time counts, not the
clock on the wall, so that whatever else runs on the machine takes little from the figures.
"""

import os
import resource
import shutil
import subprocess
import sys

MAILS = int(os.environ.get("MAILS", "2000"))
SECONDS_EACH = float(os.environ.get("SECONDS_EACH", "120"))


def copies(source, target, count):
    """`count` mails, made of those in `source` again and again."""
    names = sorted(name for name in os.listdir(source) if os.path.isfile(os.path.join(source, name)))
    # Where a folder holds other files too, the mails are those that say so.
    mails = [name for name in names if name.endswith(".eml")] or names
    if not mails:
        sys.exit(f"{source} holds no mail; expected a folder with a mail in each file")
    os.mkdir(target)
    for number in range(count):
        name = mails[number % len(mails)]
        shutil.copyfile(os.path.join(source, name), os.path.join(target, f"{number:06}-{name}"))
    return len(mails)


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command, folder):
    """The processor time, and in how many mails something was found; nothing when it failed or took too long."""
    before = processor_time()
    on_one = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    try:
        done = subprocess.run(
            [*on_one, *command, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS_EACH
        )
    except subprocess.TimeoutExpired:
        return None, f"took longer than {SECONDS_EACH:.0f} seconds"
    if done.returncode != 0:
        errors = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return None, errors[-1] if errors else f"ended with status {done.returncode}"
    lines = done.stdout.splitlines()
    if command[0].endswith("retoure"):
        # It answers every mail; the others only those in which they find something.
        lines = [line for line in lines if b'"recipients":[{' in line]
    return processor_time() - before, len(lines)


def main():
    source, work, *programs = sys.argv[1:]
    distinct = copies(source, os.path.join(work, "many"), MAILS)
    copies(source, os.path.join(work, "one"), 1)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{MAILS} mails ({distinct} different ones), one processor, load average {load:.1f}\n")
    print(f"{'program':<28} {'mails/s':>9} {'of retoure':>11} {'ms to start':>12} {'found something in':>19}")
    ours = None
    for program in programs:
        name, command = program.split("|", 1)
        start, why = run(command.split(), os.path.join(work, "one"))
        taken, found = run(command.split(), os.path.join(work, "many")) if start is not None else (None, why)
        if taken is None:
            print(f"{name:<28} {found}")
            continue
        rate = (MAILS - 1) / max(taken - start, 0.001)
        ours = rate if name == "retoure" else ours
        of_ours = f"{rate / ours:.3f}" if ours else "?"
        print(f"{name:<28} {rate:>9.0f} {of_ours:>11} {start * 1000:>12.0f} {found / MAILS:>18.0%}")


main()
