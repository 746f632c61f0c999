/* Ids that were offered. See offers.h. */
#include "daemon/listen/offers.h"

#include <errno.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 4 };

void offers_deinit(Offers *offers)
{
        free(offers->sources);
        *offers = (Offers){.sources = NULL};
}

static uint64_t *place(const Offers *offers, uint32_t i)
{
        return &offers->sources[(offers->head + i) % offers->capacity];
}

/* 0 or -ENOMEM, and nothing changed. */
static int move(Offers *offers, uint32_t capacity)
{
        uint64_t *sources = reallocarray(NULL, capacity, sizeof(*sources));

        if (!sources)
                return -ENOMEM;
        for (uint32_t i = 0; i < offers->count; i++)
                sources[i] = *place(offers, i);
        free(offers->sources);
        offers->sources = sources;
        offers->capacity = capacity;
        offers->head = 0;
        return 0;
}

int offers_add(Offers *offers, const uint64_t *sources, size_t n, uint32_t out)
{
        size_t needed = (size_t)offers->count + out + n;
        uint32_t capacity = offers->capacity ? offers->capacity : CAPACITY_MIN;

        while (capacity < needed)
                capacity *= 2;
        if (n > 0 && capacity > offers->capacity && move(offers, capacity) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                *place(offers, offers->count++) = sources[i];
        return 0;
}

uint64_t offers_take(Offers *offers)
{
        uint64_t source = *place(offers, 0);

        offers->head = (offers->head + 1) % offers->capacity;
        offers->count--;
        return source;
}

void offers_give_back(Offers *offers, uint64_t source)
{
        offers->head = (offers->head + offers->capacity - 1) % offers->capacity;
        offers->count++;
        *place(offers, 0) = source;
}

void offers_settle(Offers *offers, uint32_t out)
{
        uint32_t needed = offers->count + out;

        if (needed == 0)
                offers_deinit(offers);
        else if (offers->capacity > CAPACITY_MIN && needed <= offers->capacity / 4)
                move(offers, offers->capacity / 2);
}
