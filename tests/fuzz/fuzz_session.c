/*
 * Whole sessions with the daemon's own server, in this process: the input is a sequence of steps,
 * each a packet with descriptors from one of three clients, something that happens to a descriptor,
 * a client that reads, ends or begins, or a turn of the server's loop. Afterwards the server is
 * stopped, which asserts by itself that every charge was given back, and no descriptor is left.
 */
#include "tests/fuzz/packet.h"
#include "tests/support/inner_server.h"

#include "core/cleanup.h"
#include "daemon/log.h"

#include <unistd.h>

enum { CLIENTS = 3, STEPS_MAX = 200 };

static RawClient clients[CLIENTS];
static bool connected[CLIENTS];

static void connect_client(int i)
{
        raw_client_connect(&clients[i], inner.options.socket_path);
        connected[i] = true;
}

static void open_client(int i)
{
        connect_client(i);
        raw_client_hello(&clients[i], 1, "fuzz");
        inner_server_settle();
}

static void close_client(int i)
{
        raw_client_close(&clients[i]);
        connected[i] = false;
}

static void step(FuzzInput *input, FuzzPeers *peers)
{
        uint8_t what = fuzz_take_byte(input);
        int i = what / 16 % CLIENTS;

        switch (what % 16) {
        default:
                if (connected[i])
                        fuzz_send_packet(input, clients[i].socket_fd, peers);
                break;
        case 8:
        case 9:
                fuzz_use_peer(input, peers);
                break;
        case 10:
                if (connected[i])
                        fuzz_receive_all(clients[i].socket_fd);
                break;
        case 11:
        case 12:
                inner_server_settle();
                break;
        case 13:
                inner_server_turn();
                break;
        case 14:
                if (connected[i])
                        close_client(i);
                else
                        open_client(i);
                break;
        case 15:
                /* Without a word of its own: what it says first is the input's. */
                if (!connected[i])
                        connect_client(i);
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        FuzzInput input = {.bytes = bytes, .size = size};
        FuzzPeers peers = {.count = 0};
        size_t descriptors = fuzz_count_descriptors();

        inner_server_set_up();
        log_open(LOG_EMERG);
        open_client(0);
        for (int i = 0; i < STEPS_MAX && input.size > 0; i++)
                step(&input, &peers);
        inner_server_settle();
        for (int i = 0; i < CLIENTS; i++) {
                if (connected[i])
                        close_client(i);
        }
        fuzz_close_peers(&peers);
        inner_server_settle();
        inner_server_tear_down();
        FUZZ_REQUIRE(fuzz_count_descriptors() == descriptors);
        return 0;
}
