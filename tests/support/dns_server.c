/* A name server for tests. See dns_server.h. */
#include "tests/support/dns_server.h"

#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        HEADER_SIZE = 12,
        RESPONSE = 0x80,
        TRUNCATED = 0x02,
        RECURSION = 0x80,
        NAME_MAX_BYTES = 256
};

/* Reads the question's name as text. Its bytes within the packet with type and class; 0: it is not
 * one question as it should be. */
static size_t read_question(const uint8_t *packet, size_t size, char *name, int *type)
{
        size_t at = HEADER_SIZE;
        size_t length = 0;

        while (at < size && packet[at] != 0) {
                size_t label = packet[at++];

                if (label > 63 || at + label >= size || length + label + 2 > NAME_MAX_BYTES)
                        return 0;
                if (length > 0)
                        name[length++] = '.';
                memcpy(name + length, packet + at, label);
                length += label;
                at += label;
        }
        name[length] = '\0';
        if (at + 5 > size)
                return 0;
        *type = packet[at + 1] << 8 | packet[at + 2];
        return at + 5 - HEADER_SIZE;
}

static bool is_of(const char *record, const char *name)
{
        size_t length = strlen(name), rest = strlen(record) - 1;

        if (*record != '*')
                return strcasecmp(record, name) == 0;
        return length > rest && strcasecmp(record + 1, name + length - rest) == 0;
}

static const DnsRecord *find_record(const DnsServer *server, const char *name, int type)
{
        for (size_t i = 0; i < server->n_records; i++) {
                const DnsRecord *record = &server->records[i];

                if (record->type == type && is_of(record->name, name))
                        return record;
        }
        return NULL;
}

static size_t add_address(uint8_t *at, const char *text, int type)
{
        uint8_t bytes[16];
        size_t size = type == DNS_A ? 4 : 16;
        const uint8_t head[] = {
                0xc0, HEADER_SIZE, 0, (uint8_t)type, 0, 1, 0, 0, 0, 60, 0, (uint8_t)size,
        };

        if (inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, bytes) != 1)
                return 0;
        memcpy(at, head, sizeof(head));
        memcpy(at + sizeof(head), bytes, size);
        return sizeof(head) + size;
}

static size_t add_addresses(uint8_t *packet, size_t size, size_t max, const DnsRecord *record)
{
        for (size_t i = 0; record->addresses[i] && size + 28 <= max; i++) {
                size += add_address(packet + size, record->addresses[i], record->type);
                packet[7]++;
        }
        return size;
}

/* The question's name is another's, which has the addresses. */
static size_t add_alias(uint8_t *packet, size_t size, size_t max, const DnsRecord *record)
{
        static const uint8_t alias[] = {
                0xc0, HEADER_SIZE, 0,   5,   0,   1,   0, 0,   0,   60,  0,   12, /* CNAME */
                5,    'a',         'l', 'i', 'a', 's', 4, 't', 'e', 's', 't', 0,
        };
        size_t name = size + 12;

        memcpy(packet + size, alias, sizeof(alias));
        packet[7]++;
        size += sizeof(alias);
        for (size_t i = 0; record->addresses[i] && size + 28 <= max; i++) {
                size_t n = add_address(packet + size, record->addresses[i], record->type);

                packet[size] = (uint8_t)(0xc0 | name >> 8);
                packet[size + 1] = (uint8_t)name;
                size += n;
                packet[7]++;
        }
        return size;
}

/* Makes the question the answer. Its size; 0: none is sent. */
static size_t answer(uint8_t *packet, size_t question, size_t max, const DnsRecord *record)
{
        size_t size = HEADER_SIZE + question;

        packet[2] |= RESPONSE;
        packet[3] = RECURSION;
        memset(packet + 6, 0, 6);
        switch (record ? record->behaviour : DNS_NO_SUCH_NAME) {
        case DNS_WRONG_ID:
                packet[0] ^= 0xff;
                return add_addresses(packet, size, max, record);
        case DNS_WRONG_NAME:
                packet[HEADER_SIZE + 1] = '-';
                return add_addresses(packet, size, max, record);
        case DNS_ANSWERS:
                return add_addresses(packet, size, max, record);
        case DNS_NO_SUCH_NAME:
                packet[3] |= 3;
                return size;
        case DNS_SERVER_FAILS:
                packet[3] |= 2;
                return size;
        case DNS_REFUSES:
                packet[3] |= 5;
                return size;
        case DNS_ALIAS:
                return add_alias(packet, size, max, record);
        case DNS_TRUNCATES:
        case DNS_TRUNCATES_AND_HANGS:
                if (max > DNS_PACKET_MAX)
                        return record->behaviour == DNS_TRUNCATES
                                       ? add_addresses(packet, size, max, record)
                                       : 0;
                packet[2] |= TRUNCATED;
                return size;
        case DNS_SENDS_GARBAGE:
                memset(packet + 2, 0xc0, DNS_PACKET_MAX - 2);
                return DNS_PACKET_MAX;
        case DNS_SILENT:
                break;
        }
        return 0;
}

