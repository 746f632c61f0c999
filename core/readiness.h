/*
 * core/: what both sides are made of; knows nobody.
 *
 * Readiness: what the kernel says a descriptor can do now, as bits that mean the same on both
 * sides of the wire, and the tick that says when it was said.
 *
 * A ReadinessWord packs both into 64 bits so that one atomic holds them: tick 48 | bits 16. An
 * event ORs its bits in and adds one to the tick. Clearing names the tick that was seen before
 * the OS said EAGAIN; if an event came since, nothing is cleared and nothing is lost.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint16_t Readiness;

enum {
        READINESS_READABLE = 1 << 0,
        READINESS_WRITABLE = 1 << 1,
        READINESS_READ_CLOSED = 1 << 2,
        READINESS_WRITE_CLOSED = 1 << 3,
        READINESS_ERROR = 1 << 4,
        READINESS_PRIORITY = 1 << 5,

        /* What may be asked for; closed and error always come unasked. */
        READINESS_INTERESTS = READINESS_READABLE | READINESS_WRITABLE | READINESS_PRIORITY,
        READINESS_ALL = (1 << 6) - 1,
};

typedef uint64_t ReadinessWord;

static inline Readiness readiness_word_bits(ReadinessWord word)
{
        return (Readiness)(word & 0xffff);
}

static inline uint64_t readiness_word_tick(ReadinessWord word)
{
        return word >> 16;
}

/* The word after an event with these bits. */
static inline ReadinessWord readiness_word_add(ReadinessWord word, Readiness bits)
{
        return (((readiness_word_tick(word) + 1) << 16) | readiness_word_bits(word)) | bits;
}

/* The bits that end a wait for this interest: its own, and what closes or breaks it. */
static inline Readiness readiness_that_ends(Readiness interest)
{
        Readiness bits = (interest & READINESS_INTERESTS) | READINESS_ERROR;

        if (interest & (READINESS_READABLE | READINESS_PRIORITY))
                bits |= READINESS_READ_CLOSED;
        if (interest & READINESS_WRITABLE)
                bits |= READINESS_WRITE_CLOSED;
        return bits;
}

/* epoll's events to ours, and an interest to the epoll events to ask for (edge-triggered). */
Readiness readiness_from_epoll(uint32_t events);
uint32_t readiness_to_epoll(Readiness interest);

/* Writes the set bits for a person, "readable writable", or "-" for none; returns buffer. */
enum { READINESS_TEXT_MAX = 64 };
const char *readiness_to_text(Readiness bits, char buffer[static READINESS_TEXT_MAX]);
