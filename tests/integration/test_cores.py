"""A broker with several threads: a client's session lives on one of them, its messages reach those of all others.

CORES_S: how long each storm lasts, in seconds (4); CORES_SEED: of all that is random in it (a new one)."""

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from peers import NEVER_EXPIRES, Crew, Peer
from storm import NO_LOCAL, TAKEN_OVER, Storm
from support import PATIENCE_S, Broker, BrokerTest, RawClient, publish
from test_prove import PROVE_S, RestartedBroker

ALONE = True  # tests/integration/run
STORM_S = float(os.environ.get("CORES_S", "4"))
SEED = int(os.environ.get("CORES_SEED", "0")) or random.randrange(1, 1 << 31)
THREADS = 4
# So many clients on one side and on the other that all pairs of threads are among them.
MANY = 16
COMPLAINTS = ("ThreadSanitizer", "AddressSanitizer", "LeakSanitizer", "runtime error:", "broken invariant")


class Collector(Peer):
    """Keeps what it gets, as (topic, payload)."""

    def __init__(self, crew, port, client_id):
        super().__init__(crew, port, client_id)
        self.messages, self.subacks, self.reasons = [], 0, []

    def on_message(self, topic, payload, qos, retain):
        self.messages.append((topic.decode(), payload))

    def on_suback(self, kind, body):
        super().on_suback(kind, body)
        self.subacks += 1

    def on_disconnect(self, reason):
        self.reasons.append(reason)


class Party(Crew):
    """Clients of one broker that connect and subscribe in lockstep."""

    def __init__(self, broker):
        super().__init__()
        self.port = broker.port

    def connected(self, kind, prefix, count=MANY, **how):
        peers = [kind(self, self.port, f"{prefix}-{number}") for number in range(count)]
        for peer in peers:
            peer.connect(**how)
        self.run_until(lambda: all(peer.up for peer in peers), PATIENCE_S, "CONNACK")
        return peers

    def subscribed(self, prefix, *filters, **how):
        peers = self.connected(Collector, prefix, **how)
        for peer in peers:
            peer.subscribe(*filters)
            peer.flush()
        self.run_until(lambda: all(peer.subacks for peer in peers), PATIENCE_S, "SUBACK")
        return peers

    def wait(self, condition, what, explain=lambda: ""):
        self.run_until(condition, PATIENCE_S, what, explain)

    def settle(self, peers):
        """What the broker had for them when this was called has come, and a little of what had not been there yet."""
        for _ in range(3):
            for peer in peers:
                peer.ping()
                peer.flush()
            self.wait(lambda: not any(peer.unanswered_pings for peer in peers), "PINGRESP")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class StormTest(unittest.TestCase):
    def storm(self, *arguments):
        print(f"seed {SEED}; ", end="", file=sys.stderr, flush=True)
        broker = Broker("--threads", str(THREADS), "--set", "sys.interval=1s", *arguments)
        with broker:
            storm = Storm(broker.port, SEED)
            try:
                storm.blow(STORM_S)
                storm.calm(PATIENCE_S)
                self.still_serves(broker)
            finally:
                storm.close()
            self.dumps(broker)
            busy_s = broker.cpu_seconds()
        log = broker.log()
        for complaint in COMPLAINTS:
            self.assertNotIn(complaint, log, log[-20000:])
        self.assertEqual(storm.unexpected, [])
        for name, count in storm.count.items():
            self.assertGreater(count, 0, f"no {name}: {storm.count}")
        print(
            f"{storm.received_packets} packets came, {storm.count['taken over']} clients taken over, "
            f"{busy_s:.1f} s of the broker's CPU time; ", end="", file=sys.stderr,
        )

    def still_serves(self, broker):
        with Party(broker) as party:
            readers = party.subscribed("calm-reader", ("calm/#", 2))
            writers = party.connected(Collector, "calm-writer")
            for writer in writers:
                writer.publish("calm/x", writer.client_id.encode(), 2)
                writer.flush()
            want = sorted(writer.client_id.encode() for writer in writers)
            party.wait(
                lambda: all(len(reader.messages) >= MANY for reader in readers), "the messages",
                lambda: str([len(reader.messages) for reader in readers]),
            )
            party.settle(readers)
            for reader in readers:
                self.assertEqual(sorted(payload for _, payload in reader.messages), want)

    @staticmethod
    def dumps(broker):
        """Every thread shows what it knows."""
        askers = [f"asker-{number}" for number in range(MANY)]
        for asker in askers:
            with RawClient(broker.port) as client:
                client.connect(asker, version=4)
                client.send(publish("$nobody/listens", b"x", qos=1, version=4))
                while client.read_packet()[0] != 0x40:
                    pass
        broker.kill(signal.SIGUSR1)
        for asker in askers:
            broker.wait_for_log(f'"{asker}" topic="\\$nobody/listens"')

    def test_with_a_data_directory(self):
        path = tempfile.mkdtemp(prefix="martlet-test-")
        self.addCleanup(shutil.rmtree, path, True)
        self.storm("--data", path)
        # What the storm left can be read again, with another number of threads.
        with Broker("--data", path, "--threads", "3") as broker:
            self.still_serves(broker)

    def test_without_data(self):
        self.storm()

    def test_with_io_uring_where_there_is_that(self):
        self.storm("--set", "server.io=auto")


