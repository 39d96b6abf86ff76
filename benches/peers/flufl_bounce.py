"""flufl.bounce over a folder of mails: prints a line for each in which it found an address that failed."""

import email
import os
import sys

from flufl.bounce import all_failures

folder = sys.argv[1]
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), "rb") as file:
        mail = email.message_from_bytes(file.read())
    try:
        temporary, permanent = all_failures(mail)
    except Exception:  # a mail that it cannot take does not end the run
        continue
    found = sorted(address.decode("utf-8", "replace") for address in temporary | permanent)
    if found:
        print(name, *found)
