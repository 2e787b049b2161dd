"""The page about a comparison, docs/benchmarks.md, its charts, and its results as JSON beside it."""

import json
from pathlib import Path

from measure import charts, results, servers
from measure.scenarios import BY_NAME, FLAT_OUT, GOALS, LARGE, PACED, SERVERS

MIB = 1024 * 1024


class Comparison:
    def __init__(self, document):
        self.document = document
        self.summaries = results.summarize(document["runs"])
        self.servers = [s for s in SERVERS if any(run["server"] == s for run in document["runs"])]
        self.judgements = results.judge(self.summaries, document["machine"]["cores"])

    def goal(self, scenario, server, metric):
        for judgement in self.judgements:
            goal = judgement.goal
            if (goal.scenario, goal.server, goal.metric) == (scenario, server, metric):
                return judgement.limit
        return None

    def bar_groups(self, scenarios, metric, factor=lambda scenario: 1):
        groups = []
        for name in scenarios:
            rows = []
            for server in self.servers:
                summary = self.summaries.get((name, server))
                value = summary.median(metric) if summary else None
                if value is None or server == "martlet-2":
                    continue
                scale, goal = factor(BY_NAME[name]), self.goal(name, server, metric)
                rows.append({"server": server, "value": value * scale, "text": results.number(value * scale),
                             "clean": summary.clean > 0, "goal": goal and goal * scale})
            if rows:
                groups.append((charted_title(name), rows))
        return groups

    def span_groups(self, scenarios):
        groups = []
        for name in scenarios:
            rows = []
            for server in self.servers:
                summary = self.summaries.get((name, server))
                if not summary or server == "martlet-2" or not summary.median("p99_us"):
                    continue
                low, high = summary.median("p50_us"), summary.median("p99_us")
                rows.append({"server": server, "from": max(low, 1), "to": max(high, 1), "clean": summary.clean > 0,
                             "text": f"{results.number(low)} / {results.number(high)}"})
            if rows:
                groups.append((charted_title(name), rows))
        return groups

    def charts(self, dark=None):
        """{file name: (what it answers, SVG)}, without those that nothing was measured for."""
        names = {server: SERVERS[server] for server in self.servers if server != "martlet-2"}
        bars = [
            ("cpu-paced", "How much CPU time does a message cost at a fixed pace?",
             "us of the server's CPU time a delivery (less is better)", self.bar_groups(PACED, "cpu_us")),
            ("cpu-flat-out", "How much CPU time does a message cost flat out?",
             "us of the server's CPU time a delivery (less is better)", self.bar_groups(FLAT_OUT, "cpu_us")),
            ("throughput", "How many messages does one core deliver?",
             "deliveries a second, one thread flat out (more is better)", self.bar_groups(FLAT_OUT, "rate")),
            ("large", "What do large payloads cost?", "us of the server's CPU time a MiB (less is better)",
             self.bar_groups(LARGE, "cpu_us", lambda scenario: MIB / scenario.payload_bytes)),
            ("idle", "How much memory does an idle connection take?",
             "bytes of the server's own memory a connection (less is better)",
             self.bar_groups(("idle",), "connection_bytes")),
        ]
        drawn = {name: (title, charts.bars(title, axis, groups, names, dark)) for name, title, axis, groups in bars
                 if groups}
        spans = self.span_groups(PACED)
        if spans:
            title = "How long does a message take at a fixed pace?"
            drawn["latency"] = (title, charts.spans(
                title, "us from when a message was due to its delivery: circle p50, square p99; logarithmic", spans,
                names, dark))
        return drawn


def charted_title(name):
    return BY_NAME[name].title


def goal_words(judgement):
    """(what, value, limit) of a goal in words."""
    goal = judgement.goal
    what, unit, _ = results.METRICS[goal.metric]
    bound = "at least" if goal.at_least else "at most"
    limit = f"{bound} {with_unit(judgement.limit, unit)}"
    if goal.factor:
        of = SERVERS[goal.of_server] if not goal.of_scenario else BY_NAME[goal.of_scenario].title
        limit = f"{bound} {goal.factor:g} x {of}" + (
            f" = {with_unit(judgement.limit, unit)}" if judgement.limit is not None else "")
    subject = "" if goal.server == "martlet" else f" ({SERVERS[goal.server]})"
    return f"{BY_NAME[goal.scenario].title}: {what}{subject}", with_unit(judgement.value, unit), limit


