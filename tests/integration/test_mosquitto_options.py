"""Each option of mosquitto.conf that has an equal is compared with Debian's mosquitto by a case, or it is said here why not."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import test_mosquitto_peer
import test_mosquitto_peer_limits
import test_mosquitto_peer_tls
from support import MARTLET, PATIENCE_S, run

CASES = (test_mosquitto_peer.MosquittoPeer, test_mosquitto_peer_limits.MosquittoPeerLimits, test_mosquitto_peer_tls.MosquittoPeerTls)
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "mosquitto.md"

# No case compares them.
WITHOUT_A_CASE = {
    "set_tcp_nodelay": "no client sees it, and it is always on",
}
# Debian's mosquitto does not know them: only what they become is tested, by src/server/mosquitto/*_test.cc.
NEWER = {"accept_protocol_versions", "enable_proxy_protocol", "global_max_clients", "global_max_connections", "listener_allow_anonymous",
         "listener_auto_id_prefix", "max_topic_alias_broker", "websockets_origin"}


def options():
    """Every option that Martlet knows, with what becomes of it."""
    listed = run(MARTLET, "migrate", "mosquitto", "--options").stdout.decode()
    return dict(re.findall(r"^\| `(.*?)` \| (.*?) \|", listed, re.MULTILINE))


def covered():
    names = set()
    for case in CASES:
        for name in dir(case):
            names |= set(getattr(getattr(case, name), "covered_options", ()))
    return names


class MosquittoOptions(unittest.TestCase):
    maxDiff = None

    def test_each_supported_option_has_a_case(self):
        supported = {name for name, fate in options().items() if fate != "no equal"}
        self.assertGreater(len(supported), 60)
        # Only one value of it has an equal.
        supported.add("check_retain_source")
        self.assertEqual(supported - covered() - set(WITHOUT_A_CASE) - NEWER, set(), "write a case, or say why there is none")
        self.assertEqual((set(WITHOUT_A_CASE) | NEWER) & covered(), set(), "there is a case")
        self.assertEqual((set(WITHOUT_A_CASE) | NEWER | covered()) - supported, set(), "no such option")

    def test_what_is_newer_is_not_known_to_debians(self):
        unknown = set()
        with tempfile.TemporaryDirectory(prefix="martlet-options-") as folder:
            for name in options():
                path = pathlib.Path(folder) / "mosquitto.conf"
                # The second line ends it in any case.
                path.write_text(f"{name.replace('*', 'x')} 1\nnonsense 1\n")
                done = subprocess.run(["mosquitto", "-c", str(path)], capture_output=True, timeout=PATIENCE_S)
                if f"Unknown configuration variable \"{name.replace('*', 'x')}\"" in done.stderr.decode():
                    unknown.add(name)
        self.assertEqual(NEWER - unknown, set(), "Debian's mosquitto knows it: write a case")
        fates = options()
        self.assertEqual({name for name in unknown if fates[name] != "no equal"}, NEWER)

    def test_the_page_lists_them_all(self):
        listed = run(MARTLET, "migrate", "mosquitto", "--options").stdout.decode()
        self.assertIn(listed.strip(), PAGE.read_text(), "put the output of `martlet migrate mosquitto --options` into docs/mosquitto.md")


if __name__ == "__main__":
    unittest.main()
