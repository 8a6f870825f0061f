# SPDX-License-Identifier: Apache-2.0
"""Runs the tests in this directory: clusters of real brokers on a real ensemble.

    python run.py [--count FILE] [NAME…]

As `Tests/ClientTests/run.py`, whose arguments these are. Nothing but Python's own library is needed; where the machine
allows network namespaces, brokers and ZooKeeper servers get hosts of their own, else tests that cut links are skipped.
MARTLET_STORM=seconds adds so many seconds of faults drawn by chance, MARTLET_STORM_SEED draws the same ones again;
MARTLET_SOAK=seconds makes the soak as long; MARTLET_WEATHER_SEED repeats what packets meet with.
"""

import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../ClientTests"))
spec = importlib.util.spec_from_file_location("client_run", os.path.join(HERE, "../ClientTests/run.py"))
client_run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(client_run)

if __name__ == "__main__":
    sys.path.insert(0, HERE)
    import networks

    networks.reexecute([sys.executable, *sys.orig_argv[1:]])
    client_run.LIMIT = 150
    client_run.__file__ = os.path.abspath(__file__)
    client_run.main()
