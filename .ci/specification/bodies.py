"""How schemathesis treats bodies whose media types it does not know: as the text that they are."""

import schemathesis

PLAIN = ("message/rfc822", "application/mbox", "application/x-ndjson")


@schemathesis.serializer(*PLAIN)
def plain(context, value):
    """Text as UTF-8."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def filter_case(context, case):
    """Leaves out what is wrong only because it is no string: sent plainly, all is one."""
    return case.media_type not in PLAIN or isinstance(case.body, (str, bytes))
