/* What fault_scene asks a daemon for. See fault_steps.h. */
#include "tests/support/fault_steps.h"

#include "tests/support/deadline.h"
#include "tests/support/fault_client.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static void wait_for_pipe(KyronIoDriverHandle *handle, KyronBridgedFd *reader, int writer)
{
        char byte;
        FaultCall call;
        int r = kyron_bridged_fd_read(reader, fault_begin(&call), &byte, 1);

        /* The registration leaves with this turn; an end of the session comes by itself. */
        kyron_io_driver_handle_process_io(handle, 0);
        if (write(writer, "x", 1) == 1)
                fault_ended_well(handle, &call, r, "waiting for a pipe");
}

void fault_register(void)
{
        KyronIoDriverHandle *handle = fault_open("registering");
        KyronBridgedFd *reader;
        KyronTimer *timer;
        int ends[2], released = -1;
        FaultCall call;

        if (!handle)
                return;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 ||
            kyron_bridged_fd_new(&reader, handle, ends[0]) < 0)
                abort();
        wait_for_pipe(handle, reader, ends[1]);
        wait_for_pipe(handle, reader, ends[1]);
        if (kyron_bridged_fd_release(reader, &released) == 0)
                close(released);
        else
                kyron_bridged_fd_close(reader);
        close(ends[1]);
        if (kyron_timer_new(&timer, handle) < 0)
                abort();
        kyron_timer_after(timer, 1000000);
        fault_ended_well(handle, &call, kyron_timer_wait(timer, fault_begin(&call)),
                         "waiting for a timer");
        kyron_timer_close(timer);
        kyron_io_driver_handle_close(handle);
}

void fault_move(void)
{
        static const KyronDelivery deliveries[] = {KYRON_DELIVERY_RELAYED, KYRON_DELIVERY_DIRECT,
                                                   KYRON_DELIVERY_RELAYED, KYRON_DELIVERY_DIRECT};
        KyronIoDriverHandle *handle = fault_open("moving");
        KyronBridgedFd *reader;
        int ends[2];

        if (!handle)
                return;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 ||
            kyron_bridged_fd_new(&reader, handle, ends[0]) < 0)
                abort();
        for (size_t i = 0; i < sizeof(deliveries) / sizeof(deliveries[0]); i++) {
                if (kyron_io_driver_handle_set_delivery(handle, deliveries[i]) < 0)
                        abort();
                wait_for_pipe(handle, reader, ends[1]);
                wait_for_pipe(handle, reader, ends[1]);
        }
        kyron_bridged_fd_close(reader);
        close(ends[1]);
        kyron_io_driver_handle_close(handle);
}

void fault_register_file(void)
{
        KyronIoDriverHandle *handle = fault_open("registering a file");
        KyronBridgedFd *file;
        FaultCall call;

        if (!handle)
                return;
        if (kyron_bridged_fd_new(&file, handle, open("/etc/passwd", O_RDONLY | O_CLOEXEC)) < 0)
                abort();
        fault_begin(&call);
        if (kyron_bridged_fd_ready(file, &call.operation, KYRON_PRIORITY) == KYRON_PENDING) {
                Deadline deadline = deadline_in(FAULT_ANSWER_MS);

                while (!call.done && deadline_left(deadline) > 0)
                        kyron_io_driver_handle_process_io(handle, 20);
        }
        kyron_bridged_fd_close(file);
        kyron_io_driver_handle_close(handle);
}

void fault_bind(void)
{
        KyronIoDriverHandle *handle = fault_open("binding");
        KyronUdpSocket *udp = NULL;
        FaultCall call;

        if (!handle)
                return;
        if (fault_ended_well(
                    handle, &call,
                    kyron_udp_socket_bind_to(&udp, handle, "udp:127.0.0.1:0", fault_begin(&call)),
                    "binding"))
                kyron_udp_socket_close(udp);
        kyron_io_driver_handle_close(handle);
}

static void connect_to(KyronIoDriverHandle *handle, const char *address, const char *step)
{
        KyronTcpStream *stream = NULL;
        FaultCall call;

        if (fault_ended_well(
                    handle, &call,
                    kyron_tcp_stream_connect_to(&stream, handle, address, 3000, fault_begin(&call)),
                    step))
                kyron_tcp_stream_close(stream);
}

