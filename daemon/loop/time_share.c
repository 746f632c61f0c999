/* How much of the loop's time each user gets. See time_share.h. */
#include "daemon/loop/time_share.h"

#include <errno.h>

static const struct timeval next_turn;

static bool is_used_up(const TimeShares *shares, const UserShare *share)
{
        return share->round == shares->round && share->used_ns >= SHARE_ROUND_NS;
}

static void leave_line(TimeShares *shares, UserShare *share, Waker *session)
{
        waker_cancel(session);
        if (TAILQ_EMPTY(&share->line))
                TAILQ_REMOVE(&shares->users, share, link);
}

static void on_serve(evutil_socket_t fd, short what, void *data)
{
        TimeShares *shares = data;
        UserShare *share = TAILQ_FIRST(&shares->users), *next;

        (void)fd;
        (void)what;
        time_shares_renew(shares);
        for (; share; share = next) {
                next = TAILQ_NEXT(share, link);
                while (!TAILQ_EMPTY(&share->line) && !is_used_up(shares, share)) {
                        Waker *session = TAILQ_FIRST(&share->line);
                        /* One that waits again alone goes on in the next round. */
                        bool is_last = !TAILQ_NEXT(session, link);

                        leave_line(shares, share, session);
                        session->wake(session->data);
                        if (is_last)
                                break;
                }
        }
        if (!TAILQ_EMPTY(&shares->users))
                loop_event_add(shares->serve, &next_turn);
}

int time_shares_open(TimeShares *shares, Loop *loop)
{
        TAILQ_INIT(&shares->users);
        shares->round = 1;
        shares->serve = loop_timer_new(loop, on_serve, shares);
        return shares->serve ? 0 : -ENOMEM;
}

void time_shares_close(TimeShares *shares)
{
        shares->serve = loop_event_free(shares->serve);
}

void time_shares_renew(TimeShares *shares)
{
        shares->round++;
}

void user_share_init(UserShare *share)
{
        *share = (UserShare){.round = 0};
        TAILQ_INIT(&share->line);
}

void time_share_wait(TimeShares *shares, UserShare *share, Waker *session)
{
        if (waker_waits(session))
                return;
        if (TAILQ_EMPTY(&share->line))
                TAILQ_INSERT_TAIL(&shares->users, share, link);
        waker_wait(session, &share->line);
        loop_event_add(shares->serve, &next_turn);
}

bool time_share_has_to_wait(TimeShares *shares, UserShare *share, Waker *session)
{
        if (!waker_waits(session) && TAILQ_EMPTY(&share->line) && !is_used_up(shares, share))
                return false;
        time_share_wait(shares, share, session);
        return true;
}

bool time_share_use(const TimeShares *shares, UserShare *share, uint64_t ns)
{
        if (share->round != shares->round) {
                share->round = shares->round;
                share->used_ns = 0;
        }
        share->used_ns += ns;
        return is_used_up(shares, share);
}

void time_share_leave(TimeShares *shares, UserShare *share, Waker *session)
{
        if (waker_waits(session))
                leave_line(shares, share, session);
}
