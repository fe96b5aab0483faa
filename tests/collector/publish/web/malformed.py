"""Requests that servers have read wrongly, and what RFC 9112 (messages) and RFC 9110 (meaning) ask for.

The kinds are those of llhttp's and h11's own tests, of the HTTP Garden's list of findings and of what scanners for
request smuggling send; the requests are written anew. `MARKER` follows each: who answers it has read the request before
it as one that ended there.
"""

from __future__ import annotations

from typing import NamedTuple

MARKER = b"GET /-/ready HTTP/1.1\r\nHost: marker\r\n\r\n"
HIDDEN = b"GET /-/ready HTTP/1.1\r\nHost: hidden\r\n\r\n"
BAD, LARGE, NEW = {400}, {431}, {505}
UNKNOWN_CODING = {400, 501}


class Case(NamedTuple):
    """``statuses`` are those that an answer may have; ``goes_on`` where what follows is the next request."""

    sent: bytes
    statuses: set[int]
    goes_on: bool = False


def get(*lines: bytes, target: bytes = b"/-/healthy", host: bytes = b"Host: x\r\n", body: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def post(*lines: bytes, body: bytes = b"") -> bytes:
    return b"POST /-/healthy HTTP/1.1\r\nHost: x\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def chunked(first: bytes) -> Case:
    """A body in chunks is not read, be they right or wrong."""
    return Case(post(b"Transfer-Encoding: chunked", body=first), {400, 405})


CHUNK_OF_HIDDEN = b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)

