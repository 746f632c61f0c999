/* Workers of shared listeners, in fault_scene. See fault_steps.h. */
#include "tests/support/deadline.h"
#include "tests/support/fault_client.h"
#include "tests/support/fault_steps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DIALS = 4 };

KyronEndpoint *fault_join(KyronIoDriverHandle *handle, const char *name, const char *address,
                          const KyronListenerOptions *listener)
{
        const KyronEndpointOptions options = {
                .name = name,
                .address = address,
                .listener = listener,
                .keep_on_death = true,
                .credits = DIALS + 1,
        };
        KyronEndpoint *endpoint = NULL;
        FaultCall call;

        if (!fault_ended_well(handle, &call,
                              kyron_endpoint_join(&endpoint, handle, &options, fault_begin(&call)),
                              "joining"))
                return NULL;
        return endpoint;
}

/* Accepts one and answers it, and keeps it with a note meanwhile. Whether it is of this
 * scene: others may have been left. */
static bool serve_one(KyronIoDriverHandle *handle, KyronEndpoint *endpoint, bool *none)
{
        KyronTcpStream *stream = NULL;
        bool answered = false;
        pid_t said = 0;
        FaultCall call;

        /* A connection may be lost with what fails: then none comes. */
        fault_finish(handle, &call, kyron_endpoint_accept(endpoint, fault_begin(&call), &stream),
                     fault_scene.strict ? FAULT_ANSWER_MS : 1000);
        *none = !stream;
        if (!fault_expect(stream, "accepting", "no connection came"))
                return false;
        fault_ended_well(handle, &call,
                         kyron_tcp_stream_keep(stream, "note", 4, fault_begin(&call)),
                         "keeping a connection");
        fault_finish(handle, &call,
                     kyron_tcp_stream_read(stream, fault_begin(&call), &said, sizeof(said)), 1000);
        if (call.operation.result == sizeof(said)) {
                kyron_tcp_stream_write(stream, fault_begin(&call), &said, sizeof(said));
                answered = said == fault_scene.tag;
        }
        kyron_tcp_stream_close(stream);
        return answered;
}

static void serve(KyronIoDriverHandle *handle, KyronEndpoint *endpoint, int count)
{
        bool none = false;

        while (count > 0 && !none)
                count -= serve_one(handle, endpoint, &none);
}

static bool is_answered(int peer)
{
        pid_t answer = 0;

        return recv(peer, &answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) &&
               answer == fault_scene.tag;
}

static void serve_dials(KyronIoDriverHandle *handle, KyronEndpoint *endpoint, const char *step)
{
        int peers[DIALS];

        for (int i = 0; i < DIALS; i++) {
                peers[i] = fault_dial(kyron_endpoint_address(endpoint));
                send(peers[i], &fault_scene.tag, sizeof(fault_scene.tag), MSG_NOSIGNAL);
        }
        serve(handle, endpoint, DIALS);
        for (int i = 0; i < DIALS; i++) {
                if (fault_scene.strict)
                        fault_expect(is_answered(peers[i]), step, "a connection was not answered");
                close(peers[i]);
        }
}

void fault_share(const char *name, const char *address, const KyronListenerOptions *options,
                 const char *step)
{
        KyronIoDriverHandle *handle = fault_open(step);
        KyronEndpoint *endpoint;

        if (!handle)
                return;
        endpoint = fault_join(handle, name, address, options);
        if (endpoint) {
                /* One that says nothing, in whose place no other is served. */
                int silent = fault_dial(kyron_endpoint_address(endpoint));

                serve_dials(handle, endpoint, step);
                close(silent);
                kyron_endpoint_close(endpoint);
        }
        fault_settle(handle);
        kyron_io_driver_handle_close(handle);
}

/* Dies with a connection in hand. */
static _Noreturn void serve_and_die(int told_fd)
{
        KyronIoDriverHandle *handle = fault_open("dying");
        KyronEndpoint *endpoint = handle ? fault_join(handle, "site", NULL, NULL) : NULL;
        Deadline deadline = deadline_in(2000);
        KyronTcpStream *stream = NULL;
        FaultCall call;
        int r;

        if (!endpoint)
                _exit(1);
        if (write(told_fd, kyron_endpoint_address(endpoint),
                  strlen(kyron_endpoint_address(endpoint)) + 1) < 0)
                _exit(1);
        r = kyron_endpoint_accept(endpoint, fault_begin(&call), &stream);
        while (r == KYRON_PENDING && !call.done && deadline_left(deadline) > 0)
                if (kyron_io_driver_handle_process_io(handle, 20) < 0)
                        break;
        _exit(0);
}

void fault_lose_worker(void)
{
        KyronIoDriverHandle *handle;
        KyronEndpoint *endpoint;
        char address[128] = "";
        int told[2], peer;
        pid_t child;

        if (pipe2(told, O_CLOEXEC) < 0)
                abort();
        child = fork();
        if (child == 0)
                serve_and_die(told[1]);
        close(told[1]);
        if (read(told[0], address, sizeof(address) - 1) <= 0)
                fault_expect(false, "losing a worker", "it has not joined");
        close(told[0]);
        peer = fault_dial(address);
        send(peer, &fault_scene.tag, sizeof(fault_scene.tag), MSG_NOSIGNAL);
        waitpid(child, NULL, 0);
        handle = fault_open("losing a worker");
        endpoint = handle ? fault_join(handle, "site", NULL, NULL) : NULL;
        if (endpoint && *address) {
                serve(handle, endpoint, 1);
                if (fault_scene.strict)
                        fault_expect(is_answered(peer), "losing a worker",
                                     "its connection was lost");
        }
        kyron_endpoint_close(endpoint);
        if (handle)
                fault_settle(handle);
        kyron_io_driver_handle_close(handle);
        close(peer);
}

/* Whose file the daemon makes, and removes once nobody serves it. */
void fault_share_local(void)
{
        KyronIoDriverHandle *handle = fault_open("sharing a Unix listener");
        char address[160], name[64];
        struct timespec now;

        if (!handle)
                return;
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(name, sizeof(name), "shared-%d-%lld.%09ld", (int)fault_scene.tag,
                 (long long)now.tv_sec, now.tv_nsec);
        snprintf(address, sizeof(address), "unix:%s/%s", fault_scene.directory, name);
        kyron_endpoint_close(
                fault_join(handle, name, address, &(KyronListenerOptions){.keep_seconds = 1}));
        fault_settle(handle);
        kyron_io_driver_handle_close(handle);
}
