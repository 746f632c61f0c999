/*
 * Share: something that there is so much of, for all users together.
 *
 * A user may have no more of it than is free: one alone has half, two have a third each, and the
 * next one always finds some. Whoever counts for a user (a uid, a listener of the configuration)
 * keeps how much it has itself. Many users that act as one are many: each has its share.
 *
 * Does not know for whom, nor what of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct Share {
        uint64_t used; /* by all */
        uint64_t max;
} Share;

static inline uint64_t share_free(const Share *share)
{
        return share->used < share->max ? share->max - share->used : 0;
}

/* Whether who has mine of it may have n more. Of many at once the first may be all that is free. */
static inline bool share_has_room(const Share *share, uint64_t mine, uint64_t n)
{
        uint64_t left = share_free(share);

        return n <= left && (mine == 0 || (mine <= left && n <= left - mine));
}

/* How much who has mine of it may have in all now: what it has, where it may have no more. */
static inline uint64_t share_most(const Share *share, uint64_t mine)
{
        uint64_t left = share_free(share);

        return left > mine ? left : mine;
}

/* The same: 0, or -EDQUOT with error_text(), which fits on the wire: what it is, in plural, and
 * what one who has some can do. */
int share_check(const Share *share, uint64_t mine, uint64_t n, const char *what,
                const char *way_out);

/* Takes so much, whether there is room or not; and gives it back. */
void share_take(Share *share, uint64_t *mine, uint64_t n);
void share_give_back(Share *share, uint64_t *mine, uint64_t n);
