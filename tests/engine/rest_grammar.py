"""Bytes that are nearly HTTP/1.x: the grammar of RFC 9112 with the mistakes and tricks of smuggling at every place of
it, and then a few bytes changed at random. A seed gives the same bytes again."""

import random

ENDS = ["\r\n"] * 60 + ["\n", "\r", "\r\r\n", " \r\n", "\t\r\n", "\n\r\n", "\0\r\n", "\x85", "\r\n "]
METHODS = ["GET"] * 6 + ["POST"] * 6 + ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "M-SEARCH", "REPORT"]
ODD_METHODS = ["CONNECT", "TRACE", "get", "GE T", "G\0T", "PRI", "", "GET\t", "\r\nGET", "X" * 33, "G@T", "GET\x80"]
TARGETS = ["/", "/a", "/a/b?c=d", "/%41/../x", "/a//b", "/a;p=1", "/?q", "/a%2fb", "/x?y=%00", "*", "http://svc/a",
           "http://svc?x"]
ODD_TARGETS = ["", "a", "//evil", "/a b", "/\0", "/%", "/%zz", "/a#f", "http://evil/", "http://svc@evil/", "/\x80", "/\t",
               "/a\\b", "https://svc/", "svc:80", "/../..", "/a?b c", "/%00", "HTTP/1.1"]
VERSIONS = ["HTTP/1.1"] * 40 + ["HTTP/1.0"] * 4 + ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", "HTTP/01.1",
                                                   "HTTP/1.", "", "HTTP/1.1x", "HTTP 1.1"]
NAMES = ["Accept", "X-Y", "Cookie", "ETag", "User-Agent", "TE", "Keep-Alive", "Proxy-Connection", "Trailer", "Via",
         "X-PV-Client", "x_pv_client", "X.PV.Role", "X-PV-ROLE", "X-Pv-Other", "x~pv~role", "XPV-Role"]
ODD_NAMES = ["", " X", "X ", "X\t", "X\0", "X-PV-Client ", "\tX-PV-Role", "X:Y", "X\x80", "(X)", "X\r", "X\n",
             "Transfer_Encoding", "Content.Length", "Transfer-Encoding-", "Content-Length~", "Ho st", "X\x0b"]
VALUES = ["1", "a, b", "", "text/event-stream", "trailers", "x" * 300, "\"q\"", "obs\xe9text", "a\tb", "wait=5"]
ODD_VALUES = ["a\0b", "a\rb", "a\nb", "\x7f", "a\x01", "a\r\n b", "a\r\n\tb", "\x0b", "a\n X-PV-Role: root"]
CONNECTIONS = ["close", "keep-alive", "Keep-Alive, close", "Upgrade", "X-PV-Client", "x-pv-role, close", "Content-Length",
               "Transfer-Encoding", "Host", "X-Y", ",,", "close;x", "upgrade, HTTP2-Settings"]
UPGRADES = ["websocket", "h2c", "tcp", "HTTP/2.0", "websocket, h2c", "TLS/1.0", "x y"]
LENGTHS = ["0", "1", "3", "5", "10", "007"]
ODD_LENGTHS = ["+3", "-1", "3, 3", "3,4", "0x3", "3 ", "\x0b3", "", "3;x", "18446744073709551619", "99999999999999999999",
               "3.0", "3e0", "\xb3", "3\0"]
CODINGS = ["chunked"] * 8 + ["Chunked"]
ODD_CODINGS = ["gzip, chunked", "chunked, chunked", "identity", "chunked;q=1", "xchunked", "chunked\t,", ", chunked", "",
               "\"chunked\"", "chunked\x0b", "\x00chunked", "chunked, identity", "c hunked"]
SIZES = ["3", "03", "A", "a;x=y", "3 ;x", "3;x=\"y\"", "3;x;y=z"]
ODD_SIZES = ["+3", "-3", "0x3", "3 x", "3\t\t3", "", " 3", "g", "3;\0", "3;x=\"\n\"", "FFFFFFFFFFFFFFFFF", "3\r", "3_0", "3;\r"]
HOSTS = ["svc"] * 10 + ["svc:80", "[::1]:8", ""]
ODD_HOSTS = ["a, b", "a b", "svc/", "user@svc", "svc:x", "[::1", "a\0b", "svc,svc"]
PAYLOADS = ["abc", "GET /smuggled HTTP/1.1\r\nHost: svc\r\nX-PV-Role: root\r\n\r\n", "0\r\n\r\n", "\r\n", "\0" * 5, "x" * 700]
STATUSES = ["200"] * 10 + ["204", "304", "206", "404", "500", "301", "100", "103", "101"]
ODD_STATUSES = ["20", "2000", "abc", "", "099", "600", "-20", "2 0", "\xb2\xb3\xb4"]
SPICE = [b"\r", b"\n", b"\0", b" ", b"\t", b":", b",", b";", b"\r\n", b"\x0b", b"\x80", b"0", b"\r\n\r\n", b"chunked", b"%"]


