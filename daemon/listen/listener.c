/* The daemon's listening sockets. See listener.h. */
#include "daemon/listen/listener.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/listen/balancer.h"
#include "daemon/listen/listener_record.h"
#include "daemon/listen/passing.h"
#include "daemon/listen/placing.h"
#include "daemon/listen/socket_open.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* How long until it looks again whether there is more of what had run out. */
static const struct timeval moment = {.tv_usec = 100000};

/* ---- Accepting ----------------------------------------------------------------------------- */

/* For another descriptor, and as many for other listeners as it has already. */
static bool has_room(const Listener *listener)
{
        const Kept *kept = listener->group.listeners->kept;

        return kept_has_room(kept, listener->group.lane) &&
               listener->group.kept_count < kept->max - kept->count;
}

/* A connection accepted now would have a worker, and the daemon room for it. */
static bool wants_connections(const Listener *listener)
{
        return listener->config.shared && !listener->paused && has_room(listener) &&
               TAILQ_EMPTY(&listener->group.queue) &&
               listener->group.silent_count < LISTENER_SILENT_MAX &&
               balancer_credit(&listener->group) > listener->group.silent_count;
}

static void rest(Listener *listener, int error)
{
        log_user(LOG_WARNING, listener->uid, "listener %s rests for %ld ms: %s",
                 listener->config.name, (long)moment.tv_usec / 1000, strerror(error));
        listener->resting = true;
        timer_arm(listener->group.listeners->loop, listener->look_again, &moment, &listener->again);
}

/* It would do more if there was more of something, and nobody tells when there is. */
static bool is_short(const Listener *listener)
{
        return balancer_is_short(&listener->group) ||
               (balancer_credit(&listener->group) > 0 && !has_room(listener));
}

void listener_update(Listener *listener)
{
        bool wants = wants_connections(listener) && !listener->resting && !listener->group.parked;
        bool waits = loop_event_is_added(listener->acceptable);

        if (!wants && listener->config.shared && !has_room(listener))
                waker_wait(&listener->room, &listener->group.listeners->kept->waiting);
        if (!wants && !loop_event_is_added(listener->look_again) && is_short(listener))
                timer_arm(listener->group.listeners->loop, listener->look_again, &moment,
                          &listener->again);
        if (wants == waits)
                return;
        if (!wants)
                loop_event_del(listener->acceptable);
        else if (loop_event_add(listener->acceptable, NULL) < 0)
                rest(listener, ENOMEM);
}

void listener_update_all(Listeners *listeners)
{
        Listener *listener;

        TAILQ_FOREACH(listener, &listeners->list, link)
        listener_update(listener);
}

/* Those who rested are tried again. */
static void on_look_again(evutil_socket_t fd, short what, void *data)
{
        Listener *listener = data;
        Worker *worker;

        (void)fd;
        (void)what;
        listener->resting = false;
        TAILQ_FOREACH(worker, &listener->group.workers, link)
        worker->resting = false;
        placing_place_queue(&listener->group);
        listener_update(listener);
}

void listener_admit(Connection *connection)
{
        int has = connection->group->config->when_readable
                          ? connection_has_first_bytes(connection->fd)
                          : 1;

        if (has < 0 || (has == 0 && !connection_wait_for_first_bytes(connection)))
                connection_free(connection);
        else if (has > 0)
                placing_place(connection);
}

/* Does what a timer that could not be armed was to do. */
static void look_again(void *data)
{
        Listener *listener = data;

        on_look_again(-1, 0, listener);
        listener_watch_leaving(listener);
}

/* 1 accepted, 0 there is none now, -errno: a want that may pass. */
static int accept_one(Listener *listener)
{
        Connection *connection;
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                        return -errno;
                /* Anything else than EAGAIN is about one connection that is gone. */
                return errno != EAGAIN;
        }
        listener->accepted++;
        socket_prepare_accepted(fd, &listener->config);
        connection = connection_new(&listener->group, fd);
        if (!connection)
                return -ENOMEM;
        listener_admit(connection);
        return 1;
}

static void accept_some(Listener *listener)
{
        int r = 1;

        for (int i = 0; i < LISTENER_ACCEPTS_PER_TURN && r > 0 && wants_connections(listener) &&
                        balancer_has_ready(&listener->group);
             i++)
                r = accept_one(listener);
        if (r < 0)
                rest(listener, -r);
        listener_update(listener);
}

