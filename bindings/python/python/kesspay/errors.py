"""What can go wrong. Every exception of kesspay is an `Error`, but for the `TypeError` of an
argument that has the wrong type.

After a call that changes something or moves money one question comes before all others: may the
gateway have acted? Where that is not known, `UnknownOutcomeError` is raised, *whatever* went
wrong, so that a handler which repeats `UnavailableError` can never repeat a withdrawal:

    try:
        client.withdraw(...)
    except kesspay.UnknownOutcomeError:
        ...  # query the order by its out_trade_no; never send it again blindly
    except kesspay.Error as error:
        ...  # certainly not carried out; error.retryable says whether to try again
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from kesspay.batch import Status
    from kesspay.check import Check

__all__ = [
    "AuthenticationError",
    "BatchStateError",
    "BooksError",
    "ConfigurationError",
    "ConnectError",
    "DuplicateError",
    "EngineError",
    "Error",
    "ExpiredError",
    "FailedError",
    "FileRefusedError",
    "ForbiddenError",
    "ForkedError",
    "Interrupted",
    "LockedError",
    "NoSuchBatchError",
    "NotFoundError",
    "OtherGatewayError",
    "RateLimitedError",
    "RefusedError",
    "SignatureError",
    "StoreError",
    "TimedOutError",
    "TransportError",
    "UnavailableError",
    "UnknownOutcomeError",
    "UnreadableReplyError",
    "ValidationError",
]

OutcomeOfCall = Literal["not_sent", "answered", "unknown"]


def _again(cls: type[Error], message: str, attributes: dict[str, Any]) -> Error:
    """Makes an error anew; for pickle."""
    error = cls(message)
    error.__dict__.update(attributes)
    return error


def add_note(error: BaseException, note: str) -> None:
    """Adds a sentence to an exception, where this version of Python can: from 3.11 on."""
    if sys.version_info >= (3, 11):
        error.add_note(note)


class Error(Exception):
    """Something went wrong. `str()` says what, to which call, and what to do next."""

    kind: str
    """What went wrong, in one word, such as `timeout`. The class says the same, except for
    `UnknownOutcomeError`, where this tells what it was."""

    outcome: OutcomeOfCall
    """Whether the gateway may have acted: `not_sent`, `answered` (and not carried out), or
    `unknown`."""

    operation: str | None
    """The operation that failed, such as `withdraw`."""

    code: str | None
    """The gateway's code, such as `VALIDATION_ERROR`, as it came."""

    status: int | None
    """The HTTP status of the answer, if there was one."""

    retryable: bool
    """Whether the very same call may be sent again without a query in between. The client has
    already tried as often as it is configured to."""

    retry_after: float | None
    """How many seconds the gateway asks to wait."""

    request_id: str | None
    """The id under which the gateway has the call in its logs. Worth giving to KESS."""

    body: bytes | None
    """The bytes of the answer. They may hold personal data, and are in no text form."""

    def __init__(
        self,
        message: str,
        *,
        kind: str = "other",
        outcome: OutcomeOfCall = "not_sent",
        operation: str | None = None,
        code: str | None = None,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        request_id: str | None = None,
        body: bytes | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.outcome = outcome
        self.operation = operation
        self.code = code
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.request_id = request_id
        self.body = body

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), str(self), dict(self.__dict__))


class ConfigurationError(Error):
    """The client is not configured as it must be."""


class ValidationError(Error, ValueError):
    """The request breaks a rule of the documentation. It was not sent."""


class AuthenticationError(Error):
    """401: the credentials were not accepted."""


class ForbiddenError(Error):
    """403: this address is not on the gateway's list, or the account is disabled."""


class RefusedError(Error):
    """400: the gateway refuses the request."""


class NotFoundError(Error):
    """404, or a reply without the record: there is no such record."""


class DuplicateError(Error):
    """409: the order number was used before."""


class ExpiredError(Error):
    """419: what the request refers to has expired."""


class FailedError(Error):
    """422, or a failure with a code that is not documented."""


class RateLimitedError(Error):
    """429: too many requests."""


class UnavailableError(Error):
    """500, 502, 503, 504: the gateway or something behind it does not work."""


class ConnectError(Error):
    """No connection could be made."""


class TimedOutError(Error):
    """No answer in time."""


class TransportError(Error):
    """The connection broke."""


class UnreadableReplyError(Error):
    """The answer is not what the documentation says: HTML, cut off, another shape."""


class SignatureError(Error):
    """A signature does not hold."""


class UnknownOutcomeError(Error):
    """A call that changes something or moves money failed, and may have been carried out.

    Only a query can tell. Never send it again blindly, and never under another order number.
    """


class ForkedError(Error):
    """This process was forked from one that used kesspay, and lacks its threads."""


class EngineError(Error):
    """The payout engine could not do what it was asked to."""


class NoSuchBatchError(EngineError):
    """The store has no such batch."""


class BatchStateError(EngineError):
    """The batch, or a row of it, is not in a state in which this can be done."""


class LockedError(EngineError):
    """Somebody else is at this batch."""


class OtherGatewayError(EngineError):
    """The batch belongs to another gateway, or to another seller."""


class StoreError(EngineError):
    """The store could not be read or written."""


class BooksError(EngineError):
    """The sums of a batch do not add up. Nothing more is sent."""


class FileRefusedError(EngineError):
    """The file was refused. Nothing was sent."""

    check: Check | None
    """Every problem of the file, as `kesspay.check` has it."""

    def __init__(self, message: str, *, check: Check | None = None, **about: Any) -> None:
        super().__init__(message, **about)
        self.check = check


class Interrupted(KeyboardInterrupt):
    """A run was interrupted. The store knows where it stood; `str()` says how to go on."""

    status: Status
    """Where it stood."""

    def __init__(self, message: str, status: Status) -> None:
        super().__init__(message)
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.status)
