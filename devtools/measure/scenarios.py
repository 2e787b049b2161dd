"""What `./dev bench compare` measures, and the figures to reach. Data only."""

from dataclasses import dataclass

SERVERS = {  # in the order in which they run, and the names that a reader sees
    "martlet": "Martlet",
    "martlet-2": "Martlet, 2 threads",
    "mosquitto": "mosquitto",
    "floor": "floor",
}


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    arguments: tuple  # of `martlet bench`
    servers: tuple = ("martlet", "mosquitto", "floor")
    seconds: float = 0  # how long it holds instead of --duration; 0: as all
    quick_seconds: float = 0
    martlet_options: tuple = ()  # where a default limit of Martlet's stands in the way
    single: tuple = ()  # servers that take so long that they run once, and not at all in a quick comparison
    payload_bytes: int = 64


SCENARIOS = (
    Scenario("p2p-q0-20k", "p2p QoS 0, 20 k/s", ("p2p", "--rate", "20000"),
             ("martlet", "martlet-2", "mosquitto", "floor")),
    Scenario("p2p-q0", "p2p QoS 0", ("p2p",), ("martlet", "martlet-2", "mosquitto", "floor")),
    Scenario("p2p-q1-10k", "p2p QoS 1, 10 k/s", ("p2p", "--qos", "1", "--rate", "10000")),
    Scenario("p2p-q1", "p2p QoS 1", ("p2p", "--qos", "1")),
    Scenario("p2p-q2", "p2p QoS 2", ("p2p", "--qos", "2"), ("martlet", "mosquitto")),
    Scenario("fan-out-q0-50k", "fan-out QoS 0, 50 k/s", ("fan-out", "--rate", "50")),
    Scenario("fan-out-q0", "fan-out QoS 0", ("fan-out",)),
    Scenario("fan-out-q1", "fan-out QoS 1", ("fan-out", "--qos", "1")),
    Scenario("fan-in-q1-10k", "fan-in QoS 1, 10 k/s in", ("fan-in", "--qos", "1", "--rate", "10000")),
    Scenario("fan-in-q1", "fan-in QoS 1", ("fan-in", "--qos", "1")),
    Scenario("large-64k", "64 KiB payloads", ("large",), payload_bytes=65536),
    Scenario("large-1m", "1 MiB payloads", ("large", "--payload", "1048576"), payload_bytes=1048576,
             martlet_options=("--set", "limits.max_packet_size=2MiB")),
    Scenario("idle", "19,000 idle connections", ("idle", "--connections", "19000"), ("martlet", "mosquitto"),
             seconds=15, quick_seconds=3),
    Scenario("connect", "10,000 connections at once", ("connect",), seconds=1, quick_seconds=1),
    Scenario("subscriptions-1k", "publish among 1,000 subscriptions", ("subscribe", "--subscriptions", "1000"),
             ("martlet", "mosquitto")),
    Scenario("subscriptions-1m", "publish among 1,000,000 subscriptions",
             ("subscribe", "--subscriptions", "1000000", "--filters-per-packet", "1000"), ("martlet", "mosquitto"),
             martlet_options=("--set", "limits.max_subscriptions_per_client=1000000", "--set",
                              "limits.max_filter_bytes_per_client=1GiB"), single=("mosquitto",)),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

PACED = ("p2p-q0-20k", "p2p-q1-10k", "fan-out-q0-50k", "fan-in-q1-10k")
FLAT_OUT = ("p2p-q0", "p2p-q1", "p2p-q2", "fan-out-q0", "fan-out-q1", "fan-in-q1")
LARGE = ("large-64k", "large-1m")


@dataclass(frozen=True)
class Goal:
    """`metric` of `server` in `scenario` is at most or at least `limit`, or `factor` times another figure."""
    scenario: str
    metric: str
    limit: float = 0
    at_least: bool = False
    server: str = "martlet"
    factor: float = 0
    of_server: str = "floor"
    of_scenario: str = ""  # the same if empty
    cores: int = 2  # a machine with fewer cannot tell


GOALS = (
    Goal("p2p-q0-20k", "cpu_us", factor=1.05),
    Goal("p2p-q0", "cpu_us", 0.6),
    Goal("p2p-q0", "rate", 1_500_000, at_least=True),
    Goal("p2p-q1-10k", "cpu_us", factor=1.10),
    Goal("p2p-q1", "cpu_us", 1.0),
    Goal("p2p-q2", "cpu_us", 1.8),
    Goal("fan-out-q0-50k", "cpu_us", factor=1.05),
    Goal("fan-out-q0", "cpu_us", 0.42),
    Goal("fan-out-q1", "cpu_us", 0.6),
    Goal("fan-in-q1-10k", "cpu_us", 7.0),
    Goal("fan-in-q1", "rate", 2_700_000, at_least=True),
    Goal("large-64k", "cpu_us", factor=1.1),
    Goal("large-1m", "cpu_us", factor=1.1),
    Goal("p2p-q0-20k", "p99_us", factor=1.5),
    Goal("p2p-q1-10k", "p99_us", factor=1.5),
    Goal("fan-out-q0-50k", "p99_us", factor=1.5),
    Goal("fan-in-q1-10k", "p99_us", factor=1.5),
    Goal("idle", "connection_bytes", 1024),
    Goal("idle", "cpu_percent", 0.3),
    Goal("subscriptions-1m", "subscription_bytes", 150),
    Goal("subscriptions-1m", "cpu_us", factor=1.1, of_server="martlet", of_scenario="subscriptions-1k"),
    Goal("connect", "connects_per_s", 40_000, at_least=True),
    Goal("p2p-q0-20k", "cpu_us", server="martlet-2", factor=1.1, of_server="martlet"),
    Goal("p2p-q0", "cpu_us", server="martlet-2", factor=1.1, of_server="martlet"),
    Goal("p2p-q0", "rate", server="martlet-2", at_least=True, factor=1.0, of_server="martlet", cores=3),
)
