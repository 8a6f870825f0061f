# SPDX-License-Identifier: Apache-2.0
"""The HTTP port of a broker, and its metrics."""

import http.client
import re
import time


class Monitor:
    """The HTTP port of a broker."""

    def __init__(self, port, host="127.0.0.1"):
        self.port, self.host = port, host

    def get(self, path):
        """(status, body)"""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        """All values by name and labels, of this moment: {("name", (("label", "value"), …)): value}."""
        # A rendering is good for a second.
        time.sleep(1.05)
        return self.latest()

    def latest(self):
        status, text = self.get("/metrics")
        assert status == 200, text
        return parse(text)


def parse(text):
    """Reads the text format strictly: one head per family, before its samples, and no sample twice."""
    values, families, family = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in families, f"{family} has two heads"
            families[family] = None
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and kind in ("counter", "gauge", "summary", "histogram"), line
            families[family] = kind
        else:
            found = re.fullmatch(r'([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.*)\})? (\S+)', line)
            assert found, line
            name, labels, value = found.groups()
            bare = re.sub("_(sum|count|bucket)$", "", name) if families[family] in ("summary", "histogram") else name
            assert bare == family, f"{name} among the samples of {family}"
            assert families[family] != "counter" or name.endswith("_total"), line
            pairs = tuple(re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"', labels or ""))
            key = name, tuple(sorted(pairs))
            assert key not in values, f"{key} is there twice"
            values[key] = float(value)
    return values


def value(metrics, name, **labels):
    return metrics[name, tuple(sorted(labels.items()))]
