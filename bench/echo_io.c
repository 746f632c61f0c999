/* What an echo server does with a connection. See echo_io.h. */
#include "bench/echo_io.h"

#include "bench/program.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UDP_ROOM = 1024 * 1024 };

static char buffer[ECHO_BUFFER];

static int bind_loopback(int type, bool shared)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        const int reuse = shared;
        int fd = program_check(socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "a socket");

        program_check(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse, sizeof(reuse)),
                      "SO_REUSEPORT");
        program_check(bind(fd, (struct sockaddr *)&address, sizeof(address)), "bind");
        return fd;
}

int echo_udp_bind(void)
{
        const int room = UDP_ROOM;
        int fd = bind_loopback(SOCK_DGRAM, false);

        /* The kernel may give less. */
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
        return fd;
}

void echo_udp_run(int borrow_fd)
{
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        ssize_t got;

        while ((got = recvfrom(borrow_fd, buffer, ECHO_BUFFER, 0, (struct sockaddr *)&from,
                               &size)) >= 0) {
                if (sendto(borrow_fd, buffer, (size_t)got, 0, (struct sockaddr *)&from, size) < 0)
                        program_check(-1, "sendto");
                size = sizeof(from);
        }
        /* One whose client has gone is the next one's error. */
        if (errno != EAGAIN && errno != ECONNREFUSED)
                program_check(-1, "recvfrom");
}

int echo_listen(bool shared)
{
        int fd = bind_loopback(SOCK_STREAM, shared);

        program_check(listen(fd, SOMAXCONN), "listen");
        return fd;
}

int echo_accept(int borrow_listener)
{
        int fd = accept4(borrow_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        const int on = 1;

        if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED))
                return -1;
        program_check(fd, "accept");
        program_check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
        return fd;
}

/* What is left of size bytes at from, as the connection's own. */
static void keep_rest(EchoIo *io, const char *from, size_t size)
{
        char *rest = malloc(size);

        if (!rest)
                program_fail("no memory");
        memcpy(rest, from, size);
        free(io->rest);
        io->rest = rest;
        io->rest_size = size;
}

/* Bytes written, 0 for none now, or -1. */
static ssize_t write_some(int fd, const char *from, size_t size)
{
        ssize_t n = write(fd, from, size);

        return n < 0 && errno == EAGAIN ? 0 : n;
}

static EchoState write_rest(EchoIo *io)
{
        ssize_t n = write_some(io->fd, io->rest, io->rest_size);

        if (n < 0)
                return ECHO_ENDED;
        io->rest_size -= (size_t)n;
        memmove(io->rest, io->rest + n, io->rest_size);
        return io->rest_size > 0 ? ECHO_WRITES : ECHO_READS;
}

EchoState echo_io_run(EchoIo *io)
{
        ssize_t got = ECHO_BUFFER, written;

        if (io->rest_size > 0) {
                EchoState state = write_rest(io);

                if (state != ECHO_READS)
                        return state;
        }
        while (got == ECHO_BUFFER) {
                got = read(io->fd, buffer, ECHO_BUFFER);
                if (got < 0 && errno == EAGAIN)
                        return ECHO_READS;
                if (got <= 0)
                        return ECHO_ENDED;
                written = write_some(io->fd, buffer, (size_t)got);
                if (written < 0)
                        return ECHO_ENDED;
                if (written < got) {
                        keep_rest(io, buffer + written, (size_t)(got - written));
                        return ECHO_WRITES;
                }
        }
        return ECHO_READS;
}

void echo_io_close(EchoIo *io)
{
        close(io->fd);
        free(io->rest);
}
