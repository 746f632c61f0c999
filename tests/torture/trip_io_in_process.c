/*
 * Round trips straight on epoll: what a client costs and suffers that has nothing to do with the
 * daemon. Everything is asked for once, edge-triggered, and tried before it is waited for.
 */
#include "tests/torture/trips.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 1024 };

static int set = -1;

static ssize_t or_errno(ssize_t r)
{
        return r < 0 ? -errno : r;
}

static bool open_set(Trips *trips)
{
        (void)trips;
        set = epoll_create1(EPOLL_CLOEXEC);
        if (set < 0)
                perror("healthy_client: epoll_create1");
        return set >= 0;
}

static ssize_t connect_socket(Trip *trip, const Address *address)
{
        struct epoll_event event = {
                .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                .data.ptr = trip,
        };
        const int on = 1;
        bool is_connected;

        trip->fd =
                socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (trip->fd < 0 || setsockopt(trip->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
                return -errno;
        is_connected =
                connect(trip->fd, (const struct sockaddr *)&address->storage, address->size) == 0;
        if (!is_connected && errno != EINPROGRESS)
                return -errno;
        if (epoll_ctl(set, EPOLL_CTL_ADD, trip->fd, &event) < 0)
                return -errno;
        return is_connected ? 0 : -EAGAIN;
}

static ssize_t write_socket(Trip *trip, const void *bytes, size_t size)
{
        return or_errno(write(trip->fd, bytes, size));
}

static ssize_t read_socket(Trip *trip, void *bytes, size_t size)
{
        return or_errno(read(trip->fd, bytes, size));
}

static void close_socket(Trip *trip)
{
        if (trip->fd >= 0)
                close(trip->fd);
        trip->fd = -1;
}

static void on_event(Trip *trip)
{
        socklen_t size = sizeof(int);
        int error = 0;

        if (trip->state != TRIP_CONNECTS) {
                trip_go_on(trip);
                return;
        }
        if (getsockopt(trip->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                error = errno;
        trip_continue(trip, -error);
}

static int wait_for_all(int ms)
{
        static struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(set, events, EVENTS_MAX, ms);

        if (count < 0)
                return -errno;
        for (int i = 0; i < count; i++)
                on_event(events[i].data.ptr);
        return 0;
}

static const char *error_text(int error)
{
        return strerror(-error);
}

static int move(void)
{
        return 0;
}

static void close_set(void)
{
        close(set);
}

const TripIo trip_io_in_process = {
        .open = open_set,
        .connect = connect_socket,
        .write = write_socket,
        .read = read_socket,
        .close_trip = close_socket,
        .wait = wait_for_all,
        .error_text = error_text,
        .move = move,
        .close = close_set,
};
