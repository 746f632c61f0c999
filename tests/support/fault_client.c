/* What the steps of fault_scene have in common. See fault_client.h. */
#include "tests/support/fault_client.h"

#include "tests/support/deadline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

FaultScene fault_scene;

void fault_complain(const char *step, const char *what)
{
        fprintf(stderr, "%s: %s: %s\n", step, what, kyron_error_text());
        fault_scene.failures++;
}

bool fault_expect(bool condition, const char *step, const char *what)
{
        if (!condition) {
                fault_complain(step, what);
                fault_scene.failures -= !fault_scene.strict;
        }
        return condition;
}

static void on_completion(KyronOperation *operation)
{
        *(bool *)operation->user = true;
}

KyronOperation *fault_begin(FaultCall *call)
{
        call->done = false;
        kyron_operation_init(&call->operation, on_completion, &call->done);
        return &call->operation;
}

int fault_await(KyronIoDriverHandle *handle, FaultCall *call, int r, const char *step)
{
        Deadline deadline = deadline_in(FAULT_ANSWER_MS);

        while (r == KYRON_PENDING && !call->done) {
                if (deadline_left(deadline) == 0) {
                        fault_complain(step, "no answer came and the session goes on");
                        _exit(1);
                }
                if (kyron_io_driver_handle_process_io(handle, 20) == -EBUSY)
                        break;
        }
        if (r == KYRON_PENDING)
                r = call->operation.result < 0 ? (int)call->operation.result : 0;
        return r;
}

bool fault_ended_well(KyronIoDriverHandle *handle, FaultCall *call, int r, const char *step)
{
        return fault_expect(fault_await(handle, call, r, step) >= 0, step, "it failed");
}

KyronIoDriverHandle *fault_open(const char *step)
{
        Deadline deadline = deadline_in(2000);
        KyronIoDriverHandle *handle = NULL;
        int r;

        do
                r = kyron_io_driver_handle_open(&handle, NULL);
        while (r < 0 && deadline_left(deadline) > 0);
        return fault_expect(r == 0, step, "no session") ? handle : NULL;
}

void fault_settle(KyronIoDriverHandle *handle)
{
        Deadline deadline = deadline_in(FAULT_ANSWER_MS);
        KyronHeld held;
        FaultCall call;
        int r = kyron_take_held(handle, "nothing", fault_begin(&call), &held);

        while (r == KYRON_PENDING && !call.done && deadline_left(deadline) > 0)
                kyron_io_driver_handle_process_io(handle, 20);
        if (r == KYRON_PENDING && !call.done) {
                fault_complain("settling", "no answer came and the session goes on");
                _exit(1);
        }
}

void fault_finish(KyronIoDriverHandle *handle, FaultCall *call, int r, int ms)
{
        Deadline deadline = deadline_in(ms);

        while (r == KYRON_PENDING && !call->done && deadline_left(deadline) > 0)
                kyron_io_driver_handle_process_io(handle, 20);
        if (r == KYRON_PENDING && !call->done)
                kyron_operation_cancel(&call->operation);
}

int fault_listen(char address[static 64], const char *host)
{
        struct sockaddr_in here = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(here);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (bind(fd, (struct sockaddr *)&here, size) < 0 || listen(fd, 16) < 0 ||
            getsockname(fd, (struct sockaddr *)&here, &size) < 0)
                abort();
        snprintf(address, 64, "tcp:%s:%u", host, ntohs(here.sin_port));
        return fd;
}

int fault_dial(const char *address)
{
        const struct timeval limit = {.tv_sec = 2};
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned port;

        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
        if (sscanf(address, "tcp:127.0.0.1:%u", &port) != 1)
                return fd;
        there.sin_port = htons((uint16_t)port);
        if (connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0)
                return fd;
        return fd;
}
