/* What clients have left unread. See session_remains.h. */
#include "daemon/session/session_remains.h"

#include "core/cleanup.h"
#include "core/share.h"
#include "daemon/session/sessions.h"
#include "proto/frame_socket.h"

#include <stdlib.h>

static void bury(Remains *remains)
{
        Sessions *sessions = remains->sessions;

        loop_event_free(remains->read);
        in_flight_discharge(sessions->in_flight, &remains->in_flight);
        if (remains->user) {
                TAILQ_REMOVE(&sessions->remains, remains, link);
                sessions->remains_count--;
                quota_discharge(remains->user, QUOTA_SESSIONS, 1);
                quota_user_unref(sessions->quota, remains->user);
        } else {
                TAILQ_REMOVE(&sessions->strangers, remains, link);
                sessions->strangers_count--;
        }
        closer_push_own(sessions->closer, remains->lane, remains->socket_fd);
        closer_lane_leave(sessions->closer, remains->lane);
        free(remains);
}

static void on_read(evutil_socket_t fd, short what, void *data)
{
        (void)what;
        if (!frame_socket_has_unread(fd))
                bury(data);
}

/* On an edge: shut down, it is ready all the time. */
static bool watch(Remains *remains)
{
        remains->read = loop_event_new(remains->sessions->loop, remains->socket_fd,
                                       EV_WRITE | EV_PERSIST | EV_ET, on_read, remains);
        return remains->read && loop_event_add(remains->read, NULL) == 0;
}

bool remains_keep(Session *session)
{
        Sessions *sessions = session->sessions;
        Remains *remains;
        uint32_t unread = session->in_flight.count;

        if (sessions->closing || !frame_socket_has_unread(session->socket_fd))
                return false;
        remains = calloc(1, sizeof(*remains));
        if (!remains)
                return false;
        *remains = (Remains){
                .sessions = sessions,
                .socket_fd = session->socket_fd,
                .lane = session->lane,
                .user = session->user,
                .uid = session->peer.uid,
                .in_flight = {.user = session->user, .borrow_socket_fd = session->socket_fd},
        };
        if (!watch(remains)) {
                loop_event_free(remains->read);
                free(remains);
                return false;
        }
        in_flight_discharge(sessions->in_flight, &session->in_flight);
        in_flight_charge(sessions->in_flight, &remains->in_flight, unread);
        TAILQ_INSERT_TAIL(&sessions->remains, remains, link);
        sessions->remains_count++;
        session->socket_fd = -1;
        session->user = NULL;
        return true;
}

bool remains_have_room_for(const Sessions *sessions, uid_t uid)
{
        const Share strangers = {.used = sessions->strangers_count, .max = REMAINS_STRANGERS_MAX};
        const Remains *remains;
        uint64_t mine = 0;

        TAILQ_FOREACH(remains, &sessions->strangers, link)
        mine += remains->uid == uid;
        return share_has_room(&strangers, mine, 1);
}

void remains_keep_stranger(Sessions *sessions, uid_t uid, int take_fd)
{
        Remains *remains = calloc(1, sizeof(*remains));

        if (remains) {
                *remains = (Remains){
                        .sessions = sessions,
                        .socket_fd = take_fd,
                        .lane = &sessions->closer->strangers,
                        .uid = uid,
                };
                if (!watch(remains)) {
                        loop_event_free(remains->read);
                        free(STEAL_PTR(remains));
                }
        }
        if (!remains) {
                closer_push_own(sessions->closer, &sessions->closer->strangers, take_fd);
                return;
        }
        TAILQ_INSERT_TAIL(&sessions->strangers, remains, link);
        sessions->strangers_count++;
}

void remains_close(Sessions *sessions)
{
        Remains *remains;

        sessions->closing = true;
        while ((remains = TAILQ_FIRST(&sessions->remains)) ||
               (remains = TAILQ_FIRST(&sessions->strangers)))
                bury(remains);
}