def with_unit(value, unit):
    text = results.number(value)
    return text if value is None else f"{text}{unit}" if unit.startswith("/") else f"{text} {unit}"


def verdict_words(judgement):
    words = judgement.verdict
    if words == "not met" and judgement.limit:
        apart = judgement.value / judgement.limit
        words += f" ({apart:.2f} x the goal)"
    return words


def goals_text(document):
    """For a terminal: a line for each goal that was measured."""
    comparison, lines = Comparison(document), []
    for judgement in comparison.judgements:
        if judgement.verdict == "not measured":
            continue
        what, value, limit = goal_words(judgement)
        lines.append(f"{verdict_words(judgement):24} {what}: {value}; goal: {limit}")
    return "\n".join(lines) or "no goal was measured"


def goals_table(comparison):
    lines = ["| | measured | goal | |", "|---|---|---|---|"]
    for judgement in comparison.judgements:
        what, value, limit = goal_words(judgement)
        verdict = verdict_words(judgement)
        lines.append(f"| {what} | {value} | {limit} | {verdict if judgement.verdict == 'met' else f'**{verdict}**'} |")
    met = sum(judgement.verdict == "met" for judgement in comparison.judgements)
    return f"{met} of {len(comparison.judgements)} goals are met.\n\n" + "\n".join(lines)


def spread(summary, metric):
    figure = summary.figures.get(metric)
    if not figure:
        return "-"
    if figure.least == figure.most:
        return results.number(figure.median)
    return f"{results.number(figure.median)} ({results.number(figure.least)} to {results.number(figure.most)})"


def times(value):
    return "-" if value is None else f"{value:.2f}"


def clean_words(summary):
    if summary.all_clean:
        return f"{summary.clean} of {summary.runs}"
    return f"**{summary.clean} of {summary.runs}**: {'; '.join(sorted(set(summary.faults)))}"


def traffic_table(comparison):
    lines = ["| scenario | server | CPU us a delivery | x floor | x mosquitto | deliveries/s | p50 us | p99 us | clean runs |",
             "|---|---|---|---|---|---|---|---|---|"]
    for name in (*PACED, *FLAT_OUT, *LARGE, "subscriptions-1k", "subscriptions-1m"):
        for server in comparison.servers:
            summary = comparison.summaries.get((name, server))
            if not summary:
                continue
            ratios = [results.ratio(comparison.summaries, name, "cpu_us", server, other) if other != server else None
                      for other in ("floor", "mosquitto")]
            lines.append(f"| {BY_NAME[name].title} | {SERVERS[server]} | {spread(summary, 'cpu_us')} | {times(ratios[0])} "
                         f"| {times(ratios[1])} | {spread(summary, 'rate')} | {results.number(summary.median('p50_us'))} "
                         f"| {results.number(summary.median('p99_us'))} | {clean_words(summary)} |")
    return "\n".join(lines)


def size_table(comparison):
    lines = ["| scenario | server | | | clean runs |", "|---|---|---|---|---|"]
    for name, metrics in (("idle", ("connection_bytes", "cpu_percent")),
                          ("connect", ("connects_per_s", "connect_cpu_us")),
                          ("subscriptions-1m", ("subscription_bytes", "subscribes_per_s"))):
        for server in comparison.servers:
            summary = comparison.summaries.get((name, server))
            if summary:
                cells = [f"{results.METRICS[m][0]}: {spread(summary, m)} {results.METRICS[m][1]}" for m in metrics]
                lines.append(f"| {BY_NAME[name].title} | {SERVERS[server]} | {cells[0]} | {cells[1]} | "
                             f"{clean_words(summary)} |")
    return "\n".join(lines)


def command_block(comparison):
    lines = []
    for server in comparison.servers:
        extra = ["..."] if server == "martlet" and any(s.martlet_options for s in BY_NAME.values()) else []
        core = "0,1" if server == "martlet-2" else "0"
        lines.append(f"taskset -c {core} {' '.join(servers.command_words(server, 'PORT', extra))}")
    return "\n".join(lines)


