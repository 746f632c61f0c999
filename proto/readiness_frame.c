/* Readiness, to and from bytes. See readiness_frame.h. */
#include "proto/readiness_frame.h"

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <string.h>

/* A field's number and 2, for bytes that begin with their length. Frame.readiness is 31, which
 * takes two bytes; Readiness.event is 1. */
enum {
        READINESS_TAG_LOW = 0xfa,
        READINESS_TAG_HIGH = 0x01,
        EVENT_TAG = 0x0a,
};

static uint8_t *put_length(uint8_t *at, size_t length)
{
        if (length < 0x80) {
                *at++ = (uint8_t)length;
                return at;
        }
        *at++ = (uint8_t)(length | 0x80);
        *at++ = (uint8_t)(length >> 7);
        return at;
}

size_t readiness_frame_encode(uint8_t bytes[static READINESS_FRAME_BYTES_MAX],
                              const uint64_t *events, size_t n)
{
        size_t events_size = n * 8;
        uint8_t *at = bytes;

        assert(n > 0 && n <= FRAME_EVENTS_MAX);
        *at++ = READINESS_TAG_LOW;
        *at++ = READINESS_TAG_HIGH;
        at = put_length(at, 1 + (events_size < 0x80 ? 1 : 2) + events_size);
        *at++ = EVENT_TAG;
        at = put_length(at, events_size);
        for (size_t i = 0; i < n; i++, at += 8) {
                uint64_t event = htole64(events[i]);

                memcpy(at, &event, 8);
        }
        return (size_t)(at - bytes);
}

/* Whether what is left begins with its own length, past which *at is then. */
static bool take_length(const uint8_t **at, const uint8_t *end)
{
        const uint8_t *next = *at;
        size_t length;

        if (next == end)
                return false;
        length = *next++;
        if (length >= 0x80) {
                if (next == end)
                        return false;
                length = (length & 0x7f) | (size_t)*next++ << 7;
        }
        *at = next;
        return length == (size_t)(end - next);
}

size_t readiness_frame_decode(const uint8_t *bytes, size_t size,
                              uint64_t events[static FRAME_EVENTS_MAX])
{
        const uint8_t *at = bytes, *end = bytes + size;
        size_t n;

        if (size < 2 || at[0] != READINESS_TAG_LOW || at[1] != READINESS_TAG_HIGH)
                return 0;
        at += 2;
        if (!take_length(&at, end) || at == end || *at++ != EVENT_TAG || !take_length(&at, end))
                return 0;
        n = (size_t)(end - at) / 8;
        if ((size_t)(end - at) != n * 8 || n > FRAME_EVENTS_MAX)
                return 0;
        for (size_t i = 0; i < n; i++, at += 8) {
                uint64_t event;

                memcpy(&event, at, 8);
                events[i] = le64toh(event);
        }
        return n;
}
