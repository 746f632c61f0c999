/* The daemon's listening sockets. See listener.h. */
#include "daemon/listen/listener.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/listen/accepting.h"
#include "daemon/listen/balancer.h"
#include "daemon/listen/listener_end.h"
#include "daemon/listen/listener_socket.h"
#include "daemon/listen/listener_tell.h"
#include "daemon/listen/listener_waiter.h"
#include "daemon/listen/placing.h"
#include "daemon/listen/socket_open.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct timeval next_turn;

/* ---- Timers -------------------------------------------------------------------------------- */

static void on_look_for_socket(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        listener_socket_look(data);
}

/* Does what a timer that could not be armed was to do. */
static void look_again(void *data)
{
        Listener *listener = data;

        listener_look_again(listener);
        listener_socket_look(listener);
        listener_watch_leaving(listener);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

static void on_expired(evutil_socket_t fd, short what, void *data)
{
        Listener *listener = data;

        (void)fd;
        (void)what;
        if (listener->ends) {
                listener_end_go_on(listener);
                return;
        }
        if (listener->group.serving > 0)
                return; /* somebody has come meanwhile */
        /* Those that have left may have much in hand. */
        if (!worker_dissolve(&listener->group, LISTENER_DISSOLVED_PER_TURN)) {
                timer_arm(listener->group.listeners->loop, listener->expires, &next_turn,
                          &listener->again);
                return;
        }
        log_user(LOG_INFO, listener->uid, "listener %s closed: nobody has served it for %u s",
                 listener->title, listener->config.keep_seconds);
        listener_close(listener, "nobody has served it in the time that it is kept");
}

void listener_watch_leaving(Listener *listener)
{
        const struct timeval keep = {.tv_sec = listener->config.keep_seconds};

        if (listener->configured)
                return;
        if (listener->ends) {
                timer_arm(listener->group.listeners->loop, listener->expires, &next_turn,
                          &listener->again);
                return;
        }
        if (listener->group.serving > 0)
                loop_event_del(listener->expires);
        else if (!loop_event_is_added(listener->expires))
                timer_arm(listener->group.listeners->loop, listener->expires, &keep,
                          &listener->again);
}

void listener_close_unused(Listener *listener)
{
        if (!listener->configured && TAILQ_EMPTY(&listener->group.workers) &&
            !loop_event_is_added(listener->expires) && !waker_waits(&listener->group.place))
                listener_close(listener, "who asked for it was refused after all");
}

static void update(void *data)
{
        listener_update(data);
}

/* What its workers have, or which there are, has changed. */
static void place(void *data)
{
        Listener *listener = data;

        placing_place_queue(&listener->group);
        listener_update(listener);
        /* It is kept from the last one's end, also of one that had left before. */
        if (listener->group.somebody_left && !listener->ends)
                loop_event_del(listener->expires);
        listener->group.somebody_left = false;
        listener_watch_leaving(listener);
}

static void heard(Connection *connection)
{
        balancer_look(connection->group);
        placing_place(connection);
}

static void make_group(Listener *listener, Listeners *listeners)
{
        Group *group = &listener->group;

        group->listeners = listeners;
        group->config = &listener->config;
        group->bound = &listener->bound;
        group->heard = heard;
        group->outgoing = &listener_worker_kind;
        group->keeper = &group->kept;
        waker_init(&group->place, place, listener);
        TAILQ_INIT(&group->workers);
        TAILQ_INIT(&group->willing);
        TAILQ_INIT(&group->resting);
        TAILQ_INIT(&group->silent);
        TAILQ_INIT(&group->queue);
        TAILQ_INIT(&group->looked_at);
}

static int no_memory(void)
{
        return error_set(ENOMEM, "no memory for another listener");
}

static int make_timers(Listener *listener)
{
        Loop *loop = listener->group.listeners->loop;

        listener->look_for_socket = loop_timer_new(loop, on_look_for_socket, listener);
        listener->expires = loop_timer_new(loop, on_expired, listener);
        return listener_make_looks(listener) == 0 && listener->look_for_socket && listener->expires
                       ? 0
                       : no_memory();
}

/* Without a socket, and not charged. 0, or -ENOMEM with error_text(), and then *out may be one that
 * is to be freed. */
static int new_listener(Listener **out, Listeners *listeners, const ListenerConfig *config,
                        QuotaUser *user)
{
        Listener *listener = calloc(1, sizeof(*listener));
        int r;

        *out = listener;
        if (!listener)
                return no_memory();
        *listener = (Listener){
                .config = *config,
                .bound = config->address,
                .fd = -1,
                .configured = !user,
        };
        address_format(&listener->bound, listener->address);
        strcpy(listener->title, config->name);
        make_group(listener, listeners);
        waker_init(&listener->room, update, listener);
        waker_init(&listener->again, look_again, listener);
        TAILQ_INIT(&listener->waiters);
        TAILQ_INSERT_TAIL(&listeners->list, listener, link);
        listeners->count++;
        r = closer_lane_open(listeners->closer, &listener->group.lane);
        return r < 0 ? r : make_timers(listener);
}

static void belong_to(Listener *listener, QuotaUser *user)
{
        listener->uid = user->uid;
        snprintf(listener->title, sizeof(listener->title), "%s of user %u", listener->config.name,
                 (unsigned)user->uid);
        listener->user = quota_user_ref_again(user);
        listener->group.keeper = &user->kept;
}

/* There may be none. error_text() stays. */
static void free_failed(Listener *listener)
{
        char why[ERROR_TEXT_MAX];

        strcpy(why, error_text());
        if (listener)
                listener_free(listener);
        error_set(ECANCELED, "%s", why);
}

int listener_open(Listener **out, Listeners *listeners, const ListenerConfig *config,
                  QuotaUser *user)
{
        Listener *listener;
        int r = new_listener(&listener, listeners, config, user);

        if (r == 0 && user)
                r = quota_charge(user, QUOTA_LISTENERS, 1);
        if (r == 0 && user)
                belong_to(listener, user);
        if (r == 0)
                r = listeners_add(listener, listeners->total + 1);
        if (r == 0)
                r = listener_socket_open(listener);
        if (r < 0) {
                free_failed(listener);
                return r;
        }
        listeners->total = listener->group.number;
        *out = listener;
        if (r > 0) {
                listener->is_new = user;
                return r;
        }
        listener_socket_store(listener);
        log_user(LOG_INFO, listener->uid, "listener %s opened at %s", listener->title,
                 listener->address);
        listener_tell(listener, IOD__WHAT__LISTENER_OPENED, 0, NULL);
        return 0;
}

int listener_open_late(Listener **out, Listeners *listeners, const ListenerConfig *config)
{
        Listener *listener;
        int r = new_listener(&listener, listeners, config, NULL);

        if (r == 0)
                r = listeners_add(listener, listeners->total + 1);
        if (r < 0) {
                free_failed(listener);
                return r;
        }
        listeners->total = listener->group.number;
        *out = listener;
        return 0;
}

/* Its socket; or another in the place of one that somebody who took it has ended. */
static int take_over(Listener *listener, const ListenerRestored *restored)
{
        Address bound;
        bool is_known = restored->bound && address_parse(restored->bound, &bound) == 0 &&
                        bound.kind == listener->config.address.kind;
        int r = is_known && !listener->config.shared
                        ? listener_socket_adopt_given(listener, restored->take_fd, &bound)
                        : listener_socket_adopt(listener, restored->take_fd);

        if (r < 0 && listener->config.shared)
                return r;
        listener->group.stored = restored->stored;
        listener->paused = restored->paused;
        listener->file = restored->file;
        if (r < 0)
                return listener_socket_replace(listener, restored->take_fd);
        log_user(LOG_INFO, listener->uid, "listener %s is back at %s", listener->title,
                 listener->address);
        return 0;
}

int listener_restore(Listener **out, Listeners *listeners, const ListenerConfig *config,
                     const ListenerRestored *restored)
{
        Listener *listener;
        int r = new_listener(&listener, listeners, config, restored->user);

        if (r == 0 && restored->user) {
                quota_charge_again(restored->user, QUOTA_LISTENERS, 1);
                belong_to(listener, restored->user);
        }
        if (r == 0)
                r = listeners_add(listener, restored->number);
        if (r == 0)
                r = take_over(listener, restored);
        if (r < 0) {
                free_failed(listener);
                return r;
        }
        if (listeners->total < restored->number)
                listeners->total = restored->number;
        *out = listener;
        return 0;
}

bool listener_suits(const Listener *listener, const ListenerConfig *config)
{
        return listener->configured && listener_config_same_socket(&listener->config, config) &&
               listener->config.metrics == config->metrics && !(listener->given && config->shared);
}

static void free_connections(ConnectionList *list)
{
        Connection *connection;

        while ((connection = TAILQ_FIRST(list))) {
                TAILQ_REMOVE(list, connection, link);
                connection_free(connection);
        }
}

Listener *listener_free(Listener *listener)
{
        Listeners *listeners = listener->group.listeners;

        worker_dissolve(&listener->group, UINT32_MAX);
        waker_cancel(&listener->group.place);
        waker_cancel(&listener->room);
        waker_cancel(&listener->again);
        scrapes_end(listeners->scrapes, listener->group.lane);
        free_connections(&listener->group.silent);
        free_connections(&listener->group.queue);
        free_connections(&listener->group.looked_at);
        loop_event_free(listener->look_again);
        loop_event_free(listener->look_on);
        loop_event_free(listener->look_for_socket);
        loop_event_free(listener->expires);
        listener_socket_forget_lack(listener);
        listeners_remove(listener);
        TAILQ_REMOVE(&listeners->list, listener, link);
        listeners->count--;
        if (!TAILQ_EMPTY(&listener->waiters))
                listener_waiters_tell(listener, error_set(ECANCELED, "listener %.60s was closed",
                                                          listener->config.name));
        if (listener->group.lane) {
                listener_socket_close(listener, listener->user);
                closer_lane_leave(listeners->closer, listener->group.lane);
        }
        free(listener);
        return NULL;
}

Listener *listener_close(Listener *listener, const char *why)
{
        listener_tell(listener, IOD__WHAT__LISTENER_CLOSED, 0, why);
        return listener_free(listener);
}

void listener_set_paused(Listener *listener, bool paused)
{
        if (listener->paused != paused) {
                listener->paused = paused;
                listener_tell(listener,
                              paused ? IOD__WHAT__LISTENER_PAUSED : IOD__WHAT__LISTENER_RESUMED, 0,
                              NULL);
                listener_socket_store(listener);
        }
        listener_update(listener);
}
