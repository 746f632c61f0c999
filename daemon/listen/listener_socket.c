/* The socket of a listener. See listener_socket.h. */
#include "daemon/listen/listener_socket.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/listen/accepting.h"
#include "daemon/listen/given_look.h"
#include "daemon/listen/listener_record.h"
#include "daemon/listen/listener_tell.h"
#include "daemon/listen/listener_waiter.h"
#include "daemon/listen/path_task.h"
#include "daemon/listen/socket_open.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Opening and closing ------------------------------------------------------------------- */

/* What is to be known of the socket that it has now. */
static int settle(Listener *listener)
{
        DescriptorKind kind;
        int r = descriptor_kind_classify(listener->fd, &kind, &listener->inode);

        address_format(&listener->bound, listener->address);
        return r < 0 ? r : listener_watch_socket(listener);
}

/* As it was asked for, and where it was bound before if it was. */
static ListenerConfig config_here(const Listener *listener)
{
        ListenerConfig config = listener->config;

        config.address = listener->bound;
        return config;
}

static void on_opened(void *data, PathOpening *opening);

int listener_socket_open(Listener *listener)
{
        Listeners *listeners = listener->group.listeners;
        const ListenerConfig config = config_here(listener);
        int r;

        if (address_is_path(&config.address)) {
                r = path_opening_start(&listener->opening, listeners, &config, on_opened, listener);
                return r < 0 ? r : 1;
        }
        r = socket_open_listener(&config, &listener->bound, &listener->file);
        if (r < 0)
                return r;
        listener->fd = r;
        listener->given = false;
        return settle(listener);
}

int listener_socket_adopt(Listener *listener, int take_fd)
{
        int r = socket_adopt_listener(take_fd, &listener->config, &listener->bound);

        if (r < 0)
                return r;
        listener->fd = take_fd;
        /* What is there to be taken may have been, by whoever has it still. */
        listener->given = !listener->config.shared;
        r = settle(listener);
        if (r < 0)
                listener->fd = -1;
        return r;
}

int listener_socket_adopt_given(Listener *listener, int take_fd, const Address *bound)
{
        int r = socket_check_alive(take_fd, &listener->config.address);

        if (r < 0)
                return r;
        listener->fd = take_fd;
        listener->given = true;
        listener->bound = *bound;
        r = settle(listener);
        if (r < 0)
                listener->fd = -1;
        return r;
}

void listener_socket_store(Listener *listener)
{
        DescriptorStore *store = listener->group.listeners->store;

        if (listener->group.stored)
                listener_record_forget(store, listener->group.number);
        listener->group.stored = listener->fd >= 0 && listener_record_store(store, listener);
}

void listener_socket_close(Listener *listener, QuotaUser *take_user)
{
        Listeners *listeners = listener->group.listeners;

        bool comes_back = listener->group.stored && listeners->store->frozen;
        bool has_file = false;

        listener->acceptable = loop_event_free(listener->acceptable);
        if (listener->opening)
                listener->opening = path_opening_give_up(listener->opening);
        if (listener->look)
                listener->look = given_look_give_up(listener->look);
        /* What comes back with the next start goes on meanwhile; and who took it may go on with it,
         * and with its file. */
        if (listener->fd >= 0 && !comes_back && !listener->given) {
                shutdown(listener->fd, SHUT_RD);
                has_file = listener->file.inode != 0;
        }
        if (listener->group.stored)
                listener_record_forget(listeners->store, listener->group.number);
        listener->group.stored = false;
        listener->inode = 0;
        /* What waits in its backlog may bring descriptors that do not close. */
        if (has_file)
                path_removal_start(listeners, &listener->config, &listener->file,
                                   STEAL_FD(listener->fd), listener->group.lane, take_user);
        else
                closer_push_own(listeners->closer, listener->group.lane, STEAL_FD(listener->fd));
        if (has_file || !take_user)
                return;
        quota_discharge(take_user, QUOTA_LISTENERS, 1);
        quota_user_unref(listeners->quota, take_user);
}

/* ---- Without one --------------------------------------------------------------------------- */

/* Each time later than before. */
static void look_later(Listener *listener)
{
        const uint32_t ms = listener->look_ms ? listener->look_ms : LISTENER_SOCKET_FIRST_MS;
        const struct timeval time = {
                .tv_sec = ms / 1000,
                .tv_usec = (suseconds_t)(ms % 1000) * 1000,
        };

        listener->look_ms = 2 * ms < LISTENER_SOCKET_LOOK_MS ? 2 * ms : LISTENER_SOCKET_LOOK_MS;
        timer_arm(listener->group.listeners->loop, listener->look_for_socket, &time,
                  &listener->again);
}

/* Keeps why there is no socket, and says so: again only where it is another reason. */
static void note_lack(Listener *listener, int error)
{
        bool is_told = strncmp(listener->lacks, error_text(), sizeof(listener->lacks) - 1) == 0;

        if (!*listener->lacks)
                listener->group.listeners->waiting_count++;
        listener->lacks_error = error;
        snprintf(listener->lacks, sizeof(listener->lacks), "%s", error_text());
        if (is_told)
                return;
        log_user(LOG_WARNING, listener->uid, "listener %s is not served, and tried again: %s",
                 listener->title, listener->lacks);
        listener_tell(listener, IOD__WHAT__LISTENER_LOST, -error, listener->lacks);
}

