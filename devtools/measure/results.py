"""From the runs of a comparison to medians and verdicts on the goals. Pure."""

from dataclasses import dataclass, field
from statistics import median

from measure.scenarios import GOALS


def _broker(key):
    return lambda result: result.get("broker", {}).get(key)


def _latency(key):
    return lambda result: result["latency_us"][key] if result.get("latency_us", {}).get("count") else None


METRICS = {  # name: (what it is, unit, how it is read from what `martlet bench --json` says)
    "cpu_us": ("CPU a delivery", "us", _broker("cpu_us_per_delivery")),
    "rate": ("deliveries", "/s", lambda result: result.get("received_per_s")),
    "p50_us": ("latency p50", "us", _latency("p50")),
    "p99_us": ("latency p99", "us", _latency("p99")),
    "cpu_percent": ("CPU", "% of a core", _broker("cpu_percent")),
    "connection_bytes": ("memory a connection", "bytes", _broker("rss_bytes_per_connection")),
    "subscription_bytes": ("memory a subscription", "bytes", _broker("rss_bytes_per_subscription")),
    "connects_per_s": ("connects", "/s", lambda result: result.get("connects_per_s")),
    "connect_cpu_us": ("CPU a connect", "us", _broker("cpu_us_per_connect")),
    "subscribes_per_s": ("subscribes", "/s", lambda result: result.get("subscribes_per_s")),
}


@dataclass
class Figure:
    median: float
    least: float
    most: float


@dataclass
class Summary:
    """Of all runs of one server in one scenario. The figures are those of the clean runs, if there are any."""
    runs: int = 0
    clean: int = 0
    faults: list = field(default_factory=list)
    figures: dict = field(default_factory=dict)  # metric: Figure

    @property
    def all_clean(self):
        return self.runs > 0 and self.clean == self.runs

    def median(self, metric):
        return self.figures[metric].median if metric in self.figures else None


def describe_fault(run):
    """What was wrong with an unclean run, in a few words."""
    result = run.get("result")
    if not result:
        return run.get("error") or "no result"
    parts = [f"{result[key]:,} {key.replace('_', ' ')}"
             for key in ("missing", "duplicated", "reordered", "foreign", "refused", "connections_lost")
             if result.get(key)]
    if not result.get("drained", True):
        parts.append("did not take all that was due")
    return ", ".join(parts) or result.get("error") or "not clean"


def summarize(runs):
    """{(scenario, server): Summary} of the runs of a comparison."""
    grouped = {}
    for run in runs:
        grouped.setdefault((run["scenario"], run["server"]), []).append(run)
    return {key: _summary(group) for key, group in grouped.items()}


def _summary(runs):
    summary = Summary(runs=len(runs))
    clean = [run["result"] for run in runs if run.get("result") and run["result"].get("clean")]
    summary.clean = len(clean)
    summary.faults = [describe_fault(run) for run in runs if not (run.get("result") or {}).get("clean")]
    counted = clean or [run["result"] for run in runs if run.get("result")]
    for metric, (_, _, read) in METRICS.items():
        values = [value for value in map(read, counted) if value is not None]
        if values:
            summary.figures[metric] = Figure(median(values), min(values), max(values))
    return summary


@dataclass
class Judgement:
    goal: object
    value: float | None
    limit: float | None
    verdict: str  # "met", "not met", "not clean", "not measured" or "not judged: ..."


def judge(summaries, cores, goals=GOALS):
    """A Judgement for each goal."""
    return [_judge(goal, summaries, cores) for goal in goals]


def _judge(goal, summaries, cores):
    own = summaries.get((goal.scenario, goal.server), Summary())
    limit, value = goal.limit, own.median(goal.metric)
    if goal.factor:
        other = summaries.get((goal.of_scenario or goal.scenario, goal.of_server), Summary()).median(goal.metric)
        limit = None if other is None else goal.factor * other
    if cores < goal.cores:
        return Judgement(goal, value, limit, f"not judged: needs {goal.cores} cores")
    if value is None or limit is None:
        return Judgement(goal, value, limit, "not measured")
    if own.clean == 0:
        return Judgement(goal, value, limit, "not clean")
    reached = value >= limit if goal.at_least else value <= limit
    return Judgement(goal, value, limit, "met" if reached else "not met")


def ratio(summaries, scenario, metric, server, other):
    """`server`'s figure over `other`'s, or None."""
    upper = summaries.get((scenario, server), Summary()).median(metric)
    lower = summaries.get((scenario, other), Summary()).median(metric)
    return upper / lower if upper is not None and lower else None


def number(value):
    """A figure as a reader wants it: three significant digits, thousands apart."""
    if value is None:
        return "-"
    if value >= 1_000_000:
        return f"{value / 1e6:.2f} M"
    if value >= 100_000:
        return f"{value / 1e3:.0f} k"
    if value >= 100:
        return f"{value:,.0f}"
    digits = 3 if value < 1 else 2 if value < 10 else 1
    return f"{value:.{digits}f}"
