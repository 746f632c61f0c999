/*
 * Messages nobody else sends: round trip, process and connection, then bytes that follow from them
 * and the seed. So every byte of a reply can be checked, and one that was meant for somebody else
 * is told from one that comes late.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct LoadMessageId {
        uint64_t round_trip;
        uint32_t process;
        uint32_t connection;
} LoadMessageId;

void load_message_write(uint8_t *message, size_t size, const LoadMessageId *id, uint64_t seed);

typedef enum LoadVerdict {
        LOAD_REPLY_GOOD,
        LOAD_REPLY_LATE, /* to an earlier round trip of this connection, and good otherwise */
        LOAD_REPLY_WRONG,
} LoadVerdict;

/* Compares a reply with the message it should repeat. */
LoadVerdict load_message_check(const uint8_t *reply, const uint8_t *message, size_t size,
                               const LoadMessageId *id, uint64_t seed);

/* The next number of a sequence that state keeps. */
uint64_t load_random(uint64_t *state);
