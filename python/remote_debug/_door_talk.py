"""What a client and the door say to each other before the token was right.

Standard library only; touches nothing: bytes in, bytes out.
"""

import hmac

from ._door_messages import BadInput, frame, split_message
from ._door_users import is_loopback

MAX_MESSAGES = 32
"""Messages on one connection before the token was right."""

MAX_WRONG = 3
"""Wrong tokens on one connection; then it is closed. The next connection is free to try."""

GO_ON = "go on"
"""The client may say more."""

REFUSED = "refused"
"""It tried to attach without the token."""

ADMITTED = "admitted"
"""It has the token."""

LEFT = "left"
"""It said goodbye."""

NO_TOKEN = (
    "This debug session is guarded, and the attach request has no token. Put the session's token "
    'into the debug configuration as "rdgToken" (the program printed it beside the address; '
    '"rdg sessions --token" shows it, too), or go through "rdg connect", which hands it in by '
    "itself."
)
WRONG_TOKEN = (
    'This debug session is guarded, and "rdgToken" is not its token. Every session has its own: '
    'take the one that the program printed beside this address, or that "rdg sessions --token" '
    'shows, or go through "rdg connect", which hands it in by itself.'
)
ATTACH_FIRST = (
    'This debug session is guarded: "attach" with the session\'s token ("rdgToken") has to come first.'
)
INITIALIZE_FIRST = 'The first request of a session is "initialize".'
INITIALIZED_TWICE = 'This session was initialized already; "attach" comes next.'


def is_token(given, token):
    """Whether what a client gave is the token; compared in constant time."""
    text = given.strip() if isinstance(given, str) else ""
    return hmac.compare_digest(text.encode("utf-8", "replace"), token.encode("utf-8"))


class Talk:
    """One connection's talk.

    token: the session's; capabilities: the body of debugpy's answer to ``initialize``.
    """

    def __init__(self, token, capabilities):
        self._token = token
        self._capabilities = capabilities
        self._attach = None
        self.buffer = bytearray()
        """What came and was not looked at yet; whoever reads the connection adds to it."""
        self.seq = 0
        """Number of the last message sent."""
        self.messages = 0
        """How many came."""
        self.wrong = 0
        """How many tokens were wrong."""
        self.why = ""
        """After REFUSED: "no token" or "wrong token"."""
        self.initialize = None
        """The ``initialize`` request, once answered."""

    def next(self):
        """Takes the next message: (GO_ON, REFUSED, ADMITTED or LEFT; bytes to answer).

        None while it is not all there. Raises BadInput where no message can come of it.
        """
        message = split_message(self.buffer) if self.buffer else None
        if message is None:
            return None
        self.messages += 1
        if self.messages > MAX_MESSAGES:
            raise BadInput("too many messages without a token")
        seq, command = message.get("seq"), message.get("command")
        if message.get("type") != "request" or not isinstance(command, str) or type(seq) is not int:
            raise BadInput("no request")
        if command == "disconnect":
            return LEFT, self._response(message, body={})
        if command == "initialize":
            return GO_ON, self._initialize(message)
        if self.initialize is None:
            return GO_ON, self._response(message, failure=INITIALIZE_FIRST)
        if command != "attach":
            return GO_ON, self._response(message, failure=ATTACH_FIRST)
        arguments = message.get("arguments")
        message["arguments"] = arguments if isinstance(arguments, dict) else {}
        given = message["arguments"].get("rdgToken")
        if is_token(given, self._token):
            self._attach = message
            return ADMITTED, b""
        missing = given is None or given == ""
        self.why = "no token" if missing else "wrong token"
        self.wrong += 1
        return REFUSED, self._response(message, failure=NO_TOKEN if missing else WRONG_TOKEN)

    def replay(self, here):
        """After ADMITTED: what the adapter reads first, the token taken out.

        here: the connection's address on this side.
        """
        given = self._attach["arguments"]
        arguments = {key: value for key, value in given.items() if key != "rdgToken"}
        host, port = here[:2]
        if not {"connect", "host", "port", "listen"} & set(arguments) and not is_loopback(host):
            # debugpy would tell the client to look for child processes on its own machine.
            host = host[7:] if host.startswith("::ffff:") else host
            arguments["connect"] = {"host": host, "port": port}
        if not arguments:
            # debugpy leaves an empty object out on its way to pydevd, which then refuses.
            arguments["type"] = "debugpy"
        attach = dict(self._attach, arguments=arguments)
        return frame(self.initialize) + frame(attach) + bytes(self.buffer)

    def _initialize(self, message):
        if self.initialize is not None:
            return self._response(message, failure=INITIALIZED_TWICE)
        if not isinstance(message.get("arguments"), (dict, type(None))):
            raise BadInput("the arguments are no object")
        self.initialize = message
        return self._response(message, body=self._capabilities)

    def _response(self, request, body=None, failure=None):
        self.seq += 1
        answer = {
            "seq": self.seq,
            "type": "response",
            "request_seq": request["seq"],
            "success": failure is None,
            "command": request["command"][:64],
        }
        if failure is None:
            answer["body"] = body
        else:
            answer["message"] = failure
            answer["body"] = {"error": {"id": 1, "format": failure, "showUser": True}}
        return frame(answer)
