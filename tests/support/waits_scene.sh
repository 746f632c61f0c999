# shellcheck shell=bash
# What the tests of kyronctl waits set up: a PID and a network namespace of the test's own, in which
# nobody else's processes are to be seen and every port is free; real programs in it, and
# waiting_program. Sourced with the script's arguments, which is run again inside.

if [[ ${1:-} != inside ]]; then
        namespaces=(--net --pid --fork --kill-child --mount --mount-proc)
        [[ $EUID -eq 0 ]] || namespaces+=(--map-root-user)
        if ! unshare "${namespaces[@]}" ip link set lo up 2>/dev/null; then
                echo "$(id -un) may make no PID and network namespaces here"
                exit 77
        fi
        exec unshare "${namespaces[@]}" bash "$0" inside
fi
# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"
PATH=$PATH:/usr/sbin:/sbin
redis_port=6379 memcached_port=11211 nginx_port=8080 backend_port=3000
missing=() # programs that are not here
ip link set lo up || fail "lo does not come up"
# Whoever holds many connections may.
ulimit -n "$(ulimit -Hn)"

require_python() {
        command -v python3 >/dev/null || skip "python3 is not here"
}

# have PROGRAM: whether it is here. If not, the test says so in the end.
have() {
        command -v "$1" >/dev/null && return
        [[ " ${missing[*]} " == *" $1 "* ]] || missing+=("$1")
        return 1
}

# The test has passed with what is here. Only then, that something is not makes it a skipped one.
end_with_the_missing() {
        [[ ${#missing[@]} -eq 0 ]] ||
                skip "passed, but without ${missing[*]}, not installed; ./dev setup does so where policy-rc.d keeps services from being started"
}

# play NAME PART [ARGUMENT…]: waiting_program, once it is ready.
play() {
        local name=$1
        shift

        start "$name" "$build/tests/support/waiting_program" "$@"
        await "$name" test -s "$directory/$name.out"
}

# port_of NAME: the first port that it listens on; second_port_of: the second.
port_of() {
        awk '{ print $2 }' "$directory/$1.out"
}
second_port_of() {
        awk '{ print $3 }' "$directory/$1.out"
}

listens() {
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# ---- Real programs -------------------------------------------------------------------------------

start_redis() {
        start redis redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no \
                --maxclients 12000 --tcp-backlog 4096 --dir "$directory"
        await redis listens "$redis_port"
}

# With an item of a megabyte, "big".
start_memcached() {
        local answer

        start memcached memcached -l 127.0.0.1 -p "$memcached_port" -U 0 -u root -I 2m
        await memcached listens "$memcached_port"
        exec 3<>"/dev/tcp/127.0.0.1/$memcached_port"
        printf 'set big 0 0 1000000\r\n' >&3
        head -c 1000000 /dev/zero >&3
        printf '\r\n' >&3
        read -r -t "$patience" answer <&3
        exec 3>&-
        [[ $answer == STORED* ]] || fail "memcached says \"$answer\""
}

# An HTTP server, by node where there is one: /compute is never answered, and keeps it busy.
start_backend() {
        cat >"$directory/backend.js" <<END
require('http').createServer((request, response) => {
        for (; request.url === '/compute';)
                ;
        response.end('ok');
}).listen($backend_port, '127.0.0.1', 4096);
END
        cat >"$directory/backend.py" <<END
import asyncio

async def serve(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    while b" /compute " in head:
        pass
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", $backend_port, backlog=4096)
    await server.serve_forever()

asyncio.run(main())
END
        if command -v node >/dev/null; then
                start backend node "$directory/backend.js"
        else
                start backend python3 -B "$directory/backend.py"
        fi
        await backend listens "$backend_port"
}

# A proxy before the backend.
start_nginx() {
        cat >"$directory/nginx.conf" <<END
daemon off;
user root;
worker_processes 1;
pid $directory/nginx.pid;
events { worker_connections 8192; }
http {
        access_log off;
        client_body_temp_path $directory/body;
        proxy_temp_path $directory/proxy;
        fastcgi_temp_path $directory/fastcgi;
        uwsgi_temp_path $directory/uwsgi;
        scgi_temp_path $directory/scgi;
        server {
                listen 127.0.0.1:$nginx_port backlog=4096;
                location / { proxy_pass http://127.0.0.1:$backend_port; }
        }
}
END
        start nginx nginx -e stderr -c "$directory/nginx.conf"
        await nginx listens "$nginx_port"
}

# ---- What kyronctl tells -------------------------------------------------------------------------

# look: has waits look, with its answer in waits.json, and a line "PID KIND PEER PROGRAM" for each
# diagnosis in told.
look() {
        "$build/kyronctl" waits --json >"$directory/waits.json" 2>"$directory/waits.err" ||
                fail "waits fails: $(cat "$directory/waits.err")"
        python3 -B -c '
import json, sys
for row in json.load(sys.stdin)["waits"]:
    for told in row["diagnoses"]:
        print(row["pid"], told["kind"], told["peer_pid"] or "-", row["program"])
' <"$directory/waits.json" | sort -u >"$directory/told" || fail "waits: $(cat "$directory/waits.json")"
}

# sentences: what it told, for whoever reads what went wrong.
sentences() {
        python3 -B -c '
import json, sys
for row in json.load(sys.stdin)["waits"]:
    for told in row["diagnoses"]:
        print(row["program"], row["pid"], "set", row["set"], told["kind"] + ":", told["sentence"])
' <"$directory/waits.json"
}
