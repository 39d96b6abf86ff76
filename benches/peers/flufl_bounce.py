"""flufl.bounce over a folder of mails: prints a line for each in which it found an address that failed."""

import email
import os
import sys

from flufl.bounce import all_failures

folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), "rb") as file:
        temporary, permanent = all_failures(email.message_from_bytes(file.read()))
    found = sorted(address.decode("utf-8", "replace") for address in temporary | permanent)
    if found:
        print(name, *found)