def noise_words(runs):
    other = [run["other_percent"] for run in runs if "other_percent" in run]
    stolen = [run["stolen_percent"] for run in runs if "stolen_percent" in run]
    if not other:
        return "not measured"
    other.sort()
    return (f"other processes took {other[len(other) // 2]:.0f} % of a core in the median run and {other[-1]:.0f} % in the "
            f"worst, the host below {max(stolen):.0f} %")


def machine_words(facts):
    return (f"{facts['cores']} cores of {facts['processor']}, {facts['memory_gib']} GiB, Linux {facts['kernel']}, "
            f"{facts['system']}, at most {facts['descriptors']} descriptors; loopback")


def page_text(comparison):
    document = comparison.document
    versions = document["versions"]
    parts = [HEAD.format(
        quick="\n**A quick comparison: it shows that all works. Its figures say nothing.**\n" if document["quick"] else "",
        date=document["date"], machine=machine_words(document["machine"]), runs=document["repetitions"],
        duration=f"{document['duration_s']:g}", warmup=f"{document['warmup_s']:g}",
        minutes=f"{document['seconds'] / 60:.0f}", noise=noise_words(document["runs"]),
        versions="; ".join(f"{SERVERS[name]} {version}" for name, version in versions.items())),
        "## Goals\n\n" + goals_table(comparison)]
    for name, (title, _) in comparison.charts().items():
        parts.append(f"## {title}\n\n![{title}](benchmarks/{name}.svg)")
    options = "\n".join(f"- {s.title}: `{' '.join(s.martlet_options)}`" for s in BY_NAME.values() if s.martlet_options)
    commands = "\n".join(f"taskset -c 1 {command}" for command in document["commands"].values())
    parts += ["## All figures\n\nMedians, and least to most where runs differ.\n\n" + traffic_table(comparison),
              size_table(comparison),
              TAIL.format(servers=command_block(comparison), options=options,
                          mosquitto=servers.MOSQUITTO_CONFIGURATION.strip(), commands=commands)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


HEAD = """
# Benchmarks

Written by `./dev bench compare`; do not edit. What the scenarios are, how is measured and what makes a comparison fair:
[benchmarking](benchmarking.md).
{quick}
- **When and where**: {date}; {machine}.
- **What**: {versions}; the floor is a relay without a broker's duties (`bench/floor`): what the machine charges for the
  same traffic.
- **How**: the server on one core, the generator on another, one server at a time, in turn; {runs} runs of {duration} s behind
  {warmup} s of warm-up, a new process each; medians. {minutes} minutes in all; {noise}.
- **CPU time** is the server process's own, user and system, divided by the messages that it delivered. It is what to compare:
  flat out the generator may be the slower side.
- A run is **clean** if every message came once and in order. Figures are those of clean runs; without any they are marked.
  A server that loses messages has done less work.
- **2 threads** on a machine with two cores share one of them with the generator: then only their CPU time says something.
"""

TAIL = """
## Configurations and commands

```
{servers}
```

Where a default limit stands in the way, Martlet (`...`) has also:

{options}

mosquitto's FILE:

```
{mosquitto}
```

The generator:

```
{commands}
```

All results, run by run: [results.json](benchmarks/results.json). `./dev bench compare --render docs/benchmarks/results.json`
makes this page of them again.
"""


def write(document, folder):
    """Writes page, charts and results below `folder`; returns what to tell about it."""
    comparison = Comparison(document)
    beside = folder / "benchmarks"
    beside.mkdir(parents=True, exist_ok=True)
    for old in beside.glob("*.svg"):
        old.unlink()
    for name, (_, svg) in comparison.charts().items():
        (beside / f"{name}.svg").write_text(svg)
    lines = ",\n".join(json.dumps(run) for run in document["runs"])
    head = json.dumps({key: value for key, value in document.items() if key != "runs"}, indent=1)
    (beside / "results.json").write_text(f'{head[:-2]},\n "runs": [\n{lines}\n]}}\n')
    (folder / "benchmarks.md").write_text(page_text(comparison))
    return f"wrote {Path(folder) / 'benchmarks.md'} and {beside}/"


__all__ = ["Comparison", "GOALS", "goals_text", "page_text", "write"]
