# SPDX-License-Identifier: Apache-2.0
"""Runs the tests in this directory against real brokers and a real ZooKeeper.

    python run.py [--count FILE] [NAME…]

MARTLET names the program (default .build/debug/martlet). NAME selects tests whose full name contains it. --count
writes "PASSED FAILED" to a file. A test that takes longer than a minute and a half has failed.
"""

import faulthandler
import os
import signal
import sys
import time
import unittest

import harness

LIMIT = 90


class TimedResult(unittest.TextTestResult):
    """One line per test, with its time; a limit for each."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.passed = 0

    def startTest(self, test):
        self.started = time.monotonic()
        faulthandler.dump_traceback_later(LIMIT + 30, exit=True)
        signal.alarm(LIMIT)
        # Not TextTestResult's, which would write the name now, without the time.
        unittest.TestResult.startTest(self, test)

    def stopTest(self, test):
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def getDescription(self, test):
        return f"{test.id()} ({time.monotonic() - self.started:.1f} s)"

    def addSuccess(self, test):
        self.passed += 1
        super().addSuccess(test)

    def startTestRun(self):
        signal.signal(signal.SIGALRM, self.expire)

    @staticmethod
    def expire(*_):
        raise TimeoutError(f"no end within {LIMIT} s")


class TimedRunner(unittest.TextTestRunner):
    resultclass = TimedResult


def chosen(suite, names):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from chosen(test, names)
        elif not names or any(name in test.id() for name in names):
            yield test


def main():
    arguments = sys.argv[1:]
    count_file = None
    if arguments[:1] == ["--count"]:
        count_file, arguments = arguments[1], arguments[2:]
    here = os.path.dirname(os.path.abspath(__file__))
    suite = unittest.TestSuite(chosen(unittest.defaultTestLoader.discover(here), arguments))
    try:
        # The description is written when the test ends, so the time in it is the test's.
        result = TimedRunner(stream=sys.stdout, descriptions=False, verbosity=2).run(suite)
    finally:
        harness.stop_all()
    failed = len(result.failures) + len(result.errors)
    if count_file:
        with open(count_file, "w") as file:
            file.write(f"{result.passed} {failed}\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
