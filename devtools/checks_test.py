"""Each checker is fed a tree that breaks its rule, and one that does not."""

import json
import tempfile
import unittest
from pathlib import Path

import check_bans
import check_format
import check_headers
import check_includes
import check_registered
import check_sizes
import check_tidy
import tree


class CheckerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def header(self, path, *included):
        self.write(path, "#pragma once\n" + "".join(f'#include "{name}"\n' for name in included))

    def database(self, *sources):
        entries = [{"file": str(self.root / source), "command": f"g++ -std=c++20 -I{self.root}/src -c {source}"}
                   for source in sources]
        self.write("build/release/compile_commands.json", json.dumps(entries))

    def assert_fails(self, failures, *parts):
        """Exactly one failure, which names all of `parts`."""
        self.assertEqual(len(failures), 1, failures)
        for part in parts:
            self.assertIn(part, failures[0])


class IncludeTest(CheckerTest):
    def setUp(self):
        super().setUp()
        self.header("src/base/bytes.h")
        self.header("src/wire/packet.h", "base/bytes.h")
        self.header("src/broker/ports.h", "wire/packet.h")

    def test_what_the_table_allows_passes(self):
        self.header("src/session/session.h", "wire/packet.h", "base/bytes.h")
        self.header("src/auth/file.h", "broker/ports.h")
        self.write("src/wire/packet_test.cc", '#include <gtest/gtest.h>\n#include "wire/packet.h"\n')
        self.write("tests/all_test.cc", '#include "session/session.h"\n')
        self.assertEqual(check_includes.check(self.root), [])

    def test_an_outward_edge_fails(self):
        self.header("src/base/bad.h", "wire/packet.h")
        self.assert_fails(check_includes.check(self.root), "src/base/bad.h:2:", "base may not include wire/packet.h")

    def test_a_sideways_edge_fails(self):
        self.header("src/topic/bad.h", "wire/packet.h")
        self.assert_fails(check_includes.check(self.root), "src/topic/bad.h:2:", "topic may not include")

    def test_a_test_has_no_more_rights_than_its_room(self):
        self.write("src/wire/packet_test.cc", '\n#include "broker/ports.h"\n')
        self.assert_fails(check_includes.check(self.root), "src/wire/packet_test.cc:2:", "wire may not include")

    def test_only_the_doors_of_a_room_are_open(self):
        self.header("src/broker/router.h")
        self.header("src/auth/bad.h", "broker/router.h")
        self.assert_fails(check_includes.check(self.root), "src/auth/bad.h:2:", "auth may not include broker/router.h")

    def test_a_door_that_pulls_in_its_room_fails(self):
        self.header("src/broker/router.h")
        self.header("src/broker/records.h", "broker/router.h")
        self.assert_fails(check_includes.check(self.root), "src/broker/records.h:2:", "a door of broker")

    def test_a_room_without_a_row_fails(self):
        self.header("src/attic/old.h")
        self.assert_fails(check_includes.check(self.root), "src/attic/old.h:1:", "no room 'attic'")

    def test_a_relative_include_fails(self):
        self.write("src/wire/packet.cc", '#include "packet.h"\n')
        self.assert_fails(check_includes.check(self.root), "src/wire/packet.cc:1:", "wire/packet.h")

    def test_a_cycle_of_modules_fails(self):
        self.header("src/wire/a.h")
        self.header("src/wire/b.h", "wire/a.h")
        self.write("src/wire/a.cc", '#include "wire/a.h"\n#include "wire/b.h"\n')
        self.assert_fails(check_includes.check(self.root), "src/wire/a -> src/wire/b -> src/wire/a")