void listener_socket_forget_lack(Listener *listener)
{
        if (*listener->lacks)
                listener->group.listeners->waiting_count--;
        *listener->lacks = '\0';
}

/* Has it now, or looks again later. */
static void looked(Listener *listener, int r)
{
        if (r < 0) {
                note_lack(listener, r);
                look_later(listener);
                return;
        }
        listener_socket_forget_lack(listener);
        listener->look_ms = 0;
        loop_event_del(listener->look_for_socket);
        listener_socket_store(listener);
        log_user(LOG_INFO, listener->uid, "listener %s opened at %s", listener->title,
                 listener->address);
        listener_tell(listener, IOD__WHAT__LISTENER_OPENED, 0, NULL);
        listener_update(listener);
}

void listener_socket_look(Listener *listener)
{
        int r;

        if (listener->acceptable || listener->opening)
                return;
        r = listener->fd < 0 ? listener_socket_open(listener) : settle(listener);
        if (r <= 0)
                looked(listener, r);
}

/* What was opened on a thread. */
static int take_opened(Listener *listener, PathOpening *opening)
{
        int r = opening->fd;

        if (r < 0)
                return error_set(-r, "%s", opening->why);
        r = socket_listen(opening->fd, &opening->config);
        if (r < 0)
                return r;
        listener->fd = STEAL_FD(opening->fd);
        listener->file = opening->file;
        listener->given = false;
        return settle(listener);
}

static void on_opened(void *data, PathOpening *opening)
{
        Listener *listener = data;
        int r = take_opened(listener, opening);

        listener->opening = NULL;
        path_opening_free(opening);
        listener_waiters_tell(listener, r);
        /* Of a client's that was not there yet all that is left is to say so. */
        if (r < 0 && listener->is_new) {
                listener_free(listener);
                return;
        }
        looked(listener, r);
        listener->is_new = false;
        listener_watch_leaving(listener);
}

/* ---- What has become of it ------------------------------------------------------------------ */

int listener_socket_renew(Listener *listener)
{
        const Listeners *listeners = listener->group.listeners;

        log_user(LOG_WARNING, listener->uid, "listener %s has ended, and is opened anew: %s",
                 listener->title, error_text());
        if (closer_reserve(listeners->closer, listener->group.lane, 1) < 0)
                return error_set(ENOMEM, "no memory to open listener %.40s anew",
                                 listener->config.name);
        listener_socket_close(listener, NULL);
        listener_socket_look(listener);
        return 0;
}

int listener_socket_replace(Listener *listener, int take_fd)
{
        int r;

        listener->fd = take_fd;
        listener->given = true;
        r = listener_socket_renew(listener);
        if (r < 0)
                listener->fd = -1;
        return r;
}

/* ---- Giving it out -------------------------------------------------------------------------- */

/* Who waits is served before the turn is over. */
static void on_looked(Listener *listener, int r)
{
        listener->look = NULL;
        if (r < 0)
                r = listener_socket_renew(listener);
        else
                listener->looked_turn = listener->group.listeners->loop->turn.count + 1;
        if (!listener->opening)
                listener_waiters_tell(listener, r);
}

static bool is_looked_at(const Listener *listener)
{
        return !listener->given || listener->fd < 0 ||
               listener->looked_turn == listener->group.listeners->loop->turn.count + 1;
}

static int look_at_given(Listener *listener, uid_t uid)
{
        const ListenerConfig config = config_here(listener);

        return listener->look
                       ? 0
                       : given_look_start(&listener->look, listener, &config, uid, on_looked);
}

int listener_socket_give_out(Listener *listener, uid_t uid)
{
        int fd, r = 0;

        listener_socket_look(listener);
        if (!is_looked_at(listener)) {
                r = look_at_given(listener, uid);
                return r < 0 ? r : -EINPROGRESS;
        }
        if (listener->opening)
                return -EINPROGRESS;
        if (!listener->acceptable)
                return error_set(-listener->lacks_error, "listener %.40s is not served: %s",
                                 listener->config.name, listener->lacks);
        fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
                return error_set(errno, "no descriptor for another taker: %s", strerror(errno));
        listener->given = true;
        return fd;
}

void listener_socket_backlog(const Listener *listener, uint32_t *waiting, uint32_t *most)
{
        struct tcp_info info = {.tcpi_state = 0};
        socklen_t size = sizeof(info);

        *waiting = *most = 0;
        if (listener->fd < 0 || listener->given || listener->bound.kind != ADDRESS_TCP ||
            getsockopt(listener->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
            info.tcpi_state != TCP_LISTEN)
                return;
        /* What these are of a listening socket. */
        *waiting = info.tcpi_unacked;
        *most = info.tcpi_sacked;
}