class Grammar:
    def __init__(self, seed, spice):
        self.dice = random.Random(seed)
        self.spice = spice  # probability of an oddity at each place

    def pick(self, good, odd=()):
        return self.dice.choice(odd if odd and self.dice.random() < self.spice else good)

    def end(self):
        return self.pick(["\r\n"], ENDS)

    def field(self):
        colon = self.pick([": ", ":", ":\t", ":  "], [" : ", "", ";", "\0:", " :"])
        blank = self.pick([""], [" ", "\t", "  "])
        return self.pick(NAMES, ODD_NAMES) + colon + self.pick(VALUES, ODD_VALUES) + blank + self.end()

    def case(self, name):
        return self.pick([name], [name.lower(), name.upper(), name + " ", " " + name, name.replace("-", "_"), name + "\0"])

    def chunks(self):
        text = ""
        for _ in range(self.dice.randrange(4)):
            payload = self.pick(PAYLOADS)
            size = self.pick([f"{len(payload):x}", f"{len(payload):X};a=b", f"0{len(payload):x}"], SIZES + ODD_SIZES)
            text += size + self.end() + payload + self.end()
        text += self.pick(["0", "0", "000", "0;last"], ["", "0 ", "-0", "00x"]) + self.end()
        for _ in range(self.dice.choice([0, 0, 0, 1, 2])):
            text += self.field() if self.dice.random() < 0.5 else self.pick(["ETag: t\r\n", "X-PV-Role: root\r\n",
                                                                             "Content-Length: 9\r\n"])
        return text + self.end()

    def framing(self):
        """(field lines, body): agreeing with each other, or not."""
        kind = self.dice.random()
        lines, body = "", ""
        if kind < 0.35:
            return lines, body
        if kind < 0.65:
            body = self.pick(PAYLOADS)
            length = self.pick([str(len(body))], LENGTHS + ODD_LENGTHS)
            lines = self.case("Content-Length") + ": " + length + self.end()
        else:
            body = self.chunks()
            lines = self.case("Transfer-Encoding") + self.pick([": "], [":\x0b", ":", " : "]) + self.pick(CODINGS, ODD_CODINGS)
            lines += self.end()
        if self.dice.random() < self.spice / 2:
            lines += self.pick(["Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", lines])
        return lines, body

    def head(self, start, required):
        lines = [required, *[self.field() for _ in range(self.dice.randrange(5))]]
        framing, body = self.framing()
        lines.append(framing)
        if self.dice.random() < 0.2:
            lines.append("Connection: " + self.pick(CONNECTIONS) + self.end())
        if self.dice.random() < 0.08:
            lines.append("Upgrade: " + self.pick(UPGRADES) + self.end())
        self.dice.shuffle(lines)
        return start + "".join(lines) + self.end(), body

    def request(self):
        start = self.pick(METHODS, ODD_METHODS) + self.pick([" "], ["  ", "\t", ""]) + self.pick(TARGETS, ODD_TARGETS)
        start += self.pick([" "], ["  ", "\t", ""]) + self.pick(["HTTP/1.1"], VERSIONS) + self.end()
        host = "Host: " + self.pick(HOSTS, ODD_HOSTS) + self.end()
        if self.dice.random() < self.spice / 4:
            host = self.pick(["", host + host])
        if self.dice.random() < 0.05:
            host += "Expect: " + self.pick(["100-continue"], ["200-ok", ""]) + self.end()
        head, body = self.head(start, host)
        return head + body

    def response(self):
        start = self.pick(["HTTP/1.1"], VERSIONS) + self.pick([" "], ["  ", "\t", ""]) + self.pick(STATUSES, ODD_STATUSES)
        start += self.pick([" OK", " ", " Not Found"], ["", " a\0", " \x80", "OK", " a\rb"]) + self.end()
        head, body = self.head(start, "Server: s\r\n")
        return head + body

    def mutate(self, data):
        data = bytearray(data)
        for _ in range(self.dice.choice([0, 0, 0, 1, 1, 2, 4])):
            at = self.dice.randrange(len(data) + 1)
            act = self.dice.randrange(4)
            if act == 0:
                del data[at:at + self.dice.choice([1, 1, 2, 8])]
            elif act == 1:
                data[at:at] = self.dice.choice(SPICE)
            elif act == 2:
                data[at:at + 1] = bytes([self.dice.randrange(256)])
            else:
                data[at:at] = data[at:at + self.dice.randrange(40)]
        return bytes(data)

    def requests(self):
        """Bytes of a client: some requests in a row."""
        return self.mutate("".join(self.request() for _ in range(self.dice.choice([1, 1, 2, 3]))).encode("latin-1"))

    def responses(self):
        """Bytes of a provider: interim responses now and then, and one that ought to be final."""
        text = "".join("HTTP/1.1 103 x\r\n" + self.field() + "\r\n" for _ in range(self.dice.choice([0, 0, 0, 1, 2])))
        return self.mutate((text + self.response()).encode("latin-1"))

    def pieces(self, data):
        """The same bytes in the pieces they are sent in."""
        if self.dice.random() < 0.7:
            return [data]
        cuts = sorted(self.dice.sample(range(len(data) + 1), min(len(data), self.dice.randrange(1, 6))))
        return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)]) if a < b]
