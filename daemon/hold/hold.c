/* Descriptors that are held for their users. See hold.h. */
#include "daemon/hold/hold.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/tree.h"
#include "daemon/hold/hold_record.h"
#include "daemon/hold/hold_store.h"
#include "daemon/hold/note.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint64_t time_to_live_max_ms = HOLD_DAYS_MAX * UINT64_C(86400000);

/* ---- The trees ---- */

static int compare_names(const void *a, const void *b)
{
        const Hold *hold_a = a, *hold_b = b;
        uid_t uid_a = hold_a->user->uid;
        uid_t uid_b = hold_b->user->uid;

        return uid_a == uid_b ? strcmp(hold_a->name, hold_b->name) : uid_a > uid_b ? 1 : -1;
}

static int compare_numbers(const void *a, const void *b)
{
        uint64_t number_a = ((const Hold *)a)->number;
        uint64_t number_b = ((const Hold *)b)->number;

        return (number_a > number_b) - (number_a < number_b);
}

static int compare_expiries(const void *a, const void *b)
{
        uint64_t at_a = ((const Hold *)a)->expires_at_ms;
        uint64_t at_b = ((const Hold *)b)->expires_at_ms;

        return at_a == at_b ? compare_numbers(a, b) : at_a > at_b ? 1 : -1;
}

/* Before whatever there is. */
static int compare_first(const void *key, const void *element)
{
        (void)key;
        (void)element;
        return -1;
}

static Hold *first_to_expire(const HoldSet *set)
{
        return tree_after(&set->by_expiry, NULL, compare_first);
}

const Hold *hold_set_next(const HoldSet *set, uint64_t after)
{
        const Hold key = {.number = after};

        return tree_after(&set->by_number, &key, compare_numbers);
}

/* The name has been checked. */
static Hold *find(const HoldSet *set, uid_t uid, const char *name)
{
        QuotaUser user = {.uid = uid};
        Hold key = {.user = &user};
        Hold **found;

        strcpy(key.name, name);
        found = tfind(&key, &set->by_name, compare_names);
        return found ? *found : NULL;
}

static void remove_from_trees(HoldSet *set, const Hold *hold)
{
        tdelete(hold, &set->by_name, compare_names);
        tdelete(hold, &set->by_number, compare_numbers);
        tdelete(hold, &set->by_expiry, compare_expiries);
        set->count--;
}

static int insert_into_trees(HoldSet *set, const Hold *hold)
{
        set->count++;
        if (tsearch(hold, &set->by_name, compare_names) &&
            tsearch(hold, &set->by_number, compare_numbers) &&
            tsearch(hold, &set->by_expiry, compare_expiries))
                return 0;
        remove_from_trees(set, hold); /* from those it came into */
        return -ENOMEM;
}

/* ---- The end of a hold ---- */

/* Without its descriptors, which have gone; the charge with them. */
static void free_hold(HoldSet *set, Hold *hold)
{
        quota_discharge(hold->user, QUOTA_HOLDS, 1);
        quota_user_unref(set->quota, hold->user);
        free(hold);
}

/* Its user's kept ones count here, too (kept.h). */
static void count(HoldSet *set, const Hold *hold)
{
        const size_t n = hold->note_fd >= 0 ? 2 : 1;

        set->descriptors += n;
        hold->user->kept += n;
}

static void discount(HoldSet *set, const Hold *hold, size_t n)
{
        assert(set->descriptors >= n && hold->user->kept >= n);
        set->descriptors -= n;
        hold->user->kept -= n;
}

static bool give_away(HoldSet *set, const Hold *hold, int *fd)
{
        if (*fd < 0)
                return true;
        if (!set->close(set->close_data, hold->user->uid, *fd))
                return false;
        *fd = -1;
        discount(set, hold, 1);
        return true;
}

static void let_go(HoldSet *set)
{
        Hold *hold;

        while ((hold = STAILQ_FIRST(&set->leaving))) {
                if (!give_away(set, hold, &hold->fd) || !give_away(set, hold, &hold->note_fd))
                        return;
                STAILQ_REMOVE_HEAD(&set->leaving, link);
                free_hold(set, hold);
        }
}

