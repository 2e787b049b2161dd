"""The pure parts of `./dev bench compare` and `./dev profile`."""

import tempfile
import unittest
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path

from measure import callgrind, charts, compare, flame, folding, lockstep, machine, page, results
from measure.scenarios import BY_NAME, FLAT_OUT, GOALS, LARGE, PACED, SCENARIOS, SERVERS, Goal
from measure.servers import Failure


def run(scenario, server, cpu_us, clean=True, **more):
    result = {"clean": clean, "drained": True, "missing": 0 if clean else 7, "received_per_s": 1e6 / cpu_us,
              "latency_us": {"count": 1, "p50": 40, "p99": 90},
              "broker": {"cpu_us_per_delivery": cpu_us, "cpu_percent": 99}, **more}
    return {"scenario": scenario, "server": server, "run": 1, "result": result}


def document(runs):
    return {"format": compare.FORMAT, "date": "2026-01-02", "quick": False, "seconds": 61, "duration_s": 4, "warmup_s": 1,
            "repetitions": 3, "versions": {"martlet": "1"}, "commands": {"p2p-q0": "martlet bench p2p"}, "runs": runs,
            "machine": {"cores": 2, "processor": "x", "memory_gib": 1, "kernel": "6", "system": "d", "descriptors": 9}}


class ResultsTest(unittest.TestCase):
    def test_the_median_is_of_clean_runs_only(self):
        summary = results.summarize([run("p2p-q0", "floor", c) for c in (3, 1, 2)] +
                                    [run("p2p-q0", "floor", 50, clean=False)])[("p2p-q0", "floor")]
        self.assertEqual((summary.median("cpu_us"), summary.clean, summary.runs), (2, 3, 4))
        self.assertEqual((summary.figures["cpu_us"].least, summary.figures["cpu_us"].most), (1, 3))
        self.assertEqual(summary.faults, ["7 missing"])

    def test_unclean_runs_are_shown_if_there_are_no_others_and_reach_no_goal(self):
        summaries = results.summarize([run("p2p-q0", "martlet", 0.1, clean=False)])
        self.assertEqual(summaries[("p2p-q0", "martlet")].median("cpu_us"), 0.1)
        self.assertEqual(results.judge(summaries, 2, [Goal("p2p-q0", "cpu_us", 0.6)])[0].verdict, "not clean")

    def test_a_run_that_failed_or_lacks_figures_is_no_figure(self):
        failed = {"scenario": "idle", "server": "floor", "run": 1, "error": "took too long"}
        summaries = results.summarize([failed, {"scenario": "connect", "server": "floor", "run": 1,
                                                "result": {"clean": True}}])
        self.assertEqual(summaries[("idle", "floor")].faults, ["took too long"])
        self.assertIsNone(summaries[("idle", "floor")].median("cpu_us"))
        self.assertEqual(summaries[("connect", "floor")].figures, {})

    def test_goals(self):
        summaries = results.summarize([run("p2p-q0", "martlet", 2), run("p2p-q0", "floor", 1)])

        def verdict(goal, cores=2):
            return results.judge(summaries, cores, [goal])[0].verdict
        self.assertEqual(verdict(Goal("p2p-q0", "cpu_us", 2)), "met")
        self.assertEqual(verdict(Goal("p2p-q0", "cpu_us", 1.9)), "not met")
        self.assertEqual(verdict(Goal("p2p-q0", "cpu_us", factor=2)), "met")
        self.assertEqual(verdict(Goal("p2p-q0", "cpu_us", factor=1.9)), "not met")
        self.assertEqual(verdict(Goal("p2p-q0", "rate", 500_000, at_least=True)), "met")
        self.assertEqual(verdict(Goal("p2p-q0", "rate", 500_001, at_least=True)), "not met")
        self.assertEqual(verdict(Goal("p2p-q1", "cpu_us", 1)), "not measured")
        self.assertEqual(verdict(Goal("p2p-q0", "cpu_us", 1, cores=3)), "not judged: needs 3 cores")

    def test_ratios_and_numbers(self):
        summaries = results.summarize([run("p2p-q0", "martlet", 3), run("p2p-q0", "floor", 2)])
        self.assertEqual(results.ratio(summaries, "p2p-q0", "cpu_us", "martlet", "floor"), 1.5)
        self.assertIsNone(results.ratio(summaries, "p2p-q0", "cpu_us", "martlet", "mosquitto"))
        self.assertEqual([results.number(n) for n in (None, 0.3312, 1.5, 14.26, 5095.4, 347_210, 2_204_000)],
                         ["-", "0.331", "1.50", "14.3", "5,095", "347 k", "2.20 M"])

    def test_the_tables_fit_together(self):
        for goal in GOALS:
            self.assertIn(goal.metric, results.METRICS)
            self.assertIn(goal.server, BY_NAME[goal.scenario].servers)
            if goal.factor:
                self.assertIn(goal.of_server, BY_NAME[goal.of_scenario or goal.scenario].servers)
        self.assertTrue({*PACED, *FLAT_OUT, *LARGE} <= {*BY_NAME})
        self.assertEqual(len(BY_NAME), len(SCENARIOS))


