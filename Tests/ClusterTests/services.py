# SPDX-License-Identifier: Apache-2.0
"""A service manager: a real systemd, which runs brokers from the unit that `deploy/martlet.service` is.

It is a user's instance, in a mount namespace in which the machine looks as if systemd had booted it. What such an instance
cannot do is left out of the unit: the account, and the order among other units. The sandbox is the unit's own.
"""

import os
import re
import shutil
import signal
import subprocess

from harness import MARTLET, directory, eventually, tail

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/martlet.service")
SYSTEMD = "/usr/lib/systemd/systemd"
# The sections' other settings are the unit's own.
LEFT_OUT = re.compile(r"(User|Group|After|Wants|WantedBy)=")


def packaged():
    """The unit as it is, but for the program."""
    with open(UNIT) as file:
        return file.read().replace("/usr/bin/martlet", MARTLET)


class ServiceManager:
    def __init__(self):
        self.home = directory()
        self.units = os.path.join(self.home, "config/systemd/user")
        os.makedirs(self.units)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": self.home, "XDG_RUNTIME_DIR": self.home,
            "XDG_CONFIG_HOME": os.path.join(self.home, "config")}
        self.log = os.path.join(self.home, "log")
        # The sandbox hides things behind nodes that the machine's own systemd makes; a user's makes them elsewhere.
        booted = (
            "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && "
            "ln -s $XDG_RUNTIME_DIR/systemd/inaccessible /run/systemd/inaccessible && "
            f"exec {SYSTEMD} --user --log-target=console")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "sh", "-c", booted], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.environment)

    @staticmethod
    def why_not():
        """None where there can be one."""
        if os.geteuid() != 0:
            return "a mount namespace needs root"
        if not os.path.exists(SYSTEMD) or shutil.which("nsenter") is None:
            return "there is no systemd on this machine"
        return None

    def answers(self):
        return self.process.poll() is None and os.path.exists(os.path.join(self.home, "systemd/private"))

    def systemctl(self, *arguments, check=True):
        result = subprocess.run(
            ["nsenter", "--mount", f"--target={self.process.pid}", "systemctl", "--user", *arguments],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        if check and result.returncode != 0:
            raise AssertionError(f"systemctl {arguments}: {result.stderr}{tail(self.log)}")
        return result.stdout

    def install(self, name, properties, log, **overrides):
        """The unit of the package, for the program under test, this configuration and these settings in their places."""
        unit = "".join(line for line in packaged().splitlines(True) if not LEFT_OUT.match(line))
        unit = unit.replace("/etc/kafka/server.properties", properties)
        for setting, value in {"StandardOutput": f"append:{log}", "StandardError": f"append:{log}", **overrides}.items():
            unit = re.sub(f"^{setting}=.*\n", "", unit, flags=re.MULTILINE)
            unit = unit.replace("[Service]\n", f"[Service]\n{setting}={value}\n")
        with open(os.path.join(self.units, name), "w") as file:
            file.write(unit)
        self.systemctl("daemon-reload")

    def show(self, name, setting):
        return self.systemctl("show", "--property", setting, "--value", name).strip()

    def stop(self):
        """All that it runs ends with it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGRTMIN + 24)  # Exits at once, when its units are stopped.
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def service_manager():
    manager = ServiceManager()
    eventually(manager.answers, 20, f"systemd does not start: {tail(manager.log)}")
    return manager
