#!/bin/bash
# A real Prometheus takes what is told, both ways: from the daemon's listener, and what kyronctl wrote to
# a file. promtool has nothing to say against it, nor against the rules; and when a worker is stopped,
# both ways alert.
set -u
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"

examples=${KYRON_SOURCE_DIR:-.}/examples/prometheus
patience=60
export NO_PROXY='*' no_proxy='*'

for program in promtool prometheus python3; do
        command -v "$program" >/dev/null ||
                skip "$program is not here; Debian: apt-get install --no-install-recommends prometheus"
done

# port_of NAME: where it listens, which the kernel chose.
port_of() {
        python3 - "${started[$1]}" <<'END'
import os, sys
folder = f"/proc/{sys.argv[1]}/fd"
own = {os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder) if os.path.islink(f"{folder}/{fd}")}
for line in open("/proc/net/tcp").read().splitlines()[1:]:
    words = line.split()
    if words[3] == "0A" and f"socket:[{words[9]}]" in own:
        print(int(words[1].split(":")[1], 16))
        break
END
}

listens() {
        [[ -n $(port_of "$1") ]]
}

# address_of_listener NAME: HOST:PORT
address_of_listener() {
        "$build/kyronctl" listeners --json |
                python3 -c 'import json, sys
print([each["address"][4:] for each in json.load(sys.stdin) if each["name"] == sys.argv[1]][0])' "$1"
}

# lint FILE WHAT: promtool's word on a text.
lint() {
        promtool check metrics <"$1" >"$directory/promtool.log" 2>&1 || fail "$2: promtool finds faults"
}

# ask_prometheus QUERY: whether it has a result now.
ask_prometheus() {
        python3 - "$prometheus" "$1" <<'END'
import json, sys, urllib.parse, urllib.request
address, query = sys.argv[1:]
url = f"http://127.0.0.1:{address}/api/v1/query?" + urllib.parse.urlencode({"query": query})
try:
    sys.exit(not json.load(urllib.request.urlopen(url, timeout=5))["data"]["result"])
except OSError:
    sys.exit(1)
END
}

collect() {
        while :; do
                "$build/kyronctl" metrics >"$directory/web/new" 2>/dev/null &&
                        mv "$directory/web/new" "$directory/web/kyron-iod.prom"
        done
}

cat >"$directory/iod.conf" <<END
admin-group = "$(id -gn)"
listener "scraped" { address = "tcp:127.0.0.1:0" mode = metrics }
listener "web" { address = "tcp:127.0.0.1:0" }
policy "user:$(id -u)" { serve = {"web"} hold = {"*"} }
END
start_daemon --config "$directory/iod.conf"
start worker "$build/examples/first_worker"
await worker "$build/kyronctl" groups --no-legend
is_served() {
        [[ $("$build/kyronctl" groups --no-legend | grep -c '^web ') -eq 1 ]]
}
await worker is_served

# What both ways tell, without Prometheus.
scraped=$(address_of_listener scraped)
mkdir "$directory/web"
"$build/kyronctl" metrics >"$directory/web/kyron-iod.prom" 2>"$directory/kyronctl.log" ||
        fail "kyronctl metrics failed"
lint "$directory/web/kyron-iod.prom" "kyronctl metrics"
fetch() {
        python3 - "$scraped" "$1" <<'END'
import sys, urllib.request
request = urllib.request.Request(f"http://{sys.argv[1]}/metrics", headers={"Accept": sys.argv[2]})
sys.stdout.write(urllib.request.urlopen(request, timeout=10).read().decode())
END
}
fetch text/plain >"$directory/plain.txt" || fail "the daemon's listener does not answer"
lint "$directory/plain.txt" "the daemon's listener"
fetch application/openmetrics-text >"$directory/openmetrics.txt" || fail "no OpenMetrics"
if python3 -c 'import prometheus_client' 2>/dev/null; then
        python3 -c 'import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
assert len(list(parse(sys.stdin.read()))) > 30' <"$directory/openmetrics.txt" >"$directory/parser.log" 2>&1 ||
                fail "prometheus_client does not take the OpenMetrics"
else
        echo "python3-prometheus-client is not here: the OpenMetrics are parsed by Prometheus alone"
fi
promtool check rules "$examples/kyron-iod.rules.yml" >"$directory/promtool.log" 2>&1 ||
        fail "promtool finds faults in the rules"
promtool check config "$examples/prometheus.yml" >"$directory/promtool.log" 2>&1 ||
        fail "promtool finds faults in prometheus.yml"

# With what is told now, for nobody waits for minutes here.
sed -E 's/^( *)for: .*/\1for: 0s/; s/\[2m\]/[6s]/g' "$examples/kyron-iod.rules.yml" >"$directory/rules.yml"
start files python3 -m http.server --bind 127.0.0.1 --directory "$directory/web" 0
await files listens files
start collector collect
cat >"$directory/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [$directory/rules.yml]
scrape_configs:
  - job_name: listener
    static_configs: [{targets: ["$scraped"]}]
  - job_name: file
    metrics_path: /kyron-iod.prom
    static_configs: [{targets: ["127.0.0.1:$(port_of files)"]}]
END
start prometheus prometheus --config.file="$directory/prometheus.yml" --log.level=warn \
        --storage.tsdb.path="$directory/data" --web.listen-address=127.0.0.1:0
await prometheus listens prometheus
prometheus=$(port_of prometheus)
await prometheus ask_prometheus 'kyron_iod_up{job="listener"} == 1'
await prometheus ask_prometheus 'kyron_iod_up{job="file"} == 1'
await prometheus ask_prometheus 'kyron_iod_turn_seconds_bucket{job="listener",le="+Inf"} > 0'
await prometheus ask_prometheus 'kyron_iod_listener_workers{job="file",listener="web"} == 1'
nothing_yet='ALERTS{alertname="KyronWaitStopped",program="first_worker"}'
nothing_yet+=' or ALERTS{alertname=~"KyronConnectionsNotTaken|KyronIodDown"}'
! ask_prometheus "$nothing_yet" || fail "there is an alert, and nothing is wrong"

# The server is stopped, and somebody connects.
web=$(address_of_listener web)
kill -STOP "${started[worker]}"
exec {client}<>"/dev/tcp/${web%:*}/${web##*:}" || fail "cannot connect to $web"
await prometheus ask_prometheus \
        'ALERTS{alertname="KyronWaitStopped",alertstate="firing",job="file",program="first_worker"}'
await prometheus ask_prometheus \
        'ALERTS{alertname="KyronConnectionsNotTaken",alertstate="firing",job="listener",listener="web"}'

# It goes on: so it is over.
kill -CONT "${started[worker]}"
is_over() {
        ! ask_prometheus 'ALERTS{alertname="KyronWaitStopped",program="first_worker"}' &&
                ! ask_prometheus 'ALERTS{alertname="KyronConnectionsNotTaken"}'
}
await prometheus is_over
read -r -t "$patience" line <&"$client"
[[ $line == hello ]] || fail "the worker said \"$line\""
exec {client}<&-
crash worker
stop daemon
echo "Prometheus takes both, and alerts"
