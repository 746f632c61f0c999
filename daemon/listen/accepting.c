/* When a shared listener accepts, and what of. See accepting.h. */
#include "daemon/listen/accepting.h"

#include "core/error.h"
#include "daemon/listen/balancer.h"
#include "daemon/listen/listener_socket.h"
#include "daemon/listen/listener_tell.h"
#include "daemon/listen/passing.h"
#include "daemon/listen/placing.h"
#include "daemon/listen/socket_open.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long until it looks again whether there is more of what had run out. */
static const struct timeval moment = {.tv_usec = 100000};
static const struct timeval next_turn;

/* For another descriptor. */
static bool has_room(const Listener *listener)
{
        const Group *group = &listener->group;

        return kept_has_room(group->listeners->kept, *group->keeper, group->lane, 1);
}

/* A connection accepted now would have a worker, and the daemon room for it. */
static bool wants_connections(const Listener *listener)
{
        if (listener->config.metrics)
                return listener->acceptable && !listener->paused &&
                       scrapes_have_room(listener->group.listeners->scrapes);
        return listener->acceptable && listener->config.shared && !listener->given &&
               !listener->paused && !listener->ends && has_room(listener) &&
               TAILQ_EMPTY(&listener->group.queue) &&
               listener->group.silent_count < LISTENER_SILENT_MAX &&
               balancer_credit(&listener->group) > listener->group.silent_count;
}

static void rest(Listener *listener, int error)
{
        log_user(LOG_WARNING, listener->uid, "listener %s rests for %ld ms: %s", listener->title,
                 (long)moment.tv_usec / 1000, strerror(error));
        listener_tell(listener, IOD__WHAT__LISTENER_RESTED, error, strerror(error));
        listener->resting = true;
        timer_arm(listener->group.listeners->loop, listener->look_again, &moment, &listener->again);
}

/* It would do more if there was more of something, and nobody tells when there is. */
static bool is_short(const Listener *listener)
{
        return balancer_is_short(&listener->group) ||
               (balancer_credit(&listener->group) > 0 && !has_room(listener));
}

/* If there is none: it is looked again once there is. */
static void await_room(Listener *listener)
{
        Listeners *listeners = listener->group.listeners;

        if (listener->config.metrics && !scrapes_have_room(listeners->scrapes))
                waker_wait(&listener->room, &listeners->scrapes->waiting);
        else if (listener->config.shared && !has_room(listener))
                waker_wait(&listener->room, &listeners->kept->waiting);
}

void listener_update(Listener *listener)
{
        bool wants = wants_connections(listener) && !listener->resting && !listener->group.parked;
        bool waits = loop_event_is_added(listener->acceptable);

        if (!wants)
                await_room(listener);
        if (!wants && !loop_event_is_added(listener->look_again) && is_short(listener))
                timer_arm(listener->group.listeners->loop, listener->look_again, &moment,
                          &listener->again);
        if (balancer_goes_on(&listener->group))
                timer_arm(listener->group.listeners->loop, listener->look_on, &next_turn,
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

void listener_look_again(Listener *listener)
{
        listener->resting = false;
        balancer_end_rests(&listener->group);
        placing_place_queue(&listener->group);
        listener_update(listener);
}

static void on_look_again(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        listener_look_again(data);
}

void listener_admit(Connection *connection)
{
        /* Of what a worker had, that one may have read them. */
        int has = connection->group->config->when_readable && !connection->again
                          ? connection_has_first_bytes(connection->fd)
                          : 1;

        if (has < 0 || (has == 0 && !connection_wait_for_first_bytes(connection)))
                connection_free(connection);
        else if (has > 0)
                placing_place(connection);
}

/* As accept_one(): the daemon serves it itself. */
static int scrape(Listener *listener, int take_fd)
{
        int r = scrapes_add(listener->group.listeners->scrapes, listener->group.lane, take_fd);

        if (r < 0)
                close(take_fd);
        return r < 0 ? r : 1;
}

/* 1 accepted, 0 there is none now, -errno: a want that may pass; -EINVAL the socket has ended. */
static int accept_one(Listener *listener)
{
        Connection *connection;
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                        return -errno;
                if (errno == EINVAL)
                        return error_set(EINVAL, "it does not listen any more");
                /* Anything else than EAGAIN is about one connection that is gone. */
                return errno != EAGAIN;
        }
        listener->accepted++;
        if (listener->config.metrics)
                return scrape(listener, fd);
        listener->group.listeners->counts.accepted++;
        socket_prepare_accepted(fd, &listener->config);
        connection = connection_new(&listener->group, fd);
        if (!connection)
                return -ENOMEM;
        listener_admit(connection);
        return 1;
}

static void accept_some(Listener *listener)
{
        const bool metrics = listener->config.metrics;
        const int most = metrics ? SCRAPES_ACCEPTED_PER_TURN : LISTENER_ACCEPTS_PER_TURN;
        int r = 1;

        for (int i = 0; i < most && r > 0 && wants_connections(listener) &&
                        (metrics || balancer_has_ready(&listener->group));
             i++)
                r = accept_one(listener);
        if (r == -EINVAL)
                listener_socket_renew(listener); /* or it looks again later */
        else if (r < 0)
                rest(listener, -r);
        listener_update(listener);
}

static void on_acceptable(evutil_socket_t fd, short what, void *data)
{
        Listener *listener = data;

        (void)fd;
        (void)what;
        if (!listener->config.metrics && !balancer_look(&listener->group))
                placing_await(&listener->group);
        accept_some(listener);
        /* At once: a daemon that is killed loses what it has accepted and not sent. */
        later_run(&listener->group.listeners->loop->later);
}

/* One that was awaited is ready: places and accepts now what is for it. */
static void go_on(Outgoing *outgoing)
{
        Listener *listener = listener_of(((Worker *)outgoing)->group);

        balancer_look_first((Worker *)outgoing);
        balancer_look(&listener->group);
        placing_place_queue(&listener->group);
        listener_update(listener);
        if (!listener->group.parked)
                accept_some(listener);
}

/* More of those that take connections are looked at. */
static void on_look_on(evutil_socket_t fd, short what, void *data)
{
        Listener *listener = data;

        (void)fd;
        (void)what;
        placing_place_queue(&listener->group);
        listener_update(listener);
}

const OutgoingKind listener_worker_kind = {
        .descriptors_max = PASSING_DESCRIPTORS_MAX,
        .is_due = passing_is_due,
        .send = passing_send,
        .has_read = go_on,
};

int listener_make_looks(Listener *listener)
{
        Loop *loop = listener->group.listeners->loop;

        listener->look_again = loop_timer_new(loop, on_look_again, listener);
        listener->look_on = loop_timer_new(loop, on_look_on, listener);
        return listener->look_again && listener->look_on ? 0 : -ENOMEM;
}

int listener_watch_socket(Listener *listener)
{
        listener->acceptable = loop_event_new(listener->group.listeners->loop, listener->fd,
                                              EV_READ | EV_PERSIST, on_acceptable, listener);
        return listener->acceptable ? 0 : error_set(ENOMEM, "no memory for another listener");
}
