/*
 * Offers: the ids that a worker has offered and that are not used yet, in their order.
 *
 * A ring that grows and shrinks with what is in it or may come back: who takes one out and gives it
 * back has to find its place, without memory for it. So the ring has room for those that are out.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct Offers {
        uint64_t *sources;
        uint32_t capacity;
        uint32_t head;
        uint32_t count;
} Offers;

void offers_deinit(Offers *offers);

/* Adds n at the end, with out others out. 0 or -ENOMEM. */
int offers_add(Offers *offers, const uint64_t *sources, size_t n, uint32_t out);
/* The first, which is out now. There has to be one. */
uint64_t offers_take(Offers *offers);
/* One that was out is the first again. */
void offers_give_back(Offers *offers, uint64_t source);
/* No more than out will come back: gives back memory if it is worth it. */
void offers_settle(Offers *offers, uint32_t out);