static void on_acceptable(evutil_socket_t fd, short what, void *data)
{
        Listener *listener = data;

        (void)fd;
        (void)what;
        if (!balancer_look(&listener->group))
                placing_await(&listener->group);
        accept_some(listener);
        /* At once: a daemon that is killed loses what it has accepted and not sent. */
        later_run(&listener->group.listeners->loop->later);
}

/* One that was awaited is ready: places and accepts now what is for it. */
static void go_on(Outgoing *outgoing)
{
        Listener *listener = listener_of(((Worker *)outgoing)->group);

        balancer_look(&listener->group);
        placing_place_queue(&listener->group);
        listener_update(listener);
        if (!listener->group.parked)
                accept_some(listener);
}

static const OutgoingKind worker_kind = {
        .descriptors_max = PASSING_DESCRIPTORS_MAX,
        .is_due = passing_is_due,
        .send = passing_send,
        .has_read = go_on,
};

/* ---- Opening and closing ------------------------------------------------------------------- */

static bool is_served(const Listener *listener)
{
        const Worker *worker;

        TAILQ_FOREACH(worker, &listener->group.workers, link)
        {
                if (!worker->left)
                        return true;
        }
        return false;
}

static void on_expired(evutil_socket_t fd, short what, void *data)
{
        Listener *listener = data;

        (void)fd;
        (void)what;
        if (is_served(listener))
                return; /* somebody has come meanwhile */
        log_user(LOG_INFO, listener->uid, "listener %s closed: nobody has served it for %u s",
                 listener->config.name, listener->config.keep_seconds);
        listener_free(listener);
}

void listener_watch_leaving(Listener *listener)
{
        const struct timeval keep = {.tv_sec = listener->config.keep_seconds};

        if (listener->configured)
                return;
        if (is_served(listener))
                loop_event_del(listener->expires);
        else if (!loop_event_is_added(listener->expires))
                timer_arm(listener->group.listeners->loop, listener->expires, &keep,
                          &listener->again);
}

void listener_close_unused(Listener *listener)
{
        if (!listener->configured && TAILQ_EMPTY(&listener->group.workers) &&
            !loop_event_is_added(listener->expires) && !waker_waits(&listener->group.place))
                listener_free(listener);
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
        if (listener->group.somebody_left)
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
        group->outgoing = &worker_kind;
        waker_init(&group->place, place, listener);
        TAILQ_INIT(&group->workers);
        TAILQ_INIT(&group->silent);
        TAILQ_INIT(&group->queue);
}

static int make_events(Listener *listener)
{
        Loop *loop = listener->group.listeners->loop;

        listener->acceptable =
                loop_event_new(loop, listener->fd, EV_READ | EV_PERSIST, on_acceptable, listener);
        listener->look_again = loop_timer_new(loop, on_look_again, listener);
        listener->expires = loop_timer_new(loop, on_expired, listener);
        if (!listener->acceptable || !listener->look_again || !listener->expires)
                return error_set(ENOMEM, "no memory for another listener");
        return 0;
}

/* Without a socket, and not charged. NULL: no memory. */
static Listener *new_listener(Listeners *listeners, const ListenerConfig *config, QuotaUser *user)
{
        Listener *listener = calloc(1, sizeof(*listener));

        if (!listener)
                return NULL;
        *listener = (Listener){.config = *config, .fd = -1, .configured = !user};
        make_group(listener, listeners);
        waker_init(&listener->room, update, listener);
        waker_init(&listener->again, look_again, listener);
        TAILQ_INSERT_TAIL(&listeners->list, listener, link);
        listeners->count++;
        return listener;
}

static void belong_to(Listener *listener, QuotaUser *user)
{
        listener->uid = user->uid;
        listener->user = quota_user_ref_again(user);
}

/* After it has its socket. */
static int make_ready(Listener *listener)
{
        DescriptorKind kind;
        int r = descriptor_kind_classify(listener->fd, &kind, &listener->inode);

        address_format(&listener->bound, listener->address);
        return r == 0 ? make_events(listener) : r;
}