class Exact(unittest.TestCase):
    """Nothing lost, doubled or out of order."""

    EACH = 50

    def test_clients_that_come_and_go(self):
        path = tempfile.mkdtemp(prefix="martlet-test-")
        self.addCleanup(shutil.rmtree, path, True)
        dice = random.Random(11)
        keep = {"clean": False, "expiry_s": NEVER_EXPIRES}
        with Broker("--threads", str(THREADS), "--data", path) as broker, Party(broker) as party:
            readers = party.subscribed("reader", ("exact/#", 2), **keep)
            writers = party.connected(Collector, "writer", **keep)
            sent = dict.fromkeys(writers, 0)
            while any(count < self.EACH for count in sent.values()):
                for writer in writers:
                    while writer.up and sent[writer] < self.EACH and len(writer.sending) < 10:
                        writer.publish(f"exact/{writer.client_id}", b"%d" % sent[writer], 2)
                        sent[writer] += 1
                    writer.flush()
                self.interrupt(dice.choice(readers + writers), dice, keep)
                for _ in range(5):
                    party.turn(0.01)
            for peer in readers + writers:
                if peer.socket is None:
                    peer.connect(**keep)
            party.wait(
                lambda: not any(writer.sending for writer in writers)
                and all(len(reader.messages) >= MANY * self.EACH for reader in readers),
                "all messages", lambda: str([len(reader.messages) for reader in readers]),
            )
            party.settle(readers)
        for reader in readers:
            for writer in writers:
                got = [int(payload) for topic, payload in reader.messages if topic == f"exact/{writer.client_id}"]
                self.assertEqual(got, list(range(self.EACH)), f"{writer.client_id} to {reader.client_id}")

    @staticmethod
    def interrupt(peer, dice, keep):
        if peer.socket is None:
            peer.connect(**keep)
            return
        way = dice.randrange(4)
        if way == 0:
            peer.disconnect()
            peer.flush()
        if way == 1:
            peer.leave_behind()
        peer.drop(reset=way == 2)
        if dice.random() < 0.5:
            peer.connect(**keep)

    def test_killed_and_restarted_with_other_numbers_of_threads(self):
        with RestartedBroker("--data", "DIRECTORY") as broker:
            again = broker.path / "again"
            # Each start takes the next number.
            again.write_text(
                "n=$(cat {0} 2>/dev/null || echo 0)\necho $((n + 1)) >{0}\nset -- 3 1 4 2\nshift $((n % 4))\nthreads=$1\n"
                '{1}\n'.format(broker.path / "starts", broker.restart_command + ' --threads "$threads"')
            )
            broker.restart_command = f"sh {shlex.quote(str(again))}"
            command = broker.prove(
                "--json", "--publishers", "8", "--subscribers", "8", "--offline", "4", "--restarts", "7",
                "--restart-every", "0.2s..1s", "--restart-command", broker.restart_command,
            )
            done = subprocess.run(command, capture_output=True, timeout=PROVE_S)
            self.assertEqual(done.returncode, 0, f"{done.stdout!r} {done.stderr!r}\n{broker.log_text()}")
            self.assertEqual((broker.path / "starts").read_text().strip(), "7")


