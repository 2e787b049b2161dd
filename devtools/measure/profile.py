#!/usr/bin/python3
"""`./dev profile`: where a server's CPU time goes while `martlet bench` drives it."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import callgrind, flame, folding, lockstep, machine, servers
from measure.scenarios import BY_NAME, SCENARIOS

NAME = "profile"
FOLDER = Path("build/profile")
FREQUENCY = 999
UNDER_VALGRIND_S = 120  # to start, and to stop
COUNTED = {True: 4500, False: 200_000}  # deliveries of the longer run, one at a time and in bursts
COUNTED_BYTES = 256 * 1024 * 1024  # of payload, at most
LESS = 5  # so much shorter is the other run
TOP = 25


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev profile", formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="./dev profile SCENARIO [OPTIONS] [OPTIONS OF martlet bench]",
        description="Shows where the broker's CPU time goes under a load: a flame graph and the top functions, from samples of\n"
        "perf; or, with --count, the instructions that a message costs, counted by callgrind: the same on a noisy\n"
        "machine as on a quiet one. docs/profiling.md says how to read them.",
        epilog="SCENARIO is one of ./dev bench compare (" + " ".join(BY_NAME) + ")\nor of martlet bench, with its options: "
        "./dev profile p2p --qos 1 --payload 256\n\nExit status: 0 done; 1 it failed; 2 usage.")
    parser.add_argument("scenario", metavar="SCENARIO")
    parser.add_argument("--count", action="store_true", help="instructions a message, counted by callgrind")
    parser.add_argument("--floor", action="store_true", help="profile the floor (bench/floor), not Martlet")
    parser.add_argument("--seconds", metavar="N", type=float, default=5, help="of sampling (5)")
    parser.add_argument("--top", metavar="N", type=int, default=TOP, help=f"functions to list ({TOP})")
    options, options.bench = parser.parse_known_args(arguments)
    if options.scenario.startswith("-"):
        parser.error("the scenario comes first")
    if not 0.1 <= options.seconds <= 600 or options.top < 1:
        parser.error("--seconds takes 0.1 to 600, --top at least 1")
    known = BY_NAME.get(options.scenario)
    options.words = [*(known.arguments if known else (options.scenario,)), *options.bench]
    options.extra = known.martlet_options if known else ()
    options.server = "floor" if options.floor else "martlet"
    return options


def generator_words(words, running, *more):
    cores = machine.cores()
    return servers.pinned(cores[1:2] or cores, [servers.MARTLET, "bench", *words, *more, "--port", str(running.port), "--pid",
                                                str(running.pid), "--json"])


def read_result(text, said):
    try:
        result = json.loads(text)
    except ValueError:
        lines = said.strip().splitlines()
        raise servers.Failure(f"martlet bench failed: {lines[-1] if lines else 'it said nothing'}") from None
    if not result.get("clean"):
        print(f"{NAME}: the run was not clean: the figures are those of a faulty run", file=sys.stderr)
    return result


def tool(name, package):
    if not shutil.which(name):
        raise servers.Failure(f"{name} is not there: install Debian's package {package}")
    return name


# Samples

def sampled_event():
    """Processor cycles where the machine counts them, else its clock."""
    done = subprocess.run(["perf", "stat", "-x,", "-e", "cycles", "true"], capture_output=True, text=True, check=False)
    counted = done.stderr.split(",")[0].strip()
    return "cycles" if done.returncode == 0 and counted.isdigit() and int(counted) > 0 else "cpu-clock"


def await_load(generator, seconds):
    """Returns when the bench says that it measures."""
    deadline = time.monotonic() + seconds
    for line in generator.stderr:
        if line.startswith("measuring") or time.monotonic() > deadline:
            return


def record(options, running, data):
    """Samples the server under load into the file `data`; returns what the bench says."""
    at_once = options.words[0] == "connect"
    held = options.seconds + (0 if at_once else 3)  # the bench says after a second that it measures
    words = generator_words(options.words, running, "--progress", "--duration", f"{held:g}")
    perf = ["perf", "record", "-q", "-e", sampled_event(), "-F", str(FREQUENCY), "--call-graph", "dwarf,8192", "-p",
            str(running.pid), "-o", str(data), "--", "sleep", f"{options.seconds:g}"]
    with tempfile.TemporaryFile("w+") as output:
        sampler = subprocess.Popen(perf, stderr=subprocess.PIPE, text=True) if at_once else None
        with subprocess.Popen(words, stdout=output, stderr=subprocess.PIPE, text=True) as generator:
            try:
                if not at_once:
                    await_load(generator, 60)
                    sampler = subprocess.Popen(perf, stderr=subprocess.PIPE, text=True)
                said_by_perf = sampler.communicate()[1]
                said = generator.stderr.read()
            except BaseException:
                generator.terminate()
                raise
        output.seek(0)
        result = read_result(output.read(), said)
    if sampler.returncode != 0 or not data.exists():
        raise servers.Failure(f"perf failed: {said_by_perf.strip().splitlines()[-1:] or ''}; it may need root, or sysctl "
                              "kernel.perf_event_paranoid=1")
    return result


def sample(options):
    tool("perf", "linux-perf")
    FOLDER.mkdir(parents=True, exist_ok=True)
    cores = machine.cores()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "perf.data"
        with servers.Server(options.server, cores[:1], options.extra) as running:
            result = record(options, running, data)
            done = subprocess.run(["perf", "script", "-i", str(data), "--no-inline", "-F", "comm,ip,sym,dso"],
                                  capture_output=True, text=True, errors="replace", check=False)
    stacks = folding.fold(done.stdout)
    if not stacks:
        raise servers.Failure("perf took no samples: was there any load?")
    name = options.scenario + ("-floor" if options.floor else "")
    cpu_us = result.get("broker", {}).get("cpu_us_per_delivery") or 0
    title = f"{options.server}: {' '.join(options.words)}"
    note = (f"{sum(stacks.values()):,} samples; {cpu_us:.3f} us of CPU a delivery, {100 * folding.kernel_share(stacks):.0f} % "
            "in the kernel (orange); blue: our code, grey: libraries")
    (FOLDER / f"{name}.svg").write_text(flame.draw(stacks, title, note))
    (FOLDER / f"{name}.folded").write_text(folding.to_text(stacks))
    print(sample_text(stacks, cpu_us, title, options.top))
    print(f"{NAME}: flame graph in {FOLDER / name}.svg, stacks in {FOLDER / name}.folded")
    return 0


def sample_text(stacks, cpu_us, title, top):
    total, inside = sum(stacks.values()), folding.total_counts(stacks)
    lines = [f"{title}: {total:,} samples, {cpu_us:.3f} us of CPU a delivery, "
             f"{100 * folding.kernel_share(stacks):.0f} % in the kernel", "",
             f"{'self':>7} {'us each':>9} {'with callees':>13}  function"]
    for name, count in folding.self_counts(stacks).most_common(top):
        lines.append(f"{100 * count / total:5.1f} % {cpu_us * count / total:9.4f} {100 * inside[name] / total:11.1f} %  "
                     f"{name}")
    return "\n".join(lines)


# Counts

def count_once(options, shape, rounds):
    """(counts of callgrind, deliveries) of a whole life of the server, with so many rounds of load."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "callgrind.out"
        under = (tool("valgrind", "valgrind"), "--tool=callgrind", "--collect-systime=yes", f"--callgrind-out-file={output}")
        # Log lines are limited by time: their cost would differ between the runs.
        extra = () if options.floor else (*options.extra, "--set", "log.level=error")
        with servers.Server(options.server, machine.cores()[:1], extra, under, start_s=UNDER_VALGRIND_S,
                            stop_s=UNDER_VALGRIND_S) as running:
            load = lockstep.Load(shape, running.port, running.pid)
            try:
                load.run(rounds)
            finally:
                load.close()
        if not output.exists():
            raise servers.Failure(f"callgrind wrote nothing: {running.said}")
        return callgrind.parse(output.read_text(errors="replace")), load.deliveries


