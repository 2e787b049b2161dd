"""Facts about the machine that a figure depends on, and how busy others keep it."""

import os
import platform
import re
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def facts():
    """No names of hosts, users or files."""
    return {"cores": len(os.sched_getaffinity(0)), "processor": _first("/proc/cpuinfo", "model name"),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
            "kernel": re.match(r"[\d.]*\d", platform.release())[0], "system": _first("/etc/os-release", "PRETTY_NAME").strip('"')}


def _first(file, key):
    try:
        for line in Path(file).read_text().splitlines():
            name, _, value = line.replace("\t", "").partition("=" if "=" in line else ":")
            if name.strip() == key:
                return value.strip()
    except OSError:
        pass
    return "unknown"


def cores():
    return sorted(os.sched_getaffinity(0))


def parse_busy(text, wanted):
    """(seconds of work, seconds taken by the host) of the cores `wanted` in the text of /proc/stat."""
    busy = stolen = 0
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in {f"cpu{core}" for core in wanted}:
            user, nice, system, _, _, irq, softirq, steal = map(int, words[1:9])
            busy += user + nice + system + irq + softirq
            stolen += steal
    return busy / TICKS_PER_S, stolen / TICKS_PER_S


def process_cpu_s(pid):
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(words[11]) + int(words[12])) / TICKS_PER_S


class Others:
    """What work that is not ours took of the cores, between its making and `percent()`."""

    def __init__(self, wanted):
        self.wanted, self.start = wanted, time.monotonic()
        self.before = self._now()

    def _now(self):
        return parse_busy(Path("/proc/stat").read_text(), self.wanted)

    def percent(self, own_cpu_s):
        """(of other processes, of the host), in percent of one core."""
        seconds = time.monotonic() - self.start
        busy, stolen = (after - before for after, before in zip(self._now(), self.before))
        return (round(max(0, 100 * (busy - own_cpu_s) / seconds), 1), round(100 * stolen / seconds, 1))