int listener_open(Listener **out, Listeners *listeners, const ListenerConfig *config,
                  QuotaUser *user)
{
        Listener *listener = new_listener(listeners, config, user);
        int r = 0;

        if (!listener)
                return error_set(ENOMEM, "no memory for another listener");
        if (user)
                r = quota_charge(user, QUOTA_LISTENERS, 1);
        if (user && r == 0)
                belong_to(listener, user);
        if (r == 0)
                r = closer_lane_open(listeners->closer, &listener->group.lane);
        if (r == 0)
                r = listener->fd = socket_open_listener(config, &listener->bound, &listener->file);
        if (r >= 0)
                r = make_ready(listener);
        if (r < 0) {
                listener_free(listener);
                return r;
        }
        listener->group.number = ++listeners->total;
        listener->group.stored = listener_record_store(listeners->store, listener);
        log_user(LOG_INFO, listener->uid, "listener %s opened at %s", config->name,
                 listener->address);
        *out = listener;
        return 0;
}

int listener_restore(Listener **out, Listeners *listeners, const ListenerConfig *config,
                     const ListenerRestored *restored)
{
        Listener *listener = new_listener(listeners, config, restored->user);
        int r;

        if (!listener)
                return error_set(ENOMEM, "no memory for another listener");
        if (restored->user) {
                quota_charge_again(restored->user, QUOTA_LISTENERS, 1);
                belong_to(listener, restored->user);
        }
        listener->group.number = restored->number;
        listener->paused = restored->paused;
        listener->file = restored->file;
        listener->given = !config->shared;
        if (listeners->total < listener->group.number)
                listeners->total = listener->group.number;
        r = closer_lane_open(listeners->closer, &listener->group.lane);
        if (r == 0)
                r = socket_adopt_listener(restored->take_fd, config, &listener->bound);
        if (r == 0) {
                listener->fd = restored->take_fd;
                r = make_ready(listener);
        }
        if (r < 0) {
                listener->fd = -1;
                listener_free(listener);
                return r;
        }
        listener->group.stored = restored->stored;
        log_user(LOG_INFO, listener->uid, "listener %s is back at %s", config->name,
                 listener->address);
        *out = listener;
        return 0;
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

        worker_dissolve(&listener->group);
        waker_cancel(&listener->group.place);
        waker_cancel(&listener->room);
        waker_cancel(&listener->again);
        free_connections(&listener->group.silent);
        free_connections(&listener->group.queue);
        loop_event_free(listener->acceptable);
        loop_event_free(listener->look_again);
        loop_event_free(listener->expires);
        if (listener->user) {
                quota_discharge(listener->user, QUOTA_LISTENERS, 1);
                quota_user_unref(listeners->quota, listener->user);
        }
        TAILQ_REMOVE(&listeners->list, listener, link);
        listeners->count--;
        /* What comes back with the next start goes on meanwhile. */
        if (listener->fd >= 0 && !(listener->group.stored && listeners->store->frozen)) {
                /* Who took it may go on with it, and with its file. */
                if (listener->config.shared || !listener->given) {
                        shutdown(listener->fd, SHUT_RD);
                        socket_file_remove(&listener->config, &listener->file);
                }
        }
        if (listener->group.stored)
                listener_record_forget(listeners->store, listener->group.number);
        /* What waits in its backlog may bring descriptors that do not close. */
        if (listener->group.lane) {
                closer_push_own(listeners->closer, listener->group.lane, listener->fd);
                closer_lane_leave(listeners->closer, listener->group.lane);
        }
        free(listener);
        return NULL;
}

Listener *listener_find(const Listeners *listeners, const char *name)
{
        Listener *listener, *found = NULL;

        TAILQ_FOREACH(listener, &listeners->list, link)
        {
                if (strcmp(listener->config.name, name) == 0 &&
                    (!found || (listener->configured && !found->configured)))
                        found = listener;
        }
        return found;
}

void listener_set_paused(Listener *listener, bool paused)
{
        if (listener->paused != paused && listener->group.stored)
                listener_record_forget(listener->group.listeners->store, listener->group.number);
        if (listener->paused != paused) {
                listener->paused = paused;
                listener->group.stored =
                        listener_record_store(listener->group.listeners->store, listener);
        }
        listener_update(listener);
}