void fault_connect(const char *host, const char *step)
{
        KyronIoDriverHandle *handle = fault_open(step);
        char address[64];
        int fd;

        if (!handle)
                return;
        fd = fault_listen(address, host);
        connect_to(handle, address, step);
        kyron_io_driver_handle_close(handle);
        close(fd);
}

void fault_cancel_connect(void)
{
        KyronIoDriverHandle *handle = fault_open("cancelling");
        KyronTcpStream *stream = NULL;
        FaultCall call;
        int r;

        if (!handle)
                return;
        r = kyron_tcp_stream_connect_to(&stream, handle, "tcp:late.test:1", 0, fault_begin(&call));
        kyron_io_driver_handle_process_io(handle, 20);
        if (r == KYRON_PENDING && !call.done && kyron_operation_cancel(&call.operation) < 0)
                fault_ended_well(handle, &call, r, "cancelling");
        kyron_io_driver_handle_process_io(handle, 0);
        kyron_io_driver_handle_close(handle);
}

void fault_take_listeners(void)
{
        KyronIoDriverHandle *handle = fault_open("taking");
        KyronTcpListener *tcp = NULL;
        KyronUnixListener *local = NULL;
        char address[128], name[64];
        struct timespec now;
        FaultCall call;

        if (!handle)
                return;
        /* A process id comes again, and what could not be closed is still served. */
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(name, sizeof(name), "local-%d-%lld.%09ld", (int)fault_scene.tag,
                 (long long)now.tv_sec, now.tv_nsec);
        snprintf(address, sizeof(address), "unix:%s/%s", fault_scene.directory, name);
        if (fault_ended_well(handle, &call,
                             kyron_tcp_listener_take(&tcp, handle, "taken", "tcp:127.0.0.1:0",
                                                     &(KyronListenerOptions){.keep_seconds = 1},
                                                     fault_begin(&call)),
                             "taking a TCP listener"))
                kyron_tcp_listener_close(tcp);
        if (fault_ended_well(handle, &call,
                             kyron_unix_listener_take(&local, handle, name, address,
                                                      &(KyronListenerOptions){.keep_seconds = 1},
                                                      fault_begin(&call)),
                             "taking a Unix listener"))
                kyron_unix_listener_close(local);
        kyron_io_driver_handle_close(handle);
}

static void close_held(const KyronHeld *held)
{
        close(held->fd);
        if (held->note_fd >= 0)
                close(held->note_fd);
}

/* What was held in a scene before this one whose answer was lost, with its session perhaps. */
static void take_what_is_left(KyronIoDriverHandle *handle)
{
        KyronHeld held;
        FaultCall call;
        int r = kyron_take_held(handle, "thing", fault_begin(&call), &held);

        if (fault_await(handle, &call, r, "taking what is left") >= 0)
                close_held(&held);
}

void fault_hold(void)
{
        KyronIoDriverHandle *handle = fault_open("holding");
        KyronHeld held;
        int fd = eventfd(0, EFD_CLOEXEC);
        FaultCall call;

        if (handle)
                take_what_is_left(handle);
        if (handle &&
            fault_ended_well(handle, &call,
                             kyron_hold(handle, fd, "thing", "note", 4, 60000, fault_begin(&call)),
                             "holding") &&
            fault_ended_well(handle, &call,
                             kyron_take_held(handle, "thing", fault_begin(&call), &held),
                             "taking what is held"))
                close_held(&held);
        kyron_io_driver_handle_close(handle);
        close(fd);
}

void fault_hold_lingering(void)
{
        const struct linger linger = {.l_onoff = 1, .l_linger = 1};
        KyronIoDriverHandle *handle = fault_open("lingering");
        char address[64], bytes[4096] = "";
        int listener, fd, peer;
        FaultCall call;

        if (!handle)
                return;
        listener = fault_listen(address, "127.0.0.1");
        fd = fault_dial(address);
        peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                ;
        fault_ended_well(handle, &call,
                         kyron_hold(handle, fd, "lingering", NULL, 0, 1, fault_begin(&call)),
                         "holding what lingers");
        close(fd);
        kyron_io_driver_handle_close(handle);
        /* Until it has lingered, been interrupted, and reset. */
        wait_for_events(peer, POLLRDHUP, 50);
        close(peer);
        close(listener);
}
