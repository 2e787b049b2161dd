"""A storm of clients that do anything that MQTT allows, and some of what it does not, at random."""

import heapq
import random
import time

from peers import NEVER_EXPIRES, Crew, Peer, connect_packet, properties
from support import packet, text

TAKEN_OVER = 0x8E
NO_LOCAL = 4


class StormPeer(Peer):
    """A connection under any of the storm's client identifiers."""

    def __init__(self, storm, port):
        super().__init__(storm, port, "")
        self.storm, self.dice, self.rude, self.stalled = storm, storm.dice, False, False

    def begin(self):
        dice = self.dice
        self.client_id = dice.choice(self.storm.names)
        self.rude = self.stalled = False
        self.forget()
        clean = dice.random() < 0.4
        version = dice.choice((5, 5, 4, 4, 3))
        will = None
        if dice.random() < 0.4:
            will = (self.storm.topic(), b"will", dice.randrange(3), dice.random() < 0.3, dice.choice((0, 0, 1, 2)))
        first = connect_packet(
            self.client_id, version, clean, dice.choice((0, 1, 3600, NEVER_EXPIRES)), will,
            receive_maximum=dice.choice((None, 1, 20)) if version == 5 else None,
        )
        self.version = version
        if dice.random() < 0.2:
            # What follows does not wait for CONNACK.
            first += packet(0x82, b"\x00\x01" + properties(version) + text(self.storm.filter()) + b"\x01")
            first += packet(0x30, text(self.storm.topic()) + properties(version) + b"early")
        if dice.random() < 0.3:
            cut = dice.randrange(1, len(first))
            self.open(first[:cut], version)
            self.stalled = True
            self.storm.later(self.same_connection(lambda: self.finish(first[cut:])))
        else:
            self.open(first, version)
        self.storm.count["connect"] += 1

    def same_connection(self, action):
        mine = self.socket

        def run():
            if self.socket is mine:
                action()

        return run

    def finish(self, rest):
        self.stalled = False
        if self.dice.random() < 0.1:
            self.go()
            return
        self.out += rest
        self.flush()

    def go(self, reset=False):
        self.drop(reset)
        self.on_lost()

    def act(self):
        """One thing at random; only when up."""
        if self.stalled:
            return
        name = self.dice.choices(ACTIONS, WEIGHTS)[0]
        self.storm.count[name] += 1
        getattr(self, "do_" + name)()
        self.flush()

    def do_publish(self):
        for _ in range(self.dice.choice((1, 1, 3, 20))):
            qos = self.dice.randrange(3) if len(self.sending) < 15 else 0
            size = self.dice.choice((0, 10, 10, 200, 3000)) if self.dice.random() < 0.995 else 200_000
            self.publish(self.storm.topic(), bytes(size), qos, self.dice.random() < 0.1)

    def do_subscribe(self):
        filters = []
        for _ in range(self.dice.randrange(1, 4)):
            name = self.storm.filter()
            options = self.dice.randrange(3)
            if self.version == 5:
                options |= self.dice.choice((0, 8, 0x10, 0x20))
                if not name.startswith("$share"):
                    options |= self.dice.choice((0, NO_LOCAL))
            filters.append((name, options))
        self.subscribe(*filters)

    def do_unsubscribe(self):
        self.unsubscribe(*(self.storm.filter() for _ in range(self.dice.randrange(1, 10))))

    def do_ping(self):
        self.ping()

    def do_disconnect(self):
        self.disconnect(self.dice.random() < 0.5)
        self.flush()
        self.go()

    def do_drop(self):
        self.go(self.dice.random() < 0.5)

    def do_half(self):
        whole = packet(0x30, text(self.storm.topic()) + properties(self.version) + bytes(500))
        cut = self.dice.randrange(1, len(whole))
        self.out += whole[:cut]
        self.stalled = True
        self.storm.later(self.same_connection(lambda: self.finish(whole[cut:])))

    def do_rubbish(self):
        self.rude = True
        self.out += b"\xf1\x00"

    def reply(self, data):
        # Some acknowledgements never come; behind half a packet none can.
        if not self.stalled and self.dice.random() < 0.99:
            self.out += data

    def on_up(self):
        self.storm.count["resumed" if self.present else "new"] += 1

    def on_lost(self):
        self.storm.later(self.begin_if_down)

    def begin_if_down(self):
        if self.socket is None and self.storm.blowing:
            self.begin()

    def on_disconnect(self, reason):
        if reason == TAKEN_OVER:
            self.storm.count["taken over"] += 1
        elif not self.rude:
            self.storm.unexpected.append(f"{self.client_id}: DISCONNECT {reason:#x}")

    def on_suback(self, kind, body):
        pass


ACTIONS, WEIGHTS = zip(
    ("publish", 60), ("subscribe", 12), ("unsubscribe", 8), ("ping", 4), ("disconnect", 4), ("drop", 5), ("half", 3),
    ("rubbish", 0.5),
)


class Storm(Crew):
    def __init__(self, port, seed, peers=60, names=24):
        super().__init__()
        self.dice = random.Random(seed)
        self.names = [f"storm-{number}" for number in range(names)]
        self.count = dict.fromkeys((*ACTIONS, "connect", "new", "resumed", "taken over"), 0)
        self.unexpected, self.blowing = [], True
        self.due, self.order = [], 0
        self.peers = [StormPeer(self, port) for _ in range(peers)]

    def topic(self):
        return f"storm/{self.dice.randrange(5)}/{self.dice.randrange(10)}"

    def filter(self):
        dice = self.dice
        shape = dice.random()
        if shape < 0.02:
            return dice.choice(("storm/#", "#", "$SYS/#"))
        name = dice.choice((self.topic(), self.topic(), f"storm/{dice.randrange(5)}/#", f"storm/+/{dice.randrange(10)}"))
        return f"$share/group{dice.randrange(3)}/{name}" if shape < 0.35 else name

    def later(self, action):
        self.order += 1
        heapq.heappush(self.due, (time.monotonic() + self.dice.random() * 0.3, self.order, action))

    def run_due(self):
        while self.due and self.due[0][0] <= time.monotonic():
            heapq.heappop(self.due)[2]()

    def blow(self, seconds):
        end = time.monotonic() + seconds
        for peer in self.peers:
            peer.begin()
        while time.monotonic() < end:
            for peer in self.dice.choices(self.peers, k=6):
                if peer.up:
                    peer.act()
            self.run_due()
            self.turn()

    def calm(self, patience_s):
        """Nobody does anything more; all who are connected get an answer."""
        self.blowing = False
        self.run_until(lambda: self.run_due() or not self.due, patience_s, "what was under way")
        # The last connections that are made take over others.
        self.run_until(lambda: all(peer.up for peer in self.peers if peer.socket), patience_s, "CONNACK")
        for peer in self.peers:
            if peer.up:
                peer.ping()
                peer.flush()
        self.run_until(
            lambda: not any(peer.up and peer.unanswered_pings for peer in self.peers), patience_s, "PINGRESP", self.silent
        )

    def silent(self):
        return ", ".join(peer.client_id for peer in self.peers if peer.up and peer.unanswered_pings)
