/* A client made of raw bytes. See raw_client.h. */
#include "tests/support/raw_client.h"

#include "core/cleanup.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

void raw_put(RawBytes *out, const void *bytes, size_t size)
{
        ck_assert_uint_le(size, sizeof(out->bytes) - out->size);
        if (size > 0)
                if (size > 0)
                        memcpy(out->bytes + out->size, bytes, size);
        out->size += size;
}

void raw_put_varint(RawBytes *out, uint64_t value)
{
        uint8_t byte;

        do {
                byte = value & 0x7f;
                value >>= 7;
                if (value > 0)
                        byte |= 0x80;
                raw_put(out, &byte, 1);
        } while (value > 0);
}

static void put_tag(RawBytes *out, unsigned field, unsigned wire_type)
{
        raw_put_varint(out, (uint64_t)field << 3 | wire_type);
}

static void put_64_bits(RawBytes *out, uint64_t value)
{
        uint8_t bytes[8];

        for (int i = 0; i < 8; i++)
                bytes[i] = (uint8_t)(value >> 8 * i);
        raw_put(out, bytes, sizeof(bytes));
}

void raw_put_number(RawBytes *out, unsigned field, uint64_t value)
{
        put_tag(out, field, WIRE_VARINT);
        raw_put_varint(out, value);
}

void raw_put_fixed64(RawBytes *out, unsigned field, uint64_t value)
{
        put_tag(out, field, WIRE_FIXED64);
        put_64_bits(out, value);
}

void raw_put_bytes(RawBytes *out, unsigned field, const void *bytes, size_t size)
{
        put_tag(out, field, WIRE_BYTES);
        raw_put_varint(out, size);
        raw_put(out, bytes, size);
}

void raw_put_packed(RawBytes *out, unsigned field, const uint64_t *values, size_t count)
{
        put_tag(out, field, WIRE_BYTES);
        raw_put_varint(out, count * 8);
        for (size_t i = 0; i < count; i++)
                put_64_bits(out, values[i]);
}

void raw_put_frame(RawBytes *out, uint32_t descriptors, uint32_t sequence, unsigned field,
                   const RawBytes *body)
{
        if (descriptors > 0)
                raw_put_number(out, RAW_FRAME_DESCRIPTORS, descriptors);
        if (sequence > 0)
                raw_put_number(out, RAW_FRAME_SEQUENCE, sequence);
        raw_put_bytes(out, field, body ? body->bytes : NULL, body ? body->size : 0);
}

uint64_t raw_source(uint32_t slot, uint32_t generation, uint16_t interest)
{
        return slot | (uint64_t)generation << 24 | (uint64_t)interest << 48;
}

