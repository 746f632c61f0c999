/* systemd's store of descriptors. See descriptor_store.h. */
#include "daemon/store/descriptor_store.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

struct StoreChange {
        TAILQ_ENTRY(StoreChange) link;
        bool adds;
        char name[SERVICE_MANAGER_NAME_MAX];
        size_t count;
        int fds[DESCRIPTOR_STORE_PER_NAME_MAX]; /* borrowed */
        int record;                             /* owned; -1: none */
};

/* The message of a change, with its descriptors. */
typedef struct Message {
        char text[SERVICE_MANAGER_NAME_MAX + 64];
        struct iovec bytes;
        struct msghdr header;
        union {
                struct cmsghdr align;
                char space[CMSG_SPACE(sizeof(int) * (DESCRIPTOR_STORE_PER_NAME_MAX + 1))];
        } control;
} Message;

/* ---- Sending ------------------------------------------------------------------------------- */

static int connect_to_manager(int borrow_fd)
{
        const char *path = service_manager_notify_socket();
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t length = strlen(path);

        if (length >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, length);
        if (*path == '@')
                *address.sun_path = '\0'; /* an abstract one */
        if (connect(borrow_fd, (const struct sockaddr *)&address,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
                return -errno;
        return 0;
}

static void attach_descriptors(Message *message, const StoreChange *change)
{
        int fds[DESCRIPTOR_STORE_PER_NAME_MAX + 1];
        size_t count = change->count;
        struct cmsghdr *control;

        memcpy(fds, change->fds, count * sizeof(*fds));
        if (change->record >= 0)
                fds[count++] = change->record;
        message->header.msg_control = message->control.space;
        message->header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        control = CMSG_FIRSTHDR(&message->header);
        control->cmsg_level = SOL_SOCKET;
        control->cmsg_type = SCM_RIGHTS;
        control->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(control), fds, sizeof(int) * count);
}

static void make_message(const StoreChange *change, Message *message)
{
        memset(message, 0, sizeof(*message));
        snprintf(message->text, sizeof(message->text),
                 change->adds ? "FDSTORE=1\nFDPOLL=0\nFDNAME=%s" : "FDSTOREREMOVE=1\nFDNAME=%s",
                 change->name);
        message->bytes.iov_base = message->text;
        message->bytes.iov_len = strlen(message->text);
        message->header.msg_iov = &message->bytes;
        message->header.msg_iovlen = 1;
        if (change->adds)
                attach_descriptors(message, change);
}

/* 0 or -errno; -EAGAIN systemd has not read what was sent before. */
static int send_change(const DescriptorStore *store, const StoreChange *change)
{
        Message message;

        make_message(change, &message);
        for (int tries = 0;; tries++) {
                if (sendmsg(store->fd, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                        return 0;
                /* It may have made its socket anew. */
                if ((errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET) ||
                    tries > 0)
                        return -errno;
                if (connect_to_manager(store->fd) < 0)
                        return -ECONNREFUSED;
        }
}

static void free_change(StoreChange *change)
{
        cleanup_close(&change->record);
        free(change);
}

/* Sends what waits, in order, as far as it goes. */
static int send_changes(DescriptorStore *store)
{
        StoreChange *change;

        while ((change = TAILQ_FIRST(&store->changes))) {
                int r = send_change(store, change);

                if (r < 0)
                        return r;
                TAILQ_REMOVE(&store->changes, change, link);
                free_change(change);
        }
        return 0;
}

static void send_or_wait(DescriptorStore *store)
{
        const struct timeval moment = {.tv_usec = 100000};
        int r;

        if (loop_event_is_added(store->writable) || loop_event_is_added(store->again))
                return;
        r = send_changes(store);
        if (r == -EAGAIN && loop_event_add(store->writable, NULL) == 0)
                return;
        if (r < 0)
                loop_event_add(store->again, &moment);
}

static void on_sendable(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        send_or_wait(data);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

int descriptor_store_open(DescriptorStore *store, Loop *loop)
{
        int r;

        *store = (DescriptorStore){.fd = -1};
        TAILQ_INIT(&store->changes);
        store->max = service_manager_store_max(DESCRIPTOR_STORE_MAX);
        if (!service_manager_notify_socket() || store->max == 0)
                return 0;
        store->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (store->fd < 0)
                return error_set(errno, "no socket: %s", strerror(errno));
        r = connect_to_manager(store->fd);
        if (r < 0) {
                log_daemon(LOG_WARNING, "nothing will outlive this daemon: NOTIFY_SOCKET %s: %s",
                           service_manager_notify_socket(), strerror(-r));
                close(STEAL_FD(store->fd));
                return 0;
        }
        store->writable = loop_event_new(loop, store->fd, EV_WRITE, on_sendable, store);
        store->again = loop_timer_new(loop, on_sendable, store);
        return store->writable && store->again ? 0 : error_set(ENOMEM, "no memory for the store");
}

void descriptor_store_close(DescriptorStore *store)
{
        StoreChange *change;

        store->writable = loop_event_free(store->writable);
        store->again = loop_event_free(store->again);
        if (store->fd < 0)
                return;
        while ((change = TAILQ_FIRST(&store->changes))) {
                TAILQ_REMOVE(&store->changes, change, link);
                free_change(change);
        }
        close(STEAL_FD(store->fd));
}

bool descriptor_store_is_there(const DescriptorStore *store)
{
        return store->fd >= 0;
}

/* ---- Changing it --------------------------------------------------------------------------- */

static bool has_room(DescriptorStore *store, size_t count)
{
        if (count <= store->max && store->count <= store->max - count)
                return true;
        if (!store->told_full)
                log_daemon(LOG_WARNING,
                           "systemd keeps %u descriptors for the next start: no more will outlive "
                           "this daemon",
                           store->count);
        store->told_full = true;
        return false;
}

static StoreChange *new_change(const char *name, bool adds)
{
        StoreChange *change = calloc(1, sizeof(*change));

        if (!change)
                return NULL;
        change->adds = adds;
        change->record = -1;
        snprintf(change->name, sizeof(change->name), "%s", name);
        return change;
}

bool descriptor_store_add(DescriptorStore *store, const char *name, const int *borrow_fds,
                          size_t count, int take_record)
{
        CLEANUP(cleanup_close) int record = take_record;
        size_t all = count + (record >= 0);
        StoreChange *change;

        if (store->fd < 0 || store->frozen || count > DESCRIPTOR_STORE_PER_NAME_MAX ||
            !has_room(store, all))
                return false;
        change = new_change(name, true);
        if (!change)
                return false;
        change->count = count;
        memcpy(change->fds, borrow_fds, count * sizeof(*borrow_fds));
        change->record = STEAL_FD(record);
        store->count += (uint32_t)all;
        TAILQ_INSERT_TAIL(&store->changes, change, link);
        send_or_wait(store);
        return true;
}

/* Takes back what was to be added under the name. false: it was sent. */
static bool take_back(DescriptorStore *store, const char *name)
{
        StoreChange *change;

        TAILQ_FOREACH_REVERSE(change, &store->changes, StoreChangeList, link)
        {
                if (change->adds && strcmp(change->name, name) == 0) {
                        TAILQ_REMOVE(&store->changes, change, link);
                        free_change(change);
                        return true;
                }
        }
        return false;
}

void descriptor_store_remove(DescriptorStore *store, const char *name, size_t count)
{
        StoreChange *change;

        if (store->fd < 0 || store->frozen)
                return;
        store->count -= (uint32_t)count;
        if (store->count < store->max / 2)
                store->told_full = false;
        if (take_back(store, name))
                return;
        change = new_change(name, false);
        if (!change) {
                log_daemon(LOG_WARNING, "no memory to take %s from systemd's store", name);
                return;
        }
        TAILQ_INSERT_TAIL(&store->changes, change, link);
        send_or_wait(store);
}

void descriptor_store_came_back(DescriptorStore *store, size_t count)
{
        store->count += (uint32_t)count;
}

bool descriptor_store_settle(DescriptorStore *store)
{
        struct pollfd poll_fd = {.fd = store->fd, .events = POLLOUT};
        int r;

        if (store->fd < 0)
                return true;
        do
                r = send_changes(store);
        while (r == -EAGAIN && poll(&poll_fd, 1, DESCRIPTOR_STORE_SETTLE_MS) > 0);
        return r == 0;
}

bool descriptor_store_freeze(DescriptorStore *store)
{
        bool settled = descriptor_store_settle(store);

        store->frozen = descriptor_store_is_there(store);
        descriptor_store_close(store);
        return settled;
}
