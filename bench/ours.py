"""The contestants that are this project's: what differs between them, and how each is served."""

import json
import subprocess

OURS = "kyron-iod"
RELAYED = "kyron-iod, relayed"
DIRECT = "kyron-iod, direct"
SLEEPING = "kyron-iod, relayed, sleeping"

# Of each, what its programs find in their environment.
SETTINGS = {
    # As everybody gets it.
    OURS: {},
    RELAYED: {"KYRON_DELIVERY": "relayed"},
    DIRECT: {"KYRON_DELIVERY": "direct"},
    # Nor does it poll before it sleeps, as none of the peers does.
    SLEEPING: {"KYRON_DELIVERY": "relayed", "KYRON_BUSY_POLL_US": "0"},
}
ANSWERS_S = 10


def is_ours(contestant):
    return contestant in SETTINGS


def start_daemon(scene, contestant):
    """Before any program of one of ours is started. Returns it."""
    scene.environment.update(SETTINGS[contestant])
    return scene.start_daemon()


def deliveries(scene):
    """How what each of the scene's programs waits for is delivered now, as the daemon tells it:
    ["direct", ...]. Nothing where it does not, as one that is under attack may not."""
    try:
        told = subprocess.run([scene.path("kyronctl"), "--socket", scene.socket, "--json",
                               "sessions"], capture_output=True, env=scene.environment,
                              timeout=ANSWERS_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    pids = scene.pids()
    return [session["delivery"] for session in json.loads(told)
            if session["pid"] in pids and "delivery" in session]
