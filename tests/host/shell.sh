#!/bin/bash
# A shell in a test host, as its root; the host ends with it.
set -u
# shellcheck source=tests/host/host.sh
source "${KYRON_SOURCE_DIR:-.}/tests/host/host.sh"

host_start examples/echo_load examples/echo_server
echo "systemd runs, kyron-iod is installed and starts with its first client: try kyronctl, systemctl
status kyron-iod, journalctl -u kyron-iod. There are two users, visitor and guest, echo_server and
echo_load, and no network. Leave with exit."
# Its own affair.
trap : INT
host_run env TERM="${TERM:-dumb}" HOME=/root PS1='\u@test-host \w\$ ' bash --norc -i
