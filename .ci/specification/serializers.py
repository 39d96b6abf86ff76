"""How schemathesis writes bodies whose media types it does not know: as the text that they are."""

import schemathesis


@schemathesis.serializer("message/rfc822", "application/mbox", "application/x-ndjson")
def plain(context, value):
    """Text as UTF-8."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