class BanTest(CheckerTest):
    def failures_for(self, path, code):
        self.write(path, code)
        return check_bans.check(self.root)

    def test_harmless_code_passes(self):
        self.assertEqual(self.failures_for("src/session/good.cc", '#include "session/good.h"\n// time(nullptr) is banned\n'
                                           'const char* kText = "throw";\nauto a = next.time(0);\nusing namespace std::literals;\n'), [])

    def test_system_headers_outside_env_fail(self):
        self.write("src/env/posix/socket.cc", "#include <sys/socket.h>\n")
        self.assert_fails(self.failures_for("src/net/bad.cc", "#include <sys/socket.h>\n"), "src/net/bad.cc:1:",
                          "system header", "only env")

    def test_tests_of_outer_rooms_may_use_sockets_and_no_clock(self):
        self.assertEqual(self.failures_for("src/net/a_test.cc", "#include <sys/socket.h>\n"), [])
        self.assert_fails(self.failures_for("src/net/a_test.cc", "auto t = steady_clock::now();\n"), "clock")
        self.write("src/net/a_test.cc", "")
        self.assert_fails(self.failures_for("src/session/a_test.cc", "#include <sys/socket.h>\n"), "session")

    def test_banned_calls_fail(self):
        calls = {
            "clock": "auto t = std::chrono::steady_clock::now();",
            "clock ": "auto t = time(nullptr);",
            "sleep": "std::this_thread::sleep_for(x);",
            "entropy": "std::random_device device;",
            "files": 'auto* f = std::fopen("x", "r");',
            "environment": 'auto* home = std::getenv("HOME");',
            "process": "std::system(x);",
            "assert": "assert(x);",
            "namespace": "using namespace std;",
        }
        for rule, code in calls.items():
            with self.subTest(code):
                self.assert_fails(self.failures_for("src/net/bad.cc", f"\n{code}\n"), "src/net/bad.cc:2:", rule.strip())

    def test_threads_streams_and_exceptions_in_the_core_fail(self):
        self.write("src/server/good.cc", "#include <thread>\nvoid f() { throw 1; }\n")
        for code in ("#include <thread>", "#include <iostream>", "void f() { throw 1; }"):
            with self.subTest(code):
                self.assert_fails(self.failures_for("src/broker/bad.cc", code + "\n"), "src/broker/bad.cc:1:")

    def test_leftovers_and_machine_paths_fail(self):
        for text in ("TO" "DO: later", "read /ho" "me/someone/notes"):
            with self.subTest(text):
                self.assert_fails(self.failures_for("docs/page.md", f"\n\n{text}\n"), "docs/page.md:3:")

    def test_a_header_without_guard_fails(self):
        self.assert_fails(self.failures_for("src/wire/bad.h", "int x;\n"), "src/wire/bad.h:1:", "#pragma once")

    def test_an_exception_needs_a_reason_and_a_use(self):
        self.write("devtools/ban_exceptions.txt", "src/net/clocked clock it draws the time\n")
        self.assertEqual(self.failures_for("src/net/clocked/a.cc", "auto t = steady_clock::now();\n"), [])
        self.assert_fails(self.failures_for("src/net/clocked/a.cc", "\n"), "ban_exceptions.txt:1:", "remove the line")
        self.assert_fails(self.failures_for("devtools/ban_exceptions.txt", "src/net clock\n"), "give the reason")


class SizeTest(CheckerTest):
    @staticmethod
    def function(lines, head="int f(int x)"):
        return f"{head} {{\n" + "  g();\n" * (lines - 2) + "}\n"

    def test_what_fits_passes(self):
        self.write("src/wire/a.cc", "namespace martlet {\n" + self.function(70) * 3 + "}\n" + "struct S {\n" +
                   "  int a;\n" * 100 + "};\nconstexpr int kTable[] = {\n" + "  1,\n" * 100 + "};\n")
        self.assertEqual(check_sizes.check(self.root), [])

    def test_long_functions_of_every_shape_fail(self):
        heads = ["int f(int x)", "void A::f(int a,\n  int b) const noexcept", "A::A(int a) : a_(a), b_(b)",
                 "TEST(Wire, LongOne)", "template <class T>\nauto f(T x) -> decltype(x)", "bool A::operator==(const A& o)",
                 "namespace martlet { class A { public: void f()", 'extern "C" int f()']
        for head in heads:
            with self.subTest(head):
                closing = "};}\n" if "namespace" in head else ""
                self.write("src/wire/a.cc", self.function(72, head) + closing)
                self.assert_fails(check_sizes.check(self.root), "src/wire/a.cc:1:", "limit 70")

    def test_braces_in_literals_and_comments_do_not_count(self):
        self.write("src/wire/a.cc", 'int f() {\n  g("}", \'{\');  // {\n  R"({{)";\n  x = 1\'000\'000;\n}\n' + self.function(71))
        self.assert_fails(check_sizes.check(self.root), "src/wire/a.cc:6:", "71 lines")

    def test_a_long_file_fails(self):
        self.write("src/wire/a.h", "int x;\n" * 601)
        self.assert_fails(check_sizes.check(self.root), "src/wire/a.h:1:", "601 lines")

    def test_the_ratchet_only_tightens(self):
        self.write("src/wire/a.cc", self.function(80))
        for listed, message in ((80, None), (79, "grew from 79 to 80"), (81, "shrank")):
            self.write("devtools/size_ratchet.txt", f"# list\nsrc/wire/a.cc:f {listed}\n")
            if message:
                self.assert_fails(check_sizes.check(self.root), message)
            else:
                self.assertEqual(check_sizes.check(self.root), [])
        check_sizes.tighten(self.root)
        self.assertEqual(tree.read(self.root, "devtools/size_ratchet.txt"), "# list\nsrc/wire/a.cc:f 80\n")
        self.write("src/wire/a.cc", self.function(60))
        self.assert_fails(check_sizes.check(self.root), "size_ratchet.txt:2:", "shrank")


