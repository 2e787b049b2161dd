"""Attackers with processes of their own, so that neither a process's limit of descriptors nor Python's lock holds them back.

    attackers.py half_open PORT COUNT HEX    COUNT connections that send HEX and wait for the first byte of the answer
    attackers.py guess PORT COUNT HEX        COUNT connections that send HEX, a CONNECT, take the answer and close

Each says in one line what it got, then stays as it is until its standard input ends."""

import collections
import socket
import sys

PATIENCE_S = 120
AT_ONCE = 200


def knock(port, first):
    one = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    one.sendall(first)
    return one


def half_open(port, count, first):
    """Keeps all of them."""
    sockets = [knock(port, first) for _ in range(count)]
    return sockets, sum(len(one.recv(1, socket.MSG_PEEK)) for one in sockets)


def guess(port, count, first):
    answers = collections.Counter()
    while count > 0:
        batch = [knock(port, first) for _ in range(min(AT_ONCE, count))]
        for one in batch:
            answers[one.recv(4).hex()] += 1
            one.close()
        count -= len(batch)
    return [], " ".join(f"{answer}:{number}" for answer, number in sorted(answers.items()))


def main():
    kept, got = {"half_open": half_open, "guess": guess}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]), bytes.fromhex(sys.argv[4]))
    print(got, flush=True)
    sys.stdin.read()
    for one in kept:
        one.close()


if __name__ == "__main__":
    main()