class CompareTest(unittest.TestCase):
    def test_servers_take_turns(self):
        options = compare.parse(["--only", "p2p-q2", "--runs", "2"])
        self.assertEqual([(s.name, server, n) for s, server, n in compare.plan(options)],
                         [("p2p-q2", "martlet", 1), ("p2p-q2", "mosquitto", 1),
                          ("p2p-q2", "martlet", 2), ("p2p-q2", "mosquitto", 2)])
        self.assertEqual(len(compare.plan(options, {"mosquitto"})), 2)

    def test_what_takes_long_runs_once(self):
        plan = compare.plan(compare.parse(["--only", "subscriptions-1m"]))
        self.assertEqual([server for _, server, _ in plan].count("mosquitto"), 1)
        quick = compare.plan(compare.parse(["--quick", "--only", "subscriptions-1m"]))
        self.assertEqual([server for _, server, _ in quick], ["martlet"])

    def test_no_more_connections_than_descriptors(self):
        options = compare.parse([])
        words = compare.bench_words(BY_NAME["idle"], options, 4096)
        self.assertIn("3596", words)
        self.assertIn("19000", compare.bench_words(BY_NAME["idle"], options, 20000))

    def test_two_threads_get_two_cores(self):
        self.assertEqual(compare.placement("martlet", [0, 1]), ([0], [1]))
        self.assertEqual(compare.placement("martlet-2", [0, 1]), ([0, 1], [1]))
        self.assertEqual(compare.placement("martlet-2", [2, 4, 6]), ([2, 4], [6]))

    def test_a_file_that_is_no_result_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "x.json"
            for text, part in (("{", "no JSON"), ("[]", "not a comparison"), ('{"format": 0}', "not a comparison")):
                file.write_text(text)
                with self.assertRaisesRegex(Failure, part):
                    compare.read_document(file)
            with self.assertRaisesRegex(Failure, "cannot read"):
                compare.read_document(Path(folder) / "none")

    def test_the_page_comes_back_from_its_results(self):
        runs = [run("p2p-q0", "martlet", 0.5), run("p2p-q0", "floor", 0.25), run("p2p-q0-20k", "mosquitto", 20),
                run("fan-out-q0", "mosquitto", 6, clean=False)]
        with tempfile.TemporaryDirectory() as folder:
            page.write(document(runs), Path(folder))
            first = (Path(folder) / "benchmarks.md").read_text()
            page.write(compare.read_document(Path(folder) / "benchmarks/results.json"), Path(folder))
            self.assertEqual((Path(folder) / "benchmarks.md").read_text(), first)
            for chart in (Path(folder) / "benchmarks").glob("*.svg"):
                self.assertIn(f"benchmarks/{chart.name}", first)
        self.assertIn("| p2p QoS 0 | Martlet | 0.500 | 2.00 |", first)
        self.assertIn("**0 of 1**: 7 missing", first)
        self.assertRegex(first, r"p2p QoS 0: CPU a delivery \| 0.500 us \| at most 0.600 us \| met")

    def test_how_busy_others_are(self):
        text = "cpu  9 9 9 9 9 9 9 9\ncpu0 100 0 50 900 7 0 50 10 0 0\ncpu1 300 0 0 5 0 0 0 0 0 0\n"
        self.assertEqual(machine.parse_busy(text, [0]), (200 / machine.TICKS_PER_S, 10 / machine.TICKS_PER_S))


