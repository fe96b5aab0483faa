"""A program: answers UDP echoes (RFC 862) on a port of every loopback address; as many devices as a test wants."""

from __future__ import annotations

import socket
import struct
import sys

IP_PKTINFO = 8


def answer(port: int) -> None:
    """Answer UDP echoes on every loopback address, from the address that was asked (IP_PKTINFO, ip(7)), for ever."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
    opened.bind(("", port))
    while True:
        data, info, _, sender = opened.recvmsg(2048, 64)
        _, _, asked = struct.unpack("i4s4s", info[0][2])
        source = struct.pack("i4s4s", 0, asked, bytes(4))
        opened.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, sender)


if __name__ == "__main__":
    answer(int(sys.argv[1]))