class Across(BrokerTest):
    """Each thing that one client does for another, for all pairs of threads."""

    ARGUMENTS = ("--threads", str(THREADS), "--set", "sys.interval=1s")

    def setUp(self):
        self.party = Party(self.broker)
        self.addCleanup(self.party.close)

    def everybody_got(self, peers, count, what):
        self.party.wait(
            lambda: all(len(peer.messages) >= count for peer in peers), what,
            lambda: str([len(peer.messages) for peer in peers]),
        )
        self.party.settle(peers)

    def test_wills(self):
        watchers = self.party.subscribed("watcher", ("last/#", 1))
        want = []
        for number in range(MANY):
            owner = Collector(self.party, self.party.port, f"owner-{number}")
            owner.connect(will=(f"last/{number}", b"gone", 1, False, 0))
            self.party.wait(lambda: owner.up, "CONNACK")
            owner.drop()
            want.append((f"last/{number}", b"gone"))
        self.everybody_got(watchers, MANY, "the wills")
        for watcher in watchers:
            self.assertEqual(sorted(watcher.messages), sorted(want))

    def test_retained(self):
        writers = self.party.connected(Collector, "keeper")
        for number, writer in enumerate(writers):
            writer.publish(f"kept/{number}", b"old", 1, True)
            writer.publish(f"kept/{number}", b"%d" % number, 1, True)
            writer.publish(f"kept/{number}/cleared", b"x", 1, True)
            writer.publish(f"kept/{number}/cleared", b"", 1, True)
            writer.flush()
        self.party.wait(lambda: not any(writer.sending for writer in writers), "PUBACK")
        readers = self.party.subscribed("late", ("kept/#", 1))
        self.everybody_got(readers, MANY, "what is retained")
        want = sorted((f"kept/{number}", b"%d" % number) for number in range(MANY))
        for reader in readers:
            self.assertEqual(sorted(reader.messages), want)

    def test_a_shared_subscription_gets_each_message_once(self):
        each = 40
        members = self.party.subscribed("member", ("$share/crew/work/#", 2), count=8)
        outsiders = self.party.subscribed("outsider", ("work/#", 2), count=4)
        writers = self.party.connected(Collector, "giver")
        for writer in writers:
            for number in range(each):
                writer.publish(f"work/{writer.client_id}", b"%d" % number, number % 3)
            writer.flush()
        want = sorted((f"work/{writer.client_id}", b"%d" % number) for writer in writers for number in range(each))
        got = lambda: [message for member in members for message in member.messages]
        self.party.wait(lambda: len(got()) >= len(want), "the work", lambda: str(len(got())))
        self.everybody_got(outsiders, len(want), "a look at the work")
        self.party.settle(members)
        self.assertEqual(sorted(got()), want)
        for outsider in outsiders:
            self.assertEqual(sorted(outsider.messages), want)

    def test_no_local(self):
        peers = self.party.subscribed("loner", ("local/#", 1 | NO_LOCAL))
        for peer in peers:
            peer.publish("local/x", peer.client_id.encode(), 1)
            peer.flush()
        self.everybody_got(peers, MANY - 1, "the others' messages")
        for peer in peers:
            others = sorted(other.client_id.encode() for other in peers if other is not peer)
            self.assertEqual(sorted(payload for _, payload in peer.messages), others)

    def test_a_session_is_found_from_wherever_its_client_comes(self):
        for number in range(4):
            first = Collector(self.party, self.party.port, f"roamer-{number}")
            first.connect(clean=False, expiry_s=60)
            self.party.wait(lambda: first.up, "CONNACK")
            self.assertFalse(first.present)
            held = first
            for _ in range(2 * THREADS):
                following = Collector(self.party, self.party.port, f"roamer-{number}")
                following.connect(clean=False, expiry_s=60)
                self.party.wait(lambda: following.up and held.socket is None, "the take-over")
                self.assertTrue(following.present)
                self.assertEqual(held.reasons, [TAKEN_OVER])
                held = following
            held.drop()

    def test_clients_are_counted_on_all_threads(self):
        watcher = self.party.subscribed("counter", ("$SYS/broker/clients/connected", 0), count=1)[0]
        crowd = self.party.connected(Collector, "counted", count=40)
        told = lambda: int(watcher.messages[-1][1]) if watcher.messages else 0
        self.party.wait(lambda: told() == 41, "41 clients", lambda: str(watcher.messages))
        for peer in crowd[:30]:
            peer.disconnect()
            peer.flush()
        self.party.wait(lambda: told() == 11, "11 clients", lambda: str(watcher.messages))


if __name__ == "__main__":
    unittest.main()
