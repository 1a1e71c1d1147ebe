#!/usr/bin/env python3
"""Recomputes every figure of the demo's summary from its evidence alone, and exits with 1 on any difference.

usage: verify_demo.py [--quiet] FOLDER        FOLDER holds summary.json and evidence/
       verify_demo.py --self-test FOLDER      changes copies of them one by one; each must be found

It needs Python's standard library and `cryptography`, and shares no code with the project.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from demo_verifier.checks import ALL
from demo_verifier.evidence import Evidence


def verify(folder, say):
    """True when everything agrees."""
    try:
        evidence = Evidence(folder)
    except Exception as error:  # whatever is wrong with the evidence, it proves nothing
        say(f"FAILED  the evidence cannot be read: {type(error).__name__}: {error}")
        return False
    good = True
    for check in ALL:
        try:
            say(f"ok      {check.__doc__}: {check(evidence)}")
        except Exception as error:
            say(f"FAILED  {check.__doc__}: {type(error).__name__}: {error}")
            good = False
    return good


def main():
    parser = argparse.ArgumentParser(description="Recomputes the demo's summary from its evidence.")
    parser.add_argument("folder", type=pathlib.Path, nargs="?", default=pathlib.Path("target/demo"))
    parser.add_argument("--self-test", action="store_true", help="prove that changed evidence is found")
    parser.add_argument("--quiet", action="store_true", help="only the verdict")
    arguments = parser.parse_args()
    if not verify(arguments.folder, (lambda text: None) if arguments.quiet else print):
        print("verify_demo: the summary does NOT follow from the evidence")
        return 1
    if arguments.self_test:
        from demo_verifier.self_test import self_test

        if not self_test(arguments.folder, verify):
            print("verify_demo: some changes went unnoticed")
            return 1
    print("verify_demo: every figure follows from the evidence")
    return 0


if __name__ == "__main__":
    sys.exit(main())
