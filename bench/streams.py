"""Streaming completions of an OpenAI-compatible server, many at once on one thread; no program of its own.

A Loop runs any number of Streams. Each stream is one POST /v1/completions on a connection of its own and keeps
when its events came. Nothing is parsed but the frames, so that the client takes little from the server's processors.
"""
import json
import selectors
import socket
import time
import urllib.parse

WORDS = ("the of to and in is you that he was for on are with as his they be at one have this from or had by hot but some "
         "what there we can out other were all your when use word how said an each she which do their time if will way "
         "about many then them would write like so these her long make thing see him two has look more day could go come "
         "did my sound no most number who over know water than call first people may down side been now find").split()


class Stream:
    """One request. Times are of time.perf_counter(); `arrivals` holds one for each event that brought text."""

    def __init__(self, address, body):
        self.error = None
        self.ended = False
        self.arrivals = []
        self.usage = {}
        self._head = b""
        self._unparsed = b""  # of the chunked body
        self._status = None
        self._line = b""
        self.socket = socket.create_connection(address)
        text = json.dumps({**body, "stream": True, "stream_options": {"include_usage": True}}).encode()
        self.sent = time.perf_counter()
        self.socket.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        self.socket.setblocking(False)

    def receive(self):
        """Takes what has arrived."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            return self._end(str(error))
        if not data:
            return self._end(None if self._status == 200 else f"closed: {self._head[:200]!r}")
        if self._status is None:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head, self._status = head, int(head.split(b" ", 2)[1])
            if self._status != 200:
                return self._end(f"HTTP {self._status}: {data[:200]!r}")
        self._unparsed += data
        self._take_chunks(time.perf_counter())

    def _take_chunks(self, now):
        while not self.ended:
            size, found, rest = self._unparsed.partition(b"\r\n")
            length = int(size, 16) if found else 0
            if not found or len(rest) < length + 2:
                return
            self._unparsed = rest[length + 2:]
            *lines, self._line = (self._line + rest[:length]).split(b"\n")
            for line in lines:
                self._take_line(line, now)

    def _take_line(self, line, now):
        if line.startswith(b"data: [DONE]"):
            self._end(None)
        elif line.startswith((b'data: {"error"', b"error:")):
            self._end(line[:200].decode(errors="replace"))
        elif line.startswith(b"data: {"):
            if b'"completion_tokens"' in line:
                self.usage = json.loads(line[6:])["usage"]
            if b'"text":""' not in line and b'"choices":[]' not in line:
                self.arrivals.append(now)

    def _end(self, error):
        self.error = error
        self.ended = True

    @property
    def first_token_seconds(self):
        return self.arrivals[0] - self.sent if self.arrivals else None

    def gaps(self, begin=0.0, end=float("inf")):
        """Seconds between neighbouring events, of those that came within [begin, end]."""
        return [b - a for a, b in zip(self.arrivals, self.arrivals[1:]) if begin <= b <= end]

    @property
    def output_tokens(self):
        """As the server counts; without its count, events."""
        return self.usage.get("completion_tokens", len(self.arrivals))


class Loop:
    """Runs streams against one server."""

    def __init__(self, url):
        target = urllib.parse.urlsplit(url)
        self._address = (target.hostname, target.port or 80)
        self._selector = selectors.DefaultSelector()

    def start(self, body):
        stream = Stream(self._address, body)
        self._selector.register(stream.socket, selectors.EVENT_READ, stream)
        return stream

    def step(self):
        """Waits for something to arrive; returns the streams that ended."""
        ready = [key.data for key, _ in self._selector.select(timeout=600)]
        for stream in ready:
            stream.receive()
            if stream.ended:
                self._selector.unregister(stream.socket)
                stream.socket.close()
        return [stream for stream in ready if stream.ended]

    def drop(self, stream):
        """Leaves before the answer is complete."""
        if not stream.ended:
            self._selector.unregister(stream.socket)
            stream.socket.close()
            stream.ended = True

    def run_until(self, condition):
        while not condition():
            self.step()

    def ask(self, body):
        """One request from beginning to end; raises where it fails."""
        stream = self.start(body)
        self.run_until(lambda: stream.ended)
        if stream.error or not stream.arrivals:
            raise RuntimeError(stream.error or "an answer without text")
        return stream


def text_of(rng, words):
    return " ".join(rng.choice(WORDS) for _ in range(words))


def token_ids(rng, count):
    """Ids that every vocabulary of a usual size has, away from control and byte tokens."""
    return [rng.randrange(300, 1000) for _ in range(count)]


def percentile(values, share):
    """The smallest value that `share` of all do not exceed; None of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def milliseconds(seconds):
    return None if seconds is None else round(seconds * 1e3, 2)