class ChartsTest(unittest.TestCase):
    names = {server: SERVERS[server] for server in ("martlet", "floor")}

    def rectangles(self, svg, kind):
        return [float(r.get("width")) for r in xml.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
                if r.get("class") == kind and float(r.get("x")) == charts.LEFT]

    def test_a_bar_is_as_long_as_its_value(self):
        svg = charts.bars("T < U", "us", [("a", [{"server": "martlet", "value": 5, "text": "5", "goal": 7},
                                                 {"server": "floor", "value": 10, "text": "10"}])], self.names)
        ours, floors = self.rectangles(svg, "martlet"), self.rectangles(svg, "floor")
        self.assertAlmostEqual(2 * ours[0], floors[0], delta=0.2)
        self.assertAlmostEqual(floors[0], charts.WIDTH - charts.LEFT - charts.RIGHT, delta=0.2)
        self.assertIn("T &lt; U", svg)
        self.assertIn('class="goal"', svg)

    def test_what_is_not_clean_says_so(self):
        svg = charts.bars("t", "us", [("a", [{"server": "floor", "value": 1, "text": "1", "clean": False}])], self.names)
        self.assertIn("(not clean)", svg)
        self.assertEqual(len(self.rectangles(svg, "floor unclean")), 1)

    def test_axis_marks(self):
        self.assertEqual(charts.steps(10), [0, 2, 4, 6, 8, 10])
        self.assertAlmostEqual(charts.steps(0.33)[-1], 0.4)
        self.assertEqual(charts.steps(0), [0, 1])
        self.assertEqual(charts.decades(30, 2600), (1, 4))
        self.assertEqual(charts.decades(1, 1), (0, 1))
        self.assertEqual([charts.short(v) for v in (0.5, 20, 1500, 2.5e6)], ["0.5", "20", "1.5 k", "2.5 M"])

    def test_a_span_is_a_tenth_apart_per_decade(self):
        svg = charts.spans("t", "us", [("a", [{"server": "floor", "from": 10, "to": 1000, "text": ""}])], self.names)
        lines = [node for node in xml.fromstring(svg).iter("{http://www.w3.org/2000/svg}line")
                 if node.get("class") == "floor"]
        self.assertEqual(float(lines[0].get("x1")), charts.LEFT)
        self.assertEqual(float(lines[0].get("x2")), charts.WIDTH - charts.RIGHT)

    def test_dark_and_light(self):
        self.assertIn("prefers-color-scheme: dark", charts.style())
        self.assertNotIn("prefers-color-scheme", charts.style(dark=True))
        self.assertNotIn(charts.COLOURS["martlet"][1], charts.style(dark=False))


PERF_SCRIPT = """\
martlet  1399
\tffffffff81b6c6b4 _copy_from_iter ([kernel.kallsyms])
\t          10ac4d __libc_sendmsg (/usr/lib/x86_64-linux-gnu/libc.so.6)
\t          1cc0f3 martlet::net::Reactor::flush (/x/martlet)
\t           7ad25 main+0x15 (/x/martlet)

martlet  1399
\t          1b2583 martlet::topic::Index::match<martlet::Router::match(int)::{lambda(int)#1}> (/x/martlet)
\t           7ad25 main (/x/martlet)

martlet  1399
\t          1b2583 martlet::topic::Index::match<int> (/x/martlet)
\t           7ad25 main (/x/martlet)
"""


