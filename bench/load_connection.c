/* One connection of the load. See load_connection.h. */
#include "bench/load_connection.h"

#include "bench/program.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { STARTS = 64 * 1024 }; /* places where a message may begin */

static uint8_t bytes[STARTS + LOAD_SIZE_MAX];
static uint8_t buffer[LOAD_SIZE_MAX];

/* splitmix64's last step: neighbours come out far from each other. */
static uint64_t mix(uint64_t x)
{
        x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
        return x ^ (x >> 31);
}

void load_make_bytes(void)
{
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)mix(i + 1);
}

static const uint8_t *message_of(const LoadConnection *connection, uint64_t number)
{
        return bytes + mix((uint64_t)connection->number << 40 | (number + 1)) % STARTS;
}

void load_connection_open(LoadConnection *connection, uint32_t number, bool is_datagram,
                          const struct sockaddr *address, socklen_t address_size)
{
        const struct linger at_once = {.l_onoff = 1};
        const int on = 1;
        int fd = program_check(
                socket(AF_INET, (is_datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0),
                "a socket");

        *connection = (LoadConnection){.fd = fd, .number = number};
        program_check(connect(fd, address, address_size), "connect");
        program_check(fcntl(fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
        if (is_datagram)
                return;
        program_check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), "TCP_NODELAY");
        program_check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
                      "SO_LINGER");
}

/* What is to be sent next, in pieces of one message each; returns how many. */
static int pieces_to_send(const LoadConnection *connection, const LoadMessages *messages,
                          struct iovec pieces[static LOAD_DEPTH_MAX])
{
        uint64_t number = connection->sent / messages->size;
        uint64_t until = connection->received / messages->size + messages->depth;
        size_t offset = connection->sent % messages->size;
        int count = 0;

        for (; number < until; number++, offset = 0) {
                pieces[count++] = (struct iovec){
                        .iov_base = (void *)(message_of(connection, number) + offset),
                        .iov_len = messages->size - offset,
                };
        }
        return count;
}

static void stamp(LoadConnection *connection, const LoadMessages *messages, uint64_t sent,
                  int64_t when_ns)
{
        uint64_t begun = (connection->sent + messages->size - 1) / messages->size;

        for (; begun * messages->size < sent; begun++)
                connection->sent_ns[begun % messages->depth] = when_ns;
        connection->sent = sent;
}

void load_connection_send(LoadConnection *connection, const LoadMessages *messages)
{
        struct iovec pieces[LOAD_DEPTH_MAX];
        struct msghdr header = {.msg_iov = pieces};
        int64_t when_ns;
        ssize_t n;
        int count;

        while ((count = pieces_to_send(connection, messages, pieces)) > 0) {
                header.msg_iovlen = messages->is_datagram ? 1 : (size_t)count;
                when_ns = now_ns();
                n = sendmsg(connection->fd, &header, MSG_NOSIGNAL);
                if (n < 0 && errno == EAGAIN)
                        break;
                program_check((int)n, "send");
                stamp(connection, messages, connection->sent + (uint64_t)n, when_ns);
        }
        connection->wants_room = count > 0;
}

/* Takes size bytes that came. */
static void check(LoadConnection *connection, LoadMessages *messages, size_t size, int64_t when_ns)
{
        if (connection->received + size > connection->sent)
                program_fail("connection %u: more came back than was sent", connection->number);
        for (size_t at = 0; at < size;) {
                uint64_t number = connection->received / messages->size;
                size_t offset = connection->received % messages->size;
                size_t part =
                        messages->size - offset < size - at ? messages->size - offset : size - at;

                if (memcmp(buffer + at, message_of(connection, number) + offset, part) != 0)
                        program_fail("connection %u: other bytes came back than were sent",
                                     connection->number);
                at += part;
                connection->received += part;
                if (offset + part < messages->size)
                        continue;
                latency_add(&messages->latency,
                            (uint64_t)(when_ns - connection->sent_ns[number % messages->depth]));
                messages->count++;
                connection->count++;
        }
}

bool load_connection_receive(LoadConnection *connection, LoadMessages *messages)
{
        ssize_t n = LOAD_SIZE_MAX;

        while (n == LOAD_SIZE_MAX || (messages->is_datagram && n > 0)) {
                n = recv(connection->fd, buffer, LOAD_SIZE_MAX, 0);
                if (n < 0 && errno == EAGAIN)
                        return true;
                program_check((int)n, "receive");
                check(connection, messages, (size_t)n, now_ns());
        }
        return n > 0;
}

void load_connection_close(LoadConnection *connection)
{
        close(connection->fd);
}