REQUEST_LINES = {
    "empty lines before it": Case(b"\r\n\r\n" + get(), {200}, goes_on=True),
    "no version": Case(b"GET /-/healthy\r\n\r\n", BAD),
    "version in small letters": Case(b"GET /-/healthy http/1.1\r\nHost: x\r\n\r\n", BAD),
    "another protocol": Case(b"GET /-/healthy ICE/1.0\r\nHost: x\r\n\r\n", BAD),
    "a letter before the protocol": Case(b"GET /-/healthy XHTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "version of two digits": Case(b"GET /-/healthy HTTP/1.10\r\nHost: x\r\n\r\n", BAD),
    "version with a sign": Case(b"GET /-/healthy HTTP/+1.1\r\nHost: x\r\n\r\n", BAD),
    "version 2.0": Case(b"GET /-/healthy HTTP/2.0\r\nHost: x\r\n\r\n", NEW),
    "preface of HTTP/2": Case(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NEW),
    "version 9.9": Case(b"GET /-/healthy HTTP/9.9\r\nHost: x\r\n\r\n", NEW),
    "later minor version": Case(b"GET /-/healthy HTTP/1.9\r\nHost: x\r\n\r\n", {200}, goes_on=True),
    "space after the version": Case(b"GET /-/healthy HTTP/1.1 \r\nHost: x\r\n\r\n", BAD),
    "words after the version": Case(b"GET /-/healthy HTTP/1.1 and more\r\nHost: x\r\n\r\n", BAD),
    "space before it": Case(b" GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "two spaces": Case(b"GET  /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "tabs": Case(b"GET\t/-/healthy\tHTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "vertical tab": Case(b"GET /-/healthy\x0bHTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "bare carriage return": Case(b"GET /-/healthy HTTP/1.1\rHost: x\r\n\r\n", BAD),
    "method in small letters": Case(b"get /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", {501}, goes_on=True),
    "unknown method": Case(b"MKCOLA /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", {501}, goes_on=True),
    "method with a bracket": Case(b"GE(T /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "no method": Case(b"/-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", BAD),
    "TRACE": Case(b"TRACE /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", {405}, goes_on=True),
    "CONNECT": Case(b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", {405}),
    "OPTIONS of the server": Case(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {405}, goes_on=True),
    "handshake of TLS": Case(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n", BAD),
    "only zeros": Case(bytes(64) + b"\r\n\r\n", BAD),
}
TARGETS = {
    "asterisk": Case(get(target=b"*"), BAD),
    "no slash": Case(get(target=b"-/healthy"), BAD),
    "space": Case(get(target=b"/-/hea lthy"), BAD),
    "zero byte": Case(get(target=b"/-/healthy\x00"), BAD),
    "beyond ASCII": Case(get(target="/-/héalthy".encode()), BAD),
    "bracket": Case(get(target=b"//["), BAD),
    "backslash": Case(get(target=b"/-\\healthy"), BAD),
    "fragment": Case(get(target=b"/-/healthy#x"), BAD),
    "fragment in the query": Case(get(target=b"/-/healthy?a#x"), BAD),
    "two slashes are no host": Case(get(target=b"//x/-/healthy"), {404}, goes_on=True),
    "dots": Case(get(target=b"/x/../-/healthy"), {404}, goes_on=True),
    "dots in percent": Case(get(target=b"/%2e%2e/-/healthy"), {404}, goes_on=True),
    "letters in percent": Case(get(target=b"/-/%68ealthy"), {404}, goes_on=True),
    "absolute form": Case(get(target=b"http://y:1/-/healthy?a=b"), {200}, goes_on=True),
    "absolute form without a path": Case(get(target=b"HTTP://y"), {200}, goes_on=True),
    "absolute form of no host": Case(get(target=b"http://["), BAD),
    "another scheme": Case(get(target=b"file:///etc/passwd"), BAD),
    "too long": Case(get(target=b"/" + b"x" * 20_000), {414}),
}
HEADERS = {
    "no host": Case(get(host=b""), BAD),
    "no host in HTTP/1.0": Case(b"GET /-/healthy HTTP/1.0\r\n\r\n", {200}),
    "empty host": Case(get(host=b"Host:\r\n"), {200}, goes_on=True),
    "two hosts": Case(get(b"Host: y"), BAD),
    "two hosts of one name": Case(get(b"Host: x"), BAD),
    "host with a path": Case(get(host=b"Host: x/y\r\n"), BAD),
    "host with a user": Case(get(host=b"Host: a@x\r\n"), BAD),
    "host with a space": Case(get(host=b"Host: x y\r\n"), BAD),
    "space before the colon": Case(get(b"X : y"), BAD),
    "tab before the colon": Case(get(b"X\t: y"), BAD),
    "no colon": Case(get(b"X"), BAD),
    "no name": Case(get(b": y"), BAD),
    "sign in the name": Case(get(b"X@: y"), BAD),
    "control character in the name": Case(get(b"X\x01: y"), BAD),
    "beyond ASCII in the name": Case(get("Ñ: y".encode()), BAD),
    "zero byte in the value": Case(get(b"X: a\x00b"), BAD),
    "carriage return in the value": Case(get(b"X: a\rb"), BAD),
    "a header after a carriage return": Case(get(b"X: a\rContent-Length: 5"), BAD),
    "a header after a form feed": Case(get(b"X: a\x0cb"), BAD),
    "a letter after a carriage return": Case(get(host=b"Host: x\r\n\rZ: y\r\n"), BAD),
    "folded first line": Case(get(host=b" Host: x\r\n"), BAD),
    "folded value": Case(get(b"X: a", b" b"), {200, 400}, goes_on=True),
    "only line feeds": Case(get().replace(b"\r\n", b"\n"), {200, 400}, goes_on=True),
    "too large": Case(get(b"X: " + b"y" * 20_000), LARGE),
    "too many": Case(get(*[b"X: y"] * 200), LARGE),
    "close among others": Case(get(b"Connection: keep-alive, CLOSE"), {200}),
    "an offer to switch": Case(get(b"Connection: upgrade", b"Upgrade: h2c"), {200}, goes_on=True),
}
FRAMING = {
    "length of letters": Case(get(b"Content-Length: abc"), BAD),
    "length with a sign": Case(get(b"Content-Length: +5"), BAD),
    "length below zero": Case(get(b"Content-Length: -5"), BAD),
    "length in hexadecimal": Case(get(b"Content-Length: 0x5"), BAD),
    "length with an underscore": Case(get(b"Content-Length: 1_0"), BAD),
    "length with a space": Case(get(b"Content-Length: 4 5"), BAD),
    "length in other digits": Case(get("Content-Length: ٥".encode()), BAD),
    "no length": Case(get(b"Content-Length:"), BAD),
    "length beyond all numbers": Case(get(b"Content-Length: " + b"9" * 40), {200, 400, 413}),
    "two lengths": Case(post(b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN), BAD),
    "two lengths in one": Case(post(b"Content-Length: 0, %d" % len(HIDDEN), body=HIDDEN), BAD),
    "the same length twice": Case(post(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"), {400, 405}),
    "length nought": Case(get(b"Content-Length: 0"), {200}, goes_on=True),
    "a request within a body": Case(get(b"Content-Length: %d" % len(HIDDEN), body=HIDDEN), {200, 400, 413}),
    "a request within a POST": Case(post(b"Content-Length: %d" % len(HIDDEN), body=HIDDEN), {405, 413}),
    "a request within a chunk": chunked(CHUNK_OF_HIDDEN),
    "a request after the chunks": chunked(b"0\r\n\r\n" + HIDDEN),
    "length and chunks": Case(
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN), {400, 405}
    ),
    "chunks and length": Case(
        post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN), {400, 405}
    ),
    "chunks in HTTP/1.0": Case(
        b"POST /-/healthy HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, {400, 405}
    ),
    "chunks with a space before the colon": Case(post(b"Transfer-Encoding : chunked", body=CHUNK_OF_HIDDEN), BAD),
    "chunks folded": Case(post(b"Transfer-Encoding:", b" chunked", body=CHUNK_OF_HIDDEN), {400, 405}),
    "chunks after a vertical tab": Case(post(b"Transfer-Encoding: \x0bchunked", body=CHUNK_OF_HIDDEN), UNKNOWN_CODING),
    "chunks in quotes": Case(post(b'Transfer-Encoding: "chunked"', body=CHUNK_OF_HIDDEN), UNKNOWN_CODING),
    "chunks with a letter before": Case(post(b"Transfer-Encoding: xchunked", body=CHUNK_OF_HIDDEN), UNKNOWN_CODING),
    "chunks twice": Case(post(b"Transfer-Encoding: chunked, chunked", body=CHUNK_OF_HIDDEN), UNKNOWN_CODING),
    "chunks twice in two": Case(
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNK_OF_HIDDEN), UNKNOWN_CODING
    ),
    "chunks and no coding": Case(post(b"Transfer-Encoding: chunked, identity", body=HIDDEN), UNKNOWN_CODING),
    "two codings": Case(post(b"Transfer-Encoding: gzip, chunked", body=CHUNK_OF_HIDDEN), UNKNOWN_CODING),
    "no coding": Case(post(b"Transfer-Encoding: identity", body=HIDDEN), UNKNOWN_CODING),
    "an empty coding": Case(post(b"Transfer-Encoding:", body=HIDDEN), UNKNOWN_CODING),
    "a chunk of a size below zero": chunked(b"-1\r\n" + HIDDEN),
    "a chunk of a size with 0x": chunked(b"0x1\r\na\r\n0\r\n\r\n" + HIDDEN),
    "a chunk of a size with an underscore": chunked(b"1_0\r\n" + HIDDEN),
    "a chunk of a size beyond all numbers": chunked(b"f" * 40 + b"\r\n" + HIDDEN),
    "a chunk without its end": chunked(b"1\r\naXX0\r\n\r\n" + HIDDEN),
    "a chunk with a line feed in its extension": chunked(b"1;\nX\r\na\r\n0\r\n\r\n" + HIDDEN),
    "a body that is announced": Case(post(b"Content-Length: 3", b"Expect: 100-continue"), {405, 413, 417}),
    "another after the last": Case(get(b"Connection: close", body=HIDDEN), {200}),
    "another after HTTP/1.0": Case(b"GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + HIDDEN, {200}),
}
CASES = {
    f"{kind}: {name}": case
    for kind, cases in (
        ("request line", REQUEST_LINES),
        ("target", TARGETS),
        ("header", HEADERS),
        ("framing", FRAMING),
    )
    for name, case in cases.items()
}