class FoldingTest(unittest.TestCase):
    def test_stacks_are_counted_from_the_outside_in(self):
        stacks = folding.fold(PERF_SCRIPT)
        self.assertEqual(stacks, Counter({("main", "topic::Index::match"): 2, (
            "main", "net::Reactor::flush", "__libc_sendmsg", "_copy_from_iter [k]"): 1}))
        self.assertEqual(folding.self_counts(stacks)["topic::Index::match"], 2)
        self.assertEqual(folding.total_counts(stacks)["main"], 3)
        self.assertAlmostEqual(folding.kernel_share(stacks), 1 / 3)
        self.assertIn("main;topic::Index::match 2\n", folding.to_text(stacks))
        self.assertEqual(folding.kernel_share(folding.fold("")), 0)

    def test_short_names(self):
        for name, short in {
                "martlet::topic::check_name(std::basic_string_view<char, std::char_traits<char> >)": "topic::check_name",
                "martlet::env::posix::(anonymous namespace)::PosixNetwork::write(int) const": "env::posix::PosixNetwork::write",
                "void martlet::topic::Index::match<int, std::less<int> >(int)": "topic::Index::match",
                "std::vector<int, std::allocator<int> >::operator[](unsigned long)": "std::vector::operator[]",
                "martlet::operator<(martlet::A const&, martlet::A const&)": "operator<",
                "martlet::Fn::operator()(int) const": "Fn::operator()",
                "memcpy": "memcpy"}.items():
            self.assertEqual(folding.short_name(name), short)

    def test_a_frame_is_as_wide_as_its_share(self):
        svg = flame.draw(folding.fold(PERF_SCRIPT), "a & b", "note")
        root = xml.fromstring(svg)
        space = "{http://www.w3.org/2000/svg}"
        widths = {group.find(space + "title").text.split(":  ")[0].rsplit(": ", 1)[0]:
                  float(group.find(space + "rect").get("width")) for group in root.iter(space + "g")}
        self.assertAlmostEqual(widths["topic::Index::match"] / widths["all"], 2 / 3, places=2)
        self.assertEqual(widths["main"], widths["all"])
        self.assertEqual([flame.kind(name) for name in ("a::b", "x [k]", "std::sort", "memcpy")],
                         ["ours", "kernel", "other", "other"])


CALLGRIND = """\
events: Ir sysCount sysTime
fl=(1) a.cc
fn=(1) martlet::f(int)
10 5
+2 7 1
cfn=(2) martlet::g()
calls=3 20
11 900 4
* 1
fn=(2)
20 30 4 9
fn=(3) martlet::f(int)'2
20 1
fn=(4) clock_gettime@@GLIBC_2.17
1 2 50
"""


class CallgrindTest(unittest.TestCase):
    def test_what_a_function_did_itself(self):
        counts = callgrind.parse(CALLGRIND)
        self.assertEqual(counts["Ir"], {"f": 14, "g": 30, "clock_gettime@@GLIBC_2.17": 2})
        self.assertEqual(counts["sysCount"], {"f": 1, "g": 4})

    def test_the_difference_is_what_messages_cost(self):
        self.assertEqual(callgrind.per_message({"set_up": 100, "f": 10}, {"set_up": 100, "f": 30, "g": 40}, 10),
                         [("g", 4), ("f", 2), ("set_up", 0)])


class LockstepTest(unittest.TestCase):
    def test_shapes(self):
        self.assertEqual(lockstep.shape_of(["p2p", "--qos", "1", "--pairs", "3"]),
                         lockstep.Shape("p2p", 3, 3, 1, 64, False))
        self.assertTrue(lockstep.shape_of(["fan-out", "--rate", "50"]).alone)
        self.assertEqual(lockstep.shape_of(["large"]).burst, 1)
        self.assertEqual(lockstep.shape_of(["large", "--payload", "1048576"]).payload, 1048576)
        self.assertEqual(lockstep.rounds_for(lockstep.shape_of(["p2p"]), 100_000), 10)
        with self.assertRaisesRegex(Failure, "not connect"):
            lockstep.shape_of(["connect"])

    def test_packets(self):
        sent = lockstep.publish_packet("a/b", 1, 258, b"x" * 200)
        self.assertEqual(sent[:3], bytes([0x32, 0xD0, 0x01]))
        buffer = bytearray(sent + b"\xd0\0" + sent[:50])
        self.assertEqual(lockstep.cut(buffer), [(0x32, b"\0\3a/b\1\2\0" + b"x" * 200), (0xD0, b"")])
        self.assertEqual(buffer, sent[:50])
        buffer += sent[50:]
        self.assertEqual(len(lockstep.cut(buffer)), 1)
        self.assertEqual(buffer, b"")


if __name__ == "__main__":
    unittest.main()