class BuildTest(CheckerTest):
    def test_an_unregistered_test_fails(self):
        self.write("src/wire/CMakeLists.txt", "")
        self.write("src/wire/a.cc", "")
        self.write("src/wire/a_test.cc", "")
        self.database("src/wire/a.cc", "src/wire/a_test.cc")
        self.assertEqual(check_registered.check(self.root), [])
        self.database("src/wire/a.cc")
        self.assert_fails(check_registered.check(self.root), "src/wire/a_test.cc:1:", "src/wire/CMakeLists.txt")

    def test_an_unconfigured_build_fails(self):
        self.assert_fails(check_registered.check(self.root), "not configured")
        self.assert_fails(check_headers.check(self.root), "not configured")

    def test_a_header_that_does_not_compile_alone_fails(self):
        self.write("src/wire/a.cc", '#include "wire/good.h"\n')
        self.write("src/wire/good.h", "#pragma once\n#include <string>\nstd::string name();\n")
        self.database("src/wire/a.cc")
        self.assertEqual(check_headers.check(self.root), [])
        self.write("src/wire/bad.h", "#pragma once\nstd::string name();\n")
        self.assert_fails(check_headers.check(self.root), "src/wire/bad.h:1:", "'string' in namespace 'std'")
        # What failed is not remembered as passed.
        self.assert_fails(check_headers.check(self.root), "src/wire/bad.h:1:")

    def test_a_header_that_changed_is_compiled_again(self):
        self.write("src/wire/a.cc", "")
        self.write("src/wire/inner.h", "#pragma once\nstruct Inner {};\n")
        self.write("src/wire/outer.h", '#pragma once\n#include "wire/inner.h"\nInner make();\n')
        self.database("src/wire/a.cc")
        self.assertEqual(check_headers.check(self.root), [])
        self.write("src/wire/inner.h", "#pragma once\n")
        self.assert_fails(check_headers.check(self.root), "src/wire/outer.h:1:")

    def test_a_header_is_proved_only_by_its_own_source_that_includes_it_first(self):
        self.header("src/wire/a.h")
        self.write("src/wire/a.cc", '#include "wire/a.h"\n')
        self.assertTrue(check_headers.proved_by_source(self.root, Path("src/wire/a.h")))
        self.write("src/wire/a.cc", '#include <string>\n#include "wire/a.h"\n')
        self.assertFalse(check_headers.proved_by_source(self.root, Path("src/wire/a.h")))

    def test_layout_that_differs_fails(self):
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.write("src/wire/a.cc", "int x;\n")
        self.assertEqual(check_format.check(self.root), [])
        self.write("src/wire/a.cc", "int  x ;\n")
        self.assert_fails(check_format.check(self.root), "src/wire/a.cc:1:", "./dev fmt")

    def test_lint_fails_on_a_defect_and_again_until_it_is_gone(self):
        self.write(".clang-tidy", "Checks: '-*,bugprone-sizeof-expression'\nWarningsAsErrors: '*'\n")
        self.database("src/wire/a.cc")
        self.write("src/wire/a.cc", "int f(int* x) {\n  return static_cast<int>(sizeof(sizeof(x)));\n}\n")
        for _ in range(2):
            self.assert_fails(check_tidy.check(self.root, everything=True), "src/wire/a.cc:2:", "bugprone-sizeof-expression")
        self.write("src/wire/a.cc", "int f(int* x) { return *x; }\n")
        self.assertEqual(check_tidy.check(self.root, everything=True), [])


if __name__ == "__main__":
    unittest.main()
