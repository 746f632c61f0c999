/*
 * A client made of raw bytes: frames put together field by field, without protobuf-c and without
 * proto/frame.h, so that it can say what no library would, and so that iod.proto is proven to be
 * enough to write a client from. What comes back is decoded by frame_decode(). Calls end the test
 * when the test's own side fails; what the daemon does, they return.
 */
#pragma once

#include "proto/frame.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        /* More than the daemon takes, less than a socket's send buffer. */
        RAW_BYTES_MAX = 128 * 1024,

        /* The fields of iod.proto, by hand. */
        RAW_FRAME_DESCRIPTORS = 1,
        RAW_FRAME_SEQUENCE = 2,
        RAW_HELLO = 10,
        RAW_ADD_IO_SOURCE = 11,
        RAW_REMOVE_IO_SOURCE = 12,
        RAW_GET_STATUS = 13,
        RAW_LIST_SESSIONS = 14,
        RAW_LIST_REGISTRATIONS = 15,
        RAW_SET_DELIVERY = 43,
        RAW_WELCOME = 30,
        RAW_REFUSED = 32,
        RAW_HELLO_VERSION = 1,
        RAW_HELLO_PROGRAM = 2,
        RAW_HELLO_PULSE = 3,
        RAW_ADD_SOURCE = 1,
        RAW_ADD_GONE = 2,
        RAW_REMOVE_SOURCE = 1,
        RAW_SET_DELIVERY_DELIVERY = 1,
};

/* Protobuf being written. What does not fit ends the test. */
typedef struct RawBytes {
        size_t size;
        uint8_t bytes[RAW_BYTES_MAX];
} RawBytes;

void raw_put(RawBytes *out, const void *bytes, size_t size);
void raw_put_varint(RawBytes *out, uint64_t value);
/* A field of wire type 0 (varint), 1 (64 bits) and 2 (length-delimited). */
void raw_put_number(RawBytes *out, unsigned field, uint64_t value);
void raw_put_fixed64(RawBytes *out, unsigned field, uint64_t value);
void raw_put_bytes(RawBytes *out, unsigned field, const void *bytes, size_t size);
/* A packed repeated fixed64. */
void raw_put_packed(RawBytes *out, unsigned field, const uint64_t *values, size_t count);

/* Writes a whole frame: the two numbers (left out when 0) and one body. body may be NULL: empty. */
void raw_put_frame(RawBytes *out, uint32_t descriptors, uint32_t sequence, unsigned field,
                   const RawBytes *body);

/* One 64-bit source: slot 24 | generation 24 | interest 16. */
uint64_t raw_source(uint32_t slot, uint32_t generation, uint16_t interest);

typedef struct RawClient {
        int socket_fd;
        FrameArena arena;
        uint8_t packet[FRAME_BYTES_MAX];
} RawClient;

/* A connection, or -errno; for processes that must not use check. */
int raw_client_dial(const char *socket_path);
/* Connects without a word. The client is the caller's to close, and large: keep it static. */
void raw_client_connect(RawClient *client, const char *socket_path);
/* Connects, says hello and has a session. Returns its Welcome, valid until the next receive. */
const Iod__Welcome *raw_client_open(RawClient *client, const char *socket_path);
void raw_client_close(RawClient *client);

/* Sends one packet and waits for room if it must. 0 or -errno, with -EAGAIN after DEADLINE_MS. */
int raw_client_send(RawClient *client, const RawBytes *packet, const int *borrow_fds, size_t n);
/* As above with whole frames; these do not fail. Each announces the n descriptors it sends. */
void raw_client_hello(RawClient *client, uint32_t version, const char *program);
void raw_client_add(RawClient *client, uint32_t sequence, const uint64_t *sources,
                    const int *borrow_fds, size_t n);
void raw_client_remove(RawClient *client, uint32_t sequence, const uint64_t *sources,
                       const int *borrow_fds, size_t n);
void raw_client_set_delivery(RawClient *client, uint32_t sequence, unsigned delivery);
void raw_client_request(RawClient *client, uint32_t sequence, unsigned field);

/* The next frame, valid until the next call; NULL when the daemon has closed. */
Iod__Frame *raw_client_receive(RawClient *client);
/* As above, and it has to be of that body. Readiness that comes before it is passed over, if
 * that is not what was asked for. */
Iod__Frame *raw_client_expect(RawClient *client, Iod__Frame__BodyCase body);
/* The answer to GetStatus. */
const Iod__Status *raw_client_status(RawClient *client);

/* A Refused with this sequence, error (positive) and sentence, and then the end of the session. */
void raw_client_expect_goodbye(RawClient *client, uint32_t sequence, int error, const char *format,
                               ...) __attribute__((format(printf, 4, 5)));
/* The same without the end: the session answers the next request. */
void raw_client_expect_refused(RawClient *client, uint32_t sequence, int error, const char *format,
                               ...) __attribute__((format(printf, 4, 5)));
/* A Refused of nothing but one source; the session answers the next request. */
void raw_client_expect_source_refused(RawClient *client, uint32_t sequence, uint64_t source,
                                      int error, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
/* The end of the session without a word. */
void raw_client_expect_end(RawClient *client);