def count(options):
    shape = lockstep.shape_of(options.words)
    deliveries = min(COUNTED[shape.alone], COUNTED_BYTES // shape.payload)
    few, many = lockstep.rounds_for(shape, deliveries / LESS), lockstep.rounds_for(shape, deliveries)
    less, before = count_once(options, shape, few)
    more, after = count_once(options, shape, max(many, few + 1))
    how = "one message at a time" if shape.alone else f"bursts of {shape.burst} from {shape.at_once} at once"
    print(count_text(less, more, after - before, f"{options.server}: {' '.join(options.words)} ({how})", options.top))
    return 0


def count_text(less, more, messages, title, top):
    instructions = callgrind.per_message(less[callgrind.INSTRUCTIONS], more[callgrind.INSTRUCTIONS], messages)
    calls = callgrind.per_message(less[callgrind.SYSTEM_CALLS], more[callgrind.SYSTEM_CALLS], messages)
    total, calls_total = (sum(each for _, each in entries) for entries in (instructions, calls))
    by_call = ", ".join(f"{name} {each:.3f}" for name, each in calls[:6] if each >= 0.0005)
    lines = [f"{title}", "", f"{total:,.0f} instructions a delivery, over {messages:,} deliveries, outside the kernel",
             f"{calls_total:.3f} system calls a delivery{': ' + by_call if by_call else ''}", "",
             f"{'each':>9} {'share':>7}  function"]
    lines += [f"{each:9.1f} {100 * each / total:5.1f} %  {name}" for name, each in instructions[:top]]
    return "\n".join(lines)


def main():
    options = parse(sys.argv[1:])
    try:
        servers.raise_descriptor_limit()
        return count(options) if options.count else sample(options)
    except KeyboardInterrupt:
        return servers.complain(NAME, "stopped", 130)
    except (servers.Failure, OSError) as failure:
        return servers.complain(NAME, failure)


if __name__ == "__main__":
    sys.exit(main())
