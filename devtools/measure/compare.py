#!/usr/bin/python3
"""`./dev bench compare`: Martlet, mosquitto and the floor under the same loads, in turn, and a page about it."""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from measure import machine, page, results, servers
from measure.scenarios import BY_NAME, SCENARIOS, SERVERS

NAME = "bench compare"
PARTIAL = Path("build/compare/partial.json")
FORMAT = 1
SLACK_S = 240  # what connecting, subscribing a million topics and draining may take besides


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev bench compare", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Runs Martlet, mosquitto and the floor (bench/floor) in turn under the same loads, each server on\n"
        "one core and the generator on another, and writes a page with medians, ratios, charts and what the\n"
        "goals say. A whole comparison takes about 13 minutes and replaces docs/benchmarks.md and\n"
        "docs/benchmarks/; one with --quick or --only goes to build/compare/.",
        epilog="Scenarios:\n" + "".join(f"  {s.name:18} {s.title}\n" for s in SCENARIOS) +
        "\nExit status: 0 every run was clean; 1 one was not, or failed; 2 usage.")
    parser.add_argument("--quick", action="store_true", help="one short run of each: does all of it work?")
    parser.add_argument("--only", metavar="NAME", action="append", default=[],
                        help="this scenario alone, or all whose names begin so; may be given several times")
    parser.add_argument("--runs", metavar="N", type=int, help="runs of each server in each scenario (3)")
    parser.add_argument("--duration", metavar="SECONDS", type=float, help="of one measurement (4)")
    parser.add_argument("--no-mosquitto", action="store_true", help="without mosquitto")
    parser.add_argument("--json", metavar="FILE", help="all results to FILE too")
    parser.add_argument("--output", metavar="FOLDER", help="where benchmarks.md and benchmarks/ go")
    parser.add_argument("--render", metavar="FILE", help="run nothing: make the page again from these results")
    options = parser.parse_args(arguments)
    if options.runs is not None and options.runs < 1:
        parser.error("--runs: needs 1 or more")
    if options.duration is not None and options.duration < 0.1:
        parser.error("--duration: needs 0.1 or more")
    options.runs = options.runs or (1 if options.quick else 3)
    options.duration = options.duration or (1 if options.quick else 4)
    options.warmup = 0.5 if options.quick else 1
    options.scenarios = [s for s in SCENARIOS if not options.only or any(s.name.startswith(o) for o in options.only)]
    for name in options.only:
        if not any(s.name.startswith(name) for s in SCENARIOS):
            parser.error(f"--only: no scenario \"{name}\"; there are: {' '.join(BY_NAME)}")
    return options


def plan(options, without=()):
    """[(scenario, server, number of the run)] in the order of running: the servers take turns."""
    runs = []
    for scenario in options.scenarios:
        for number in range(1, options.runs + 1):
            for server in scenario.servers:
                once = server in scenario.single
                if server not in without and not (once and (options.quick or number > 1)):
                    runs.append((scenario, server, number))
    return runs


def seconds_of(scenario, options):
    held = scenario.quick_seconds if options.quick else scenario.seconds
    return held or options.duration


def placement(server, cores):
    """(cores of the server, cores of the generator)."""
    if server == "martlet-2":
        return cores[:2], cores[2:3] or cores[1:2]
    return cores[:1], cores[1:2]


def bench_words(scenario, options, descriptors, port="PORT", pid="PID"):
    words = ["martlet", "bench", *scenario.arguments]
    if "--connections" in words:  # both sides keep some descriptors for themselves
        at = words.index("--connections") + 1
        words[at] = str(min(int(words[at]), descriptors - 500))
    return [*words, "--warmup", f"{options.warmup:g}", "--duration", f"{seconds_of(scenario, options):g}", "--port",
            str(port), "--pid", str(pid), "--json", "--quiet"]


def run_once(scenario, server, options, descriptors):
    """{"result": what the bench said, ...} or {"error": ...}."""
    server_cores, generator_cores = placement(server, machine.cores())
    extra = scenario.martlet_options if server.startswith("martlet") else ()
    with servers.Server(server, server_cores, extra) as running:
        words = bench_words(scenario, options, descriptors, running.port, running.pid)
        words[0] = servers.MARTLET
        others = machine.Others(sorted({*server_cores, *generator_cores}))
        own = os.times()
        own_before = machine.process_cpu_s(running.pid) + own.children_user + own.children_system
        try:
            done = subprocess.run(servers.pinned(generator_cores, words), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=seconds_of(scenario, options) + SLACK_S)
        except subprocess.TimeoutExpired:
            return {"error": "took too long"}
        own = os.times()
        own_cpu_s = machine.process_cpu_s(running.pid) + own.children_user + own.children_system - own_before
        other, stolen = others.percent(own_cpu_s)
        outcome = {"other_percent": other, "stolen_percent": stolen}
        try:
            return {**outcome, "result": json.loads(done.stdout)}
        except ValueError:
            said = (done.stderr.strip() or f"the bench ended with {done.returncode}").splitlines()[-1]
            return {**outcome, "error": said if running.process.poll() is None else f"{server} ended: {said}"}


