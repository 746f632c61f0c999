/* How much of the loop's time each user gets. See share.h. */
#include "daemon/loop/time_share.h"

#include "daemon/server/server.h"
#include "daemon/session/session_events.h"

#include <errno.h>
#include <event2/event.h>

static const struct timeval next_turn;

static bool is_used_up(const Shares *shares, const UserShare *share)
{
        return share->round == shares->round && share->used_ns >= SHARE_ROUND_NS;
}

static void leave_line(Shares *shares, Session *session)
{
        UserShare *share = &session->user->share;

        TAILQ_REMOVE(&share->line, session, share_link);
        session->in_line = false;
        if (TAILQ_EMPTY(&share->line))
                TAILQ_REMOVE(&shares->users, share, link);
}

static void on_serve(evutil_socket_t fd, short what, void *data)
{
        Shares *shares = data;
        UserShare *share = TAILQ_FIRST(&shares->users), *next;

        (void)fd;
        (void)what;
        shares_renew(shares);
        for (; share; share = next) {
                next = TAILQ_NEXT(share, link);
                while (!TAILQ_EMPTY(&share->line) && !is_used_up(shares, share)) {
                        Session *session = TAILQ_FIRST(&share->line);
                        /* The last of a user's sessions may end, and the user with it. */
                        bool is_last = !TAILQ_NEXT(session, share_link);

                        leave_line(shares, session);
                        session_serve(session);
                        if (is_last)
                                break;
                }
        }
        if (!TAILQ_EMPTY(&shares->users))
                evtimer_add(shares->serve, &next_turn);
}

int shares_open(Shares *shares, struct event_base *base)
{
        TAILQ_INIT(&shares->users);
        shares->round = 1;
        shares->serve = evtimer_new(base, on_serve, shares);
        return shares->serve ? 0 : -ENOMEM;
}

void shares_close(Shares *shares)
{
        if (shares->serve)
                event_free(shares->serve);
        shares->serve = NULL;
}

void shares_renew(Shares *shares)
{
        shares->round++;
}

void user_share_init(UserShare *share)
{
        *share = (UserShare){.round = 0};
        TAILQ_INIT(&share->line);
}

void share_wait(Shares *shares, Session *session)
{
        UserShare *share = &session->user->share;

        if (session->in_line)
                return;
        if (TAILQ_EMPTY(&share->line))
                TAILQ_INSERT_TAIL(&shares->users, share, link);
        TAILQ_INSERT_TAIL(&share->line, session, share_link);
        session->in_line = true;
        evtimer_add(shares->serve, &next_turn);
}

bool share_has_to_wait(Shares *shares, Session *session)
{
        const UserShare *share = &session->user->share;

        if (!session->in_line && TAILQ_EMPTY(&share->line) && !is_used_up(shares, share))
                return false;
        share_wait(shares, session);
        return true;
}

bool share_use(Shares *shares, Session *session, uint64_t ns)
{
        UserShare *share = &session->user->share;

        if (share->round != shares->round) {
                share->round = shares->round;
                share->used_ns = 0;
        }
        share->used_ns += ns;
        return is_used_up(shares, share);
}

void share_leave(Shares *shares, Session *session)
{
        if (session->in_line)
                leave_line(shares, session);
}
