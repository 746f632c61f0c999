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

enum { HEADER_SIZE = 12, RESPONSE = 0x80, TRUNCATED = 0x02, NAME_MAX_BYTES = 256 };

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

static const DnsRecord *find_record(const DnsServer *server, const char *name, int type)
{
        for (size_t i = 0; i < server->n_records; i++) {
                const DnsRecord *record = &server->records[i];

                if (record->type == type && strcasecmp(record->name, name) == 0)
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

static size_t add_addresses(uint8_t *packet, size_t size, const DnsRecord *record)
{
        for (size_t i = 0; record->addresses[i] && size + 28 <= DNS_PACKET_MAX; i++) {
                size += add_address(packet + size, record->addresses[i], record->type);
                packet[7]++;
        }
        return size;
}

/* Makes the question the answer. Its size; 0: none is sent. */
static size_t answer(uint8_t *packet, size_t question, const DnsRecord *record)
{
        size_t size = HEADER_SIZE + question;

        packet[2] |= RESPONSE;
        packet[3] = 0;
        memset(packet + 6, 0, 6);
        switch (record ? record->behaviour : DNS_NO_SUCH_NAME) {
        case DNS_WRONG_ID:
                packet[0] ^= 0xff;
                return add_addresses(packet, size, record);
        case DNS_WRONG_NAME:
                packet[HEADER_SIZE + 1] = '-';
                return add_addresses(packet, size, record);
        case DNS_ANSWERS:
                return add_addresses(packet, size, record);
        case DNS_NO_SUCH_NAME:
                packet[3] = 3;
                return size;
        case DNS_SERVER_FAILS:
                packet[3] = 2;
                return size;
        case DNS_REFUSES:
                packet[3] = 5;
                return size;
        case DNS_TRUNCATES:
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

static void take_question(DnsServer *server)
{
        uint8_t packet[DNS_PACKET_MAX] = {0};
        char name[NAME_MAX_BYTES];
        struct sockaddr_in from;
        socklen_t from_size = sizeof(from);
        const DnsRecord *record;
        ssize_t n = recvfrom(server->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from,
                             &from_size);
        size_t question;
        size_t size;
        int type;

        if (n < HEADER_SIZE)
                return;
        question = read_question(packet, (size_t)n, name, &type);
        if (question == 0)
                return;
        if (strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
                atomic_fetch_add(&server->capitals, 1);
        atomic_fetch_add(&server->questions, 1);
        record = find_record(server, name, type);
        size = answer(packet, question, record);
        if (size > 0 && record && record->late_ms > 0)
                send_later(server, packet, size, record->late_ms, &from);
        else if (size > 0)
                sendto(server->fd, packet, size, 0, (struct sockaddr *)&from, from_size);
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
        };

        while (!fds[1].revents) {
                if (poll(fds, 2, send_due(server)) > 0 && fds[0].revents)
                        take_question(server);
        }
        return NULL;
}

void dns_server_start(DnsServer *server, const DnsRecord *records, size_t n)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);

        memset(server, 0, sizeof(*server));
        server->records = records;
        server->n_records = n;
        server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        server->stop_fd = eventfd(0, EFD_CLOEXEC);
        ck_assert_int_eq(bind(server->fd, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(server->fd, (struct sockaddr *)&address, &size), 0);
        snprintf(server->address, sizeof(server->address), "127.0.0.1:%u", ntohs(address.sin_port));
        ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

void dns_server_stop(DnsServer *server)
{
        eventfd_write(server->stop_fd, 1);
        pthread_join(server->thread, NULL);
        close(server->fd);
        close(server->stop_fd);
}