static void expire(HoldSet *set, Hold *hold)
{
        remove_from_trees(set, hold);
        hold_store_end(set, hold);
        if (hold->stored)
                hold_record_forget(set->store, hold->number, hold->note_fd >= 0);
        STAILQ_INSERT_TAIL(&set->leaving, hold, link);
}

/* For the hold that ends first, or for those that could not go. -ENOMEM: the next change arms it.
 */
static int arm_timer(HoldSet *set)
{
        const Hold *first = first_to_expire(set);
        uint64_t wait_ms = first ? hold_time_left_ms(first) : UINT64_MAX;
        struct timeval wait;

        if (!STAILQ_EMPTY(&set->leaving) && wait_ms > HOLD_RETRY_MS)
                wait_ms = HOLD_RETRY_MS;
        if (wait_ms == UINT64_MAX) {
                loop_event_del(set->timer);
                return 0;
        }
        wait.tv_sec = (time_t)(wait_ms / 1000);
        wait.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
        return loop_event_add(set->timer, &wait) < 0 ? -ENOMEM : 0;
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
        HoldSet *set = data;
        Hold *first;

        (void)fd;
        (void)what;
        for (int i = 0; i < HOLD_EXPIRIES_PER_TURN && (first = first_to_expire(set)) &&
                        hold_time_left_ms(first) == 0;
             i++)
                expire(set, first);
        let_go(set);
        arm_timer(set);
}

/* ---- The set ---- */

int hold_set_init(HoldSet *set, Loop *loop, Quota *quota, HoldClose close, void *close_data)
{
        *set = (HoldSet){.quota = quota, .close = close, .close_data = close_data};
        STAILQ_INIT(&set->leaving);
        set->timer = loop_timer_new(loop, on_timer, set);
        if (!set->timer)
                return error_set(ENOMEM, "no memory for the holds' timer");
        if (hold_store_open(set, loop) == 0)
                return 0;
        set->timer = loop_event_free(set->timer);
        return -ENOMEM;
}

void hold_set_deinit(HoldSet *set)
{
        Hold *hold;

        while ((hold = first_to_expire(set)))
                expire(set, hold);
        let_go(set);
        while ((hold = STAILQ_FIRST(&set->leaving))) {
                STAILQ_REMOVE_HEAD(&set->leaving, link);
                discount(set, hold, (hold->fd >= 0) + (hold->note_fd >= 0));
                free_hold(set, hold);
        }
        assert(set->count == 0 && !set->by_name && !set->by_number && !set->by_expiry);
        hold_store_close(set);
        loop_event_free(set->timer);
        set->timer = NULL;
}

static int check_time_to_live(uint64_t time_to_live_ms)
{
        if (time_to_live_ms == 0)
                return error_set(EINVAL, "a time to live of 0 holds nothing: name milliseconds");
        if (time_to_live_ms > time_to_live_max_ms)
                return error_set(EINVAL, "a time to live of %llu ms is over %d days",
                                 (unsigned long long)time_to_live_ms, HOLD_DAYS_MAX);
        return 0;
}

static int check_note(int note_fd, uint32_t note_size)
{
        if (note_fd >= 0)
                return note_check(note_fd, note_size);
        if (note_size > 0)
                return error_set(EINVAL, "a note of %u bytes was announced and did not come",
                                 note_size);
        return 0;
}

static int check_kind(int fd, Hold *hold)
{
        int r = descriptor_kind_classify(fd, &hold->kind, &hold->inode);

        /* Its sentence is about waiting. */
        if (r < 0)
                return error_set(-r, "the daemon holds only what it would wait for: sockets, pipes "
                                     "and the like");
        return 0;
}

/* All that can be said without the set. The name is checked before it is copied. */
static int fill_in(Hold *hold, const HoldRequest *request, int fd, int note_fd, uint32_t note_size)
{
        struct timespec now;
        int r;

        r = name_check_hold(request->name);
        if (r == 0)
                r = check_time_to_live(request->time_to_live_ms);
        if (r == 0)
                r = check_kind(fd, hold);
        if (r == 0)
                r = check_note(note_fd, note_size);
        if (r < 0)
                return r;
        strcpy(hold->name, request->name);
        snprintf(hold->program, sizeof(hold->program), "%s", request->program);
        hold->user = request->user;
        hold->fd = fd;
        hold->note_fd = note_fd;
        hold->note_size = note_size;
        hold->session = request->session;
        hold->pid = request->pid;
        clock_gettime(CLOCK_REALTIME, &now);
        hold->since = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        hold->held_at_ms = clock_now_ms();
        hold->expires_at_ms = hold->held_at_ms + request->time_to_live_ms;
        return 0;
}