int raw_client_dial(const char *socket_path)
{
        CLEANUP(cleanup_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return STEAL_FD(fd);
}

void raw_client_connect(RawClient *client, const char *socket_path)
{
        client->socket_fd = raw_client_dial(socket_path);
        ck_assert_msg(client->socket_fd >= 0, "connect %s: %s", socket_path,
                      strerror(-client->socket_fd));
        frame_arena_init(&client->arena);
}

const Iod__Welcome *raw_client_open(RawClient *client, const char *socket_path)
{
        raw_client_connect(client, socket_path);
        raw_client_hello(client, 1, "raw");
        return raw_client_expect(client, IOD__FRAME__BODY_WELCOME)->welcome;
}

void raw_client_close(RawClient *client)
{
        if (client->socket_fd >= 0)
                close(client->socket_fd);
        client->socket_fd = -1;
}

int raw_client_send(RawClient *client, const RawBytes *packet, const int *borrow_fds, size_t n)
{
        Deadline deadline = deadline_in(DEADLINE_MS);
        ssize_t sent;

        do {
                sent = fd_message_send(client->socket_fd, packet->bytes, packet->size, borrow_fds,
                                       n);
        } while (sent == -EAGAIN && wait_writable(client->socket_fd, deadline_left(deadline)));
        return sent < 0 ? (int)sent : 0;
}

void raw_client_hello(RawClient *client, uint32_t version, const char *program)
{
        RawBytes body = {0}, frame = {0};

        raw_put_number(&body, RAW_HELLO_VERSION, version);
        if (program)
                raw_put_bytes(&body, RAW_HELLO_PROGRAM, program, strlen(program));
        raw_put_frame(&frame, 0, 1, RAW_HELLO, &body);
        ck_assert_int_eq(raw_client_send(client, &frame, NULL, 0), 0);
}

static void send_sources(RawClient *client, uint32_t sequence, unsigned field,
                         const uint64_t *sources, const int *borrow_fds, size_t n)
{
        RawBytes body = {0}, frame = {0};

        raw_put_packed(&body, RAW_ADD_SOURCE, sources, n);
        raw_put_frame(&frame, (uint32_t)n, sequence, field, &body);
        ck_assert_int_eq(raw_client_send(client, &frame, borrow_fds, n), 0);
}

void raw_client_add(RawClient *client, uint32_t sequence, const uint64_t *sources,
                    const int *borrow_fds, size_t n)
{
        send_sources(client, sequence, RAW_ADD_IO_SOURCE, sources, borrow_fds, n);
}

void raw_client_remove(RawClient *client, uint32_t sequence, const uint64_t *sources,
                       const int *borrow_fds, size_t n)
{
        send_sources(client, sequence, RAW_REMOVE_IO_SOURCE, sources, borrow_fds, n);
}

void raw_client_set_delivery(RawClient *client, uint32_t sequence, unsigned delivery)
{
        RawBytes body = {0}, frame = {0};

        raw_put_number(&body, RAW_SET_DELIVERY_DELIVERY, delivery);
        raw_put_frame(&frame, 0, sequence, RAW_SET_DELIVERY, &body);
        ck_assert_int_eq(raw_client_send(client, &frame, NULL, 0), 0);
}

void raw_client_request(RawClient *client, uint32_t sequence, unsigned field)
{
        RawBytes frame = {0};

        raw_put_frame(&frame, 0, sequence, field, NULL);
        ck_assert_int_eq(raw_client_send(client, &frame, NULL, 0), 0);
}

Iod__Frame *raw_client_receive(RawClient *client)
{
        Deadline deadline = deadline_in(DEADLINE_MS);
        FdMessage message;
        Iod__Frame *frame;

        for (;;) {
                ck_assert_msg(wait_readable(client->socket_fd, deadline_left(deadline)),
                              "the daemon does not answer");
                fd_message_receive(client->socket_fd, client->packet, sizeof(client->packet),
                                   FD_LIST_MAX, &message);
                /* The daemon closed with packets of ours unread; what it said is still there. */
                if (message.length != -ECONNRESET)
                        break;
        }
        if (message.length == 0)
                return NULL;
        ck_assert_int_gt(message.length, 0);
        ck_assert_int_eq(message.flags & (MSG_TRUNC | MSG_CTRUNC), 0);
        ck_assert_uint_eq(message.count, 0);
        ck_assert_int_eq(frame_decode(&client->arena, client->packet, (size_t)message.length,
                                      message.count, &frame),
                         0);
        return frame;
}

/* The first sentence of a Refused. */
static const char *sentence_of(const Iod__Frame *frame)
{
        if (frame->body_case != IOD__FRAME__BODY_REFUSED)
                return "";
        return frame->refused->n_source > 0 ? frame->refused->source[0]->text
                                            : frame->refused->text;
}

Iod__Frame *raw_client_expect(RawClient *client, Iod__Frame__BodyCase body)
{
        Iod__Frame *frame;

        do {
                frame = raw_client_receive(client);
                ck_assert_msg(frame != NULL, "the daemon closed");
        } while (frame->body_case != body && frame->body_case == IOD__FRAME__BODY_READINESS);
        ck_assert_msg(frame->body_case == body, "%s came, not %s: %s",
                      frame_body_name(frame->body_case), frame_body_name(body), sentence_of(frame));
        return frame;
}

const Iod__Status *raw_client_status(RawClient *client)
{
        enum { SEQUENCE = 4711 };
        Iod__Frame *frame;

        raw_client_request(client, SEQUENCE, RAW_GET_STATUS);
        frame = raw_client_expect(client, IOD__FRAME__BODY_STATUS);
        ck_assert_uint_eq(frame->sequence, SEQUENCE);
        return frame->status;
}

/* A sentence is one that a person can be shown whole. */
static void check_sentence(const char *text, const char *format, va_list args)
{
        char expected[FRAME_TEXT_MAX * 2];

        vsnprintf(expected, sizeof(expected), format, args);
        ck_assert_str_eq(text, expected);
        ck_assert_uint_lt(strlen(text), FRAME_TEXT_MAX);
}

static const Iod__Refused *expect_refused(RawClient *client, uint32_t sequence, int error)
{
        Iod__Frame *frame = raw_client_expect(client, IOD__FRAME__BODY_REFUSED);

        ck_assert_msg(frame->refused->error == error, "errno %d, not %d: %s", frame->refused->error,
                      error, sentence_of(frame));
        ck_assert_uint_eq(frame->sequence, sequence);
        return frame->refused;
}

void raw_client_expect_goodbye(RawClient *client, uint32_t sequence, int error, const char *format,
                               ...)
{
        const Iod__Refused *refused = expect_refused(client, sequence, error);
        va_list args;

        va_start(args, format);
        check_sentence(refused->text, format, args);
        va_end(args);
        ck_assert(refused->session_ends);
        ck_assert_uint_eq(refused->n_source, 0);
        raw_client_expect_end(client);
}

void raw_client_expect_refused(RawClient *client, uint32_t sequence, int error, const char *format,
                               ...)
{
        const Iod__Refused *refused = expect_refused(client, sequence, error);
        va_list args;

        va_start(args, format);
        check_sentence(refused->text, format, args);
        va_end(args);
        ck_assert(!refused->session_ends);
        ck_assert_uint_eq(refused->n_source, 0);
        raw_client_status(client);
}

void raw_client_expect_source_refused(RawClient *client, uint32_t sequence, uint64_t source,
                                      int error, const char *format, ...)
{
        const Iod__Refused *refused = expect_refused(client, sequence, 0);
        va_list args;

        ck_assert(!refused->session_ends);
        ck_assert_str_eq(refused->text, "");
        ck_assert_uint_eq(refused->n_source, 1);
        ck_assert_msg(refused->source[0]->error == error, "errno %d, not %d: %s",
                      refused->source[0]->error, error, refused->source[0]->text);
        ck_assert_uint_eq(refused->source[0]->id, source & ((UINT64_C(1) << 48) - 1));
        va_start(args, format);
        check_sentence(refused->source[0]->text, format, args);
        va_end(args);
        raw_client_status(client);
}

void raw_client_expect_end(RawClient *client)
{
        Iod__Frame *frame = raw_client_receive(client);

        ck_assert_msg(frame == NULL, "%s came, not the end",
                      frame ? frame_body_name(frame->body_case) : "");
}
