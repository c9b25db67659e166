"""The options of a run, in one place for both styles."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, TypedDict, TypeVar

__all__ = ["RunOptions", "native_options", "takes_run_options"]

Function = TypeVar("Function", bound=Callable[..., Any])


class RunOptions(TypedDict, total=False):
    """What `run` and `start` can be told. All of it is stored with the batch, so `resume`
    needs none of it.
    """

    batch: str | None
    """The batch's name; without it, the file's name and the time."""
    concurrency: int
    """Upper bound of calls in flight. Default: 64."""
    rate: int | None
    """Calls a second; without it, as fast as the gateway allows."""
    route: Literal["token", "direct"]
    """Tokenize, then `withdraw` (`token`, the default), or `withdrawByBankNumber`."""
    name_match: Literal["off", "warn", "strict"]
    """What another holder's name than the expected one means: nothing, a warning (the default), or
    a row that is held for a decision."""
    otp: Literal["wait", "detach"]
    """Wait for one-time passwords, or leave those rows to `resume` (`detach`, the default)."""
    expires_in: int | None
    """Seconds until an unpaid order closes; without it the gateway's own default."""
    notify_url: str | None
    """Where the gateway sends its notices. The engine itself does not rely on them."""
    dry_run: bool
    """Verify every account, move nothing."""
    skip_invalid: bool
    """Pay the valid rows of a file with problems. Without it, such a file is refused."""
    allow_duplicate: str | None
    """The reason for paying rows that another batch paid or may have paid; it is recorded."""
    expect_rows: int | None
    """Refuse the file unless it has this many rows."""
    expect_total: Mapping[str, Decimal | int | str] | None
    """Refuse the file unless its valid rows add up to this, by currency."""


_DEFAULTS: RunOptions = {
    "batch": None,
    "concurrency": 64,
    "rate": None,
    "route": "token",
    "name_match": "warn",
    "otp": "detach",
    "expires_in": None,
    "notify_url": None,
    "dry_run": False,
    "skip_invalid": False,
    "allow_duplicate": None,
    "expect_rows": None,
    "expect_total": None,
}


def native_options(options: RunOptions) -> dict[str, Any]:
    """All options, those that were not given with their defaults.

    Raises:
        TypeError: There is no such option.
    """
    if unknown := options.keys() - _DEFAULTS.keys():
        known = ", ".join(_DEFAULTS)
        raise TypeError(f"no such option: {', '.join(sorted(unknown))}; there are {known}")
    return {**_DEFAULTS, **options}


def takes_run_options(function: Function) -> Function:
    """Shows the options in the signature that `help()` and notebooks print."""
    signature = inspect.signature(function)
    own = [it for it in signature.parameters.values() if it.kind is not it.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=RunOptions.__annotations__[name],
        )
        for name, default in _DEFAULTS.items()
    ]
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *options]
    )
    return function