/* One that is charged: it is found from now on. Or it is not, and not charged: -ENOMEM. */
static int insert(HoldSet *set, Hold *hold)
{
        int r = insert_into_trees(set, hold);

        if (r == 0) {
                r = arm_timer(set);
                if (r < 0)
                        remove_from_trees(set, hold);
        }
        if (r < 0) {
                quota_discharge(hold->user, QUOTA_HOLDS, 1);
                return error_set(ENOMEM, "no memory for another hold");
        }
        quota_user_ref_again(hold->user);
        count(set, hold);
        return 0;
}

int hold_set_add(HoldSet *set, const HoldRequest *request, int take_fd, int take_note_fd,
                 uint32_t note_size)
{
        CLEANUP(cleanup_free) Hold *hold = calloc(1, sizeof(*hold));
        Hold *former;
        int r;

        if (!hold)
                return error_set(ENOMEM, "no memory for another hold");
        r = fill_in(hold, request, take_fd, take_note_fd, note_size);
        if (r < 0)
                return r;
        former = find(set, hold->user->uid, hold->name);
        if (former && hold_time_left_ms(former) > 0)
                return error_set(EEXIST, "%s is held already: take it", hold->name);
        r = quota_charge(hold->user, QUOTA_HOLDS, 1);
        if (r < 0)
                return r;
        if (former)
                expire(set, former); /* the timer was to do it just now */
        hold->number = ++set->last_number;
        r = insert(set, hold);
        if (r < 0)
                return r;
        hold_store_begin(set, STEAL_PTR(hold));
        return 0;
}

/* What can be wrong with one that an earlier run has checked. */
static int check_restored(const HoldSet *set, Hold *hold)
{
        int r = name_check_hold(hold->name);

        if (r == 0)
                r = check_kind(hold->fd, hold);
        if (r == 0)
                r = check_note(hold->note_fd, hold->note_size);
        if (r == 0 && find(set, hold->user->uid, hold->name))
                r = error_set(EEXIST, "%s is held already: take it", hold->name);
        return r;
}

int hold_set_restore(HoldSet *set, const Hold *restored)
{
        CLEANUP(cleanup_free) Hold *hold = malloc(sizeof(*hold));
        uint64_t longest = clock_now_ms() + time_to_live_max_ms;
        int r;

        if (!hold)
                return error_set(ENOMEM, "no memory for another hold");
        *hold = *restored;
        r = check_restored(set, hold);
        if (r < 0)
                return r;
        if (hold->expires_at_ms > longest)
                hold->expires_at_ms = longest;
        quota_charge_again(hold->user, QUOTA_HOLDS, 1);
        if (set->last_number < hold->number)
                set->last_number = hold->number;
        r = insert(set, hold);
        if (r < 0)
                return r;
        hold_store_begin(set, STEAL_PTR(hold));
        return 0;
}

int hold_set_take(HoldSet *set, uid_t uid, const char *name, HoldTaken *out)
{
        Hold *hold;
        int r;

        r = name_check_hold(name);
        if (r < 0)
                return r;
        hold = find(set, uid, name);
        if (!hold || hold_time_left_ms(hold) == 0)
                return error_set(ENOENT, "nothing is held as %s", name);
        *out = (HoldTaken){
                .was = *hold,
                .fd = hold->fd,
                .note_fd = hold->note_fd,
                .note_size = hold->note_size,
                .held_ms = clock_now_ms() - hold->held_at_ms,
                .stored = hold->stored ? hold->number : 0,
        };
        out->was.user = NULL;
        hold_store_end(set, hold);
        discount(set, hold, hold->note_fd >= 0 ? 2 : 1);
        remove_from_trees(set, hold);
        free_hold(set, hold);
        arm_timer(set);
        return 0;
}

uint64_t hold_time_left_ms(const Hold *hold)
{
        uint64_t now = clock_now_ms();

        return hold->expires_at_ms > now ? hold->expires_at_ms - now : 0;
}