static void send_later(DnsServer *server, const uint8_t *packet, size_t size, int ms,
                       const struct sockaddr_in *to)
{
        for (size_t i = 0; i < DNS_LATE_MAX; i++) {
                DnsLate *late = &server->late[i];

                if (late->due != 0)
                        continue;
                late->due = deadline_in(ms);
                late->size = size;
                memcpy(late->packet, packet, size);
                late->to = *to;
                return;
        }
}

/* Makes the question in the packet the answer: its size, 0: none; *late_ms until it is due. */
static size_t answer_packet(DnsServer *server, uint8_t *packet, size_t n, size_t max, int *late_ms)
{
        char name[NAME_MAX_BYTES];
        const DnsRecord *record;
        size_t question;
        int type;

        *late_ms = 0;
        if (n < HEADER_SIZE)
                return 0;
        question = read_question(packet, n, name, &type);
        if (question == 0)
                return 0;
        atomic_fetch_add(&server->questions, 1);
        record = find_record(server, name, type);
        if (record)
                *late_ms = record->late_ms;
        return answer(packet, question, max, record);
}

static void take_question(DnsServer *server)
{
        uint8_t packet[DNS_PACKET_MAX] = {0};
        struct sockaddr_in from;
        socklen_t from_size = sizeof(from);
        ssize_t n = recvfrom(server->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from,
                             &from_size);
        size_t size;
        int late_ms;

        if (n < 0)
                return;
        size = answer_packet(server, packet, (size_t)n, sizeof(packet), &late_ms);
        if (size > 0 && late_ms > 0)
                send_later(server, packet, size, late_ms, &from);
        else if (size > 0)
                sendto(server->fd, packet, size, 0, (struct sockaddr *)&from, from_size);
}

/* One question, whose bytes have come already or come at once. */
static void take_connection(DnsServer *server)
{
        int fd = accept4(server->tcp_fd, NULL, NULL, SOCK_CLOEXEC);
        uint8_t bytes[2 + DNS_ANSWER_MAX] = {0};
        size_t size = 0;
        int late_ms;

        if (fd < 0)
                return;
        if (recv(fd, bytes, 2, MSG_WAITALL) == 2) {
                size_t n = (size_t)bytes[0] << 8 | bytes[1];

                if (n <= DNS_PACKET_MAX && recv(fd, bytes + 2, n, MSG_WAITALL) == (ssize_t)n) {
                        atomic_fetch_add(&server->tcp_questions, 1);
                        size = answer_packet(server, bytes + 2, n, DNS_ANSWER_MAX, &late_ms);
                }
        }
        if (size == 0) {
                if (server->hanging_fd >= 0)
                        close(server->hanging_fd);
                server->hanging_fd = fd;
                return;
        }
        bytes[0] = (uint8_t)(size >> 8);
        bytes[1] = (uint8_t)size;
        send(fd, bytes, 2 + size, MSG_NOSIGNAL);
        close(fd);
}

/* Sends what is due; milliseconds until the next is, -1: none. */
static int send_due(DnsServer *server)
{
        int next = -1;

        for (size_t i = 0; i < DNS_LATE_MAX; i++) {
                DnsLate *late = &server->late[i];
                int left = late->due ? deadline_left(late->due) : -1;

                if (left > 0 && (next < 0 || left < next))
                        next = left;
                if (left != 0)
                        continue;
                sendto(server->fd, late->packet, late->size, 0, (struct sockaddr *)&late->to,
                       sizeof(late->to));
                late->due = 0;
        }
        return next;
}

static void *serve(void *data)
{
        DnsServer *server = data;
        struct pollfd fds[] = {
                {.fd = server->fd, .events = POLLIN},
                {.fd = server->stop_fd, .events = POLLIN},
                {.fd = server->tcp_fd, .events = POLLIN},
        };

        while (!fds[1].revents) {
                if (poll(fds, 3, send_due(server)) <= 0)
                        continue;
                if (fds[0].revents)
                        take_question(server);
                if (fds[2].revents)
                        take_connection(server);
        }
        return NULL;
}

/* Both on one port: false, somebody has it already. */
static bool bind_sockets(DnsServer *server)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);

        server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        server->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
        snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", ntohs(address.sin_port));
        server->socket_address = address;
        if (bind(server->tcp_fd, (struct sockaddr *)&address, size) == 0 &&
            listen(server->tcp_fd, DNS_LATE_MAX) == 0)
                return true;
        close(server->fd);
        close(server->tcp_fd);
        return false;
}

void dns_server_start(DnsServer *server, const DnsRecord *records, size_t n)
{
        memset(server, 0, sizeof(*server));
        server->records = records;
        server->n_records = n;
        server->hanging_fd = -1;
        server->stop_fd = eventfd(0, EFD_CLOEXEC);
        ck_assert(WAIT_UNTIL(bind_sockets(server), DEADLINE_MS));
        ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

void dns_server_stop(DnsServer *server)
{
        eventfd_write(server->stop_fd, 1);
        pthread_join(server->thread, NULL);
        if (server->hanging_fd >= 0)
                close(server->hanging_fd);
        close(server->fd);
        close(server->tcp_fd);
        close(server->stop_fd);
}