def figures_line(run):
    result = run.get("result")
    if not result:
        return "FAILED: " + run.get("error", "no result")
    read = {metric: what[2](result) for metric, what in results.METRICS.items()}
    if run["scenario"] == "idle":
        text = f"{results.number(read['connection_bytes'])} bytes each, {read['cpu_percent'] or 0:.2f} % of a core"
    elif run["scenario"] == "connect":
        text = f"{results.number(read['connects_per_s'])} connects/s"
    else:
        text = (f"{results.number(read['cpu_us']):>7} us {results.number(read['rate']):>8}/s "
                f"p50 {results.number(read['p50_us'])} p99 {results.number(read['p99_us'])} us")
        if run["scenario"].startswith("subscriptions"):
            text += f", {results.number(read['subscription_bytes'])} bytes each"
    return text if result.get("clean") else f"{text}  NOT CLEAN: {results.describe_fault(run)}"


def run_all(options, document, descriptors):
    without = {"mosquitto"} if options.no_mosquitto else set()
    runs = plan(options, without)
    began = time.monotonic()
    for at, (scenario, server, number) in enumerate(runs):
        left = f", {(time.monotonic() - began) / at * (len(runs) - at) / 60:.0f} min left" if at > 2 else ""
        head = f"[{at + 1:3}/{len(runs)}{left}] {scenario.name:17} {SERVERS[server]:18} run {number}"
        if sys.stderr.isatty():
            print(f"\r\033[K{head} ...", end="", file=sys.stderr, flush=True)
        run = {"scenario": scenario.name, "server": server, "run": number}
        try:
            run.update(run_once(scenario, server, options, descriptors))
        except servers.Failure as failure:
            run["error"] = str(failure)
        document["runs"].append(run)
        clear = "\r\033[K" if sys.stderr.isatty() else ""
        print(f"{clear}{head}  {figures_line(run)}", file=sys.stderr, flush=True)
        document["seconds"] = round(time.monotonic() - began)
        PARTIAL.parent.mkdir(parents=True, exist_ok=True)
        PARTIAL.write_text(json.dumps(document))


def version_of(words, pick):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return pick(lines[0]) if lines else "unknown"


def versions(with_mosquitto):
    found = {"martlet": version_of([servers.MARTLET, "--version"], lambda line: line.removeprefix("martlet "))}
    if with_mosquitto:
        found["mosquitto"] = version_of([servers.find_mosquitto(), "-h"],
                                        lambda line: line.removeprefix("mosquitto version "))
        package = version_of(["dpkg-query", "-W", "-f", "${Version}", "mosquitto"], str)
        if package[:1].isdigit():
            found["mosquitto"] += f" (Debian's package {package})"
    return found


def new_document(options, descriptors):
    return {
        "format": FORMAT, "date": date.today().isoformat(), "quick": options.quick, "seconds": 0,
        "duration_s": options.duration, "warmup_s": options.warmup, "repetitions": options.runs,
        "machine": {**machine.facts(), "descriptors": descriptors}, "versions": versions(not options.no_mosquitto),
        "commands": {s.name: " ".join(bench_words(s, options, descriptors)) for s in options.scenarios},
        "runs": []}


def read_document(file):
    try:
        document = json.loads(Path(file).read_text())
    except OSError as error:
        raise servers.Failure(f"--render: cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise servers.Failure(f"--render: {file} is no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise servers.Failure(f"--render: {file} is not a comparison's result (docs/benchmarks/results.json is one)")
    return document


def check_means(options):
    if len(machine.cores()) < 2:
        raise servers.Failure("needs two processor cores: one for the server, one for the generator")
    if not options.no_mosquitto and not servers.find_mosquitto():
        raise servers.Failure("mosquitto is not installed; install it, or use --no-mosquitto")
    for program in (servers.MARTLET, servers.FLOOR):
        if not os.access(program, os.X_OK):
            raise servers.Failure(f"{program} is not built; start this as ./dev bench compare")


def compare(options):
    if options.render:
        document = read_document(options.render)
        folder = options.output or "docs"
    else:
        check_means(options)
        descriptors = servers.raise_descriptor_limit()
        document = new_document(options, descriptors)
        folder = options.output or ("build/compare" if options.quick or options.only else "docs")
        load = os.getloadavg()[0]
        if load > 0.5:
            print(f"{NAME}: other work is going on (load {load:.1f}): the figures will be noisy", file=sys.stderr)
        try:
            run_all(options, document, descriptors)
        except KeyboardInterrupt:
            return servers.complain(NAME, f"stopped; what was measured is in {PARTIAL}: "
                                    f"./dev bench compare --render {PARTIAL} --output build/compare", 130)
    written = page.write(document, Path(folder))
    if options.json:
        Path(options.json).write_text(json.dumps(document, indent=1) + "\n")
    print(page.goals_text(document))
    print(f"{NAME}: {written}, in {document['seconds'] // 60} min {document['seconds'] % 60} s")
    unclean = [run for run in document["runs"] if not (run.get("result") or {}).get("clean")]
    if unclean:
        return servers.complain(NAME, f"{len(unclean)} of {len(document['runs'])} runs were not clean or failed")
    return 0


def main():
    options = parse(sys.argv[1:])
    try:
        return compare(options)
    except (servers.Failure, OSError) as failure:
        return servers.complain(NAME, failure)


if __name__ == "__main__":
    sys.exit(main())
