"""For tests of your own code: notices as the gateway signs them.

`kesspay.Sandbox` stands in for the gateway itself, and `kesspay.pytest_plugin` has fixtures.

    from kesspay.testing import sign_notice

    body = sign_notice("my-secret", {"out_trade_no": "TR-1", "status": "SUCCESS"})
    response = app.post("/kess/notify", data=body)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from kesspay import _native

__all__ = ["sign_notice", "sign_notice_json"]

SignType = Literal["MD5", "HMAC-SHA256"]


def sign_notice(
    api_secret: str, fields: Mapping[str, str], *, sign_type: SignType = "MD5"
) -> bytes:
    """The body of a notice, form-encoded and signed as the gateway does it.

    Args:
        api_secret: The API secret key that your code verifies with.
        fields: The fields, as text. Names with brackets, such as `seller[code]`, and empty
            values are sent and not signed. `sign_type` and `sign` are added.
        sign_type: How it is signed.
    """
    return _native.sign_form(api_secret, sign_type, list(fields.items()))


def sign_notice_json(
    api_secret: str, fields: Mapping[str, object] | str, *, sign_type: SignType = "MD5"
) -> bytes:
    """The same as JSON.

    Args:
        api_secret: The API secret key that your code verifies with.
        fields: What `json.dumps` takes, or the text of a JSON object, which keeps its digits.
        sign_type: How it is signed.
    """
    text = fields if isinstance(fields, str) else json.dumps(fields, ensure_ascii=False)
    return _native.sign_json(api_secret, sign_type, text)
