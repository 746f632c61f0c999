/* What there is so much of, for all users together. See share.h. */
#include "core/share.h"

#include "core/error.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

int share_check(const Share *share, uint64_t mine, uint64_t n, const char *what,
                const char *way_out)
{
        if (share_has_room(share, mine, n))
                return 0;
        return error_set(EDQUOT,
                         "%" PRIu64 " of %" PRIu64 " %s of all users together; %" PRIu64
                         " are yours: %s",
                         share->used, share->max, what, mine, mine > 0 ? way_out : "try later");
}

void share_take(Share *share, uint64_t *mine, uint64_t n)
{
        assert(n <= UINT64_MAX - share->used);
        share->used += n;
        *mine += n;
}

void share_give_back(Share *share, uint64_t *mine, uint64_t n)
{
        assert(n <= *mine && *mine <= share->used);
        share->used -= n;
        *mine -= n;
}
