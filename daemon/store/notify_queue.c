/* What the service manager is told. See notify_queue.h. */
#include "daemon/store/notify_queue.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "daemon/loop/timer.h"
#include "daemon/process/log.h"
#include "daemon/process/service_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        AGAIN_MS = 100,
        CONNECT_PAUSE_MAX_MS = 10000,
};

struct NotifyMessage {
        TAILQ_ENTRY(NotifyMessage) link;
        char *name; /* owned; NULL: none */
        char *text; /* owned */
        int fds[NOTIFY_DESCRIPTORS_MAX];
        size_t count;
        int take_fd; /* owned, and the last of fds; -1: none */
};

/* A new socket on its way to the manager. */
typedef struct NotifyConnecting {
        BlockingTask task;
        NotifyQueue *queue; /* NULL: it has closed */
        NotifyAddress address;
        int fd; /* or -errno */
} NotifyConnecting;

static void send_or_wait(NotifyQueue *queue);

static NotifyMessage *free_message(NotifyMessage *message)
{
        if (!message)
                return NULL;
        cleanup_close(&message->take_fd);
        free(message->name);
        free(message->text);
        free(message);
        return NULL;
}

static void remove_message(NotifyQueue *queue, NotifyMessage *message)
{
        TAILQ_REMOVE(&queue->messages, message, link);
        queue->count--;
        free_message(message);
}

/* ---- Connecting anew ----------------------------------------------------------------------- */

static void wait_ms(NotifyQueue *queue, unsigned ms)
{
        const struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

        timer_arm(queue->loop, queue->again, &time, &queue->again_waker);
}

static void pause_connecting(NotifyQueue *queue)
{
        wait_ms(queue, queue->connect_pause_ms);
        if (queue->connect_pause_ms < CONNECT_PAUSE_MAX_MS)
                queue->connect_pause_ms *= 2;
}

static void run_connecting(BlockingTask *task)
{
        NotifyConnecting *connecting = (NotifyConnecting *)task;

        connecting->fd = notify_socket_open(&connecting->address);
}

static void on_connected(BlockingTask *task, int error)
{
        CLEANUP(cleanup_free) NotifyConnecting *connecting = (NotifyConnecting *)task;
        CLEANUP(cleanup_close) int fd = error < 0 ? error : connecting->fd;
        NotifyQueue *queue = connecting->queue;

        if (!queue)
                return;
        queue->connecting = NULL;
        /* Under the number that the loop knows. */
        if (fd < 0 || dup3(fd, queue->fd, O_CLOEXEC) < 0) {
                pause_connecting(queue);
                return;
        }
        queue->connect_pause_ms = AGAIN_MS;
        send_or_wait(queue);
}

static void connect_again(NotifyQueue *queue)
{
        NotifyConnecting *connecting = calloc(1, sizeof(*connecting));

        if (connecting) {
                connecting->queue = queue;
                connecting->address = queue->address;
                connecting->task.run = run_connecting;
                connecting->task.done = on_connected;
                if (blocking_pool_spawn(queue->blocking, geteuid(), &connecting->task) == 0) {
                        queue->connecting = connecting;
                        return;
                }
        }
        free(connecting);
        pause_connecting(queue);
}

/* ---- Sending ------------------------------------------------------------------------------- */

static bool is_connection_lost(int error)
{
        return error == -ECONNREFUSED || error == -ENOTCONN || error == -ECONNRESET;
}

/* It may go well later: systemd has not read what was before, or the kernel is short of
 * something. */
static bool may_pass(int error)
{
        return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM ||
               error == -ETOOMANYREFS || is_connection_lost(error);
}

/* Sends what waits, in order, as far as it goes. 0, or -errno why it does not go on. */
static int send_messages(NotifyQueue *queue)
{
        NotifyMessage *message;

        while ((message = TAILQ_FIRST(&queue->messages))) {
                int r = notify_socket_send(queue->fd, message->text, message->fds, message->count);

                if (may_pass(r))
                        return r;
                if (r < 0)
                        log_daemon(LOG_WARNING, "systemd cannot be told \"%s\": %s", message->text,
                                   strerror(-r));
                remove_message(queue, message);
        }
        return 0;
}

static void send_or_wait(NotifyQueue *queue)
{
        int r;

        if (queue->connecting || loop_event_is_added(queue->writable) ||
            loop_event_is_added(queue->again))
                return;
        r = send_messages(queue);
        if (is_connection_lost(r))
                connect_again(queue);
        else if (r < 0 && (r != -EAGAIN || loop_event_add(queue->writable, NULL) < 0))
                wait_ms(queue, AGAIN_MS);
}

static void look_again(void *data)
{
        send_or_wait(data);
}

static void on_sendable(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        send_or_wait(data);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

int notify_queue_open(NotifyQueue *queue, Loop *loop, BlockingPool *blocking)
{
        *queue = (NotifyQueue){
                .fd = -1, .loop = loop, .blocking = blocking, .connect_pause_ms = AGAIN_MS};
        TAILQ_INIT(&queue->messages);
        waker_init(&queue->again_waker, look_again, queue);
        if (!service_manager_notify_socket())
                return 0;
        queue->fd = notify_socket_find(&queue->address);
        if (queue->fd == 0)
                queue->fd = notify_socket_open(&queue->address);
        if (queue->fd < 0) {
                log_daemon(LOG_WARNING,
                           "systemd is told nothing, and nothing will outlive this daemon: "
                           "NOTIFY_SOCKET %s: %s",
                           service_manager_notify_socket(), strerror(-queue->fd));
                queue->fd = -1;
                return 0;
        }
        queue->writable = loop_event_new(loop, queue->fd, EV_WRITE, on_sendable, queue);
        queue->again = loop_timer_new(loop, on_sendable, queue);
        return queue->writable && queue->again ? 0 : error_set(ENOMEM, "no memory for systemd");
}

void notify_queue_close(NotifyQueue *queue)
{
        queue->writable = loop_event_free(queue->writable);
        queue->again = loop_event_free(queue->again);
        if (queue->fd < 0)
                return;
        waker_cancel(&queue->again_waker);
        if (queue->connecting)
                STEAL_PTR(queue->connecting)->queue = NULL;
        while (!TAILQ_EMPTY(&queue->messages))
                remove_message(queue, TAILQ_FIRST(&queue->messages));
        close(STEAL_FD(queue->fd));
}

bool notify_queue_is_there(const NotifyQueue *queue)
{
        return queue->fd >= 0;
}

/* ---- What is told -------------------------------------------------------------------------- */

static NotifyMessage *new_message(const char *name, const char *text)
{
        NotifyMessage *message = calloc(1, sizeof(*message));

        if (!message)
                return NULL;
        message->take_fd = -1;
        message->text = strdup(text);
        message->name = name ? strdup(name) : NULL;
        return message->text && (message->name || !name) ? message : free_message(message);
}

int notify_queue_put(NotifyQueue *queue, const char *name, const char *text, const int *borrow_fds,
                     size_t count, int take_fd)
{
        CLEANUP(cleanup_close) int fd = take_fd;
        NotifyMessage *message;

        if (queue->fd < 0)
                return 0;
        message = new_message(name, text);
        if (!message)
                return -ENOMEM;
        if (count > 0)
                memcpy(message->fds, borrow_fds, count * sizeof(*borrow_fds));
        message->count = count;
        if (fd >= 0)
                message->fds[message->count++] = message->take_fd = STEAL_FD(fd);
        TAILQ_INSERT_TAIL(&queue->messages, message, link);
        queue->count++;
        send_or_wait(queue);
        return 0;
}

void notify_queue_say(NotifyQueue *queue, const char *text)
{
        if (notify_queue_put(queue, NULL, text, NULL, 0, -1) < 0)
                log_daemon(LOG_WARNING, "no memory to tell systemd \"%s\"", text);
}

bool notify_queue_take_back(NotifyQueue *queue, const char *name)
{
        NotifyMessage *message;

        TAILQ_FOREACH_REVERSE(message, &queue->messages, NotifyMessageList, link)
        {
                if (message->name && strcmp(message->name, name) == 0) {
                        remove_message(queue, message);
                        return true;
                }
        }
        return false;
}

void notify_queue_ping(NotifyQueue *queue)
{
        int r = -EAGAIN;

        if (queue->fd < 0)
                return;
        if (TAILQ_EMPTY(&queue->messages) && !queue->connecting)
                r = notify_socket_send(queue->fd, "WATCHDOG=1", NULL, 0);
        if (is_connection_lost(r) && !loop_event_is_added(queue->again))
                connect_again(queue);
        if (r < 0 && queue->missed_pings++ == 0)
                log_daemon(LOG_WARNING, "systemd does not read: the watchdog's pings are left out");
        if (r == 0 && queue->missed_pings > 0) {
                log_daemon(LOG_NOTICE, "systemd reads again: %u pings were left out",
                           queue->missed_pings);
                queue->missed_pings = 0;
        }
}

bool notify_queue_flush(NotifyQueue *queue)
{
        return queue->fd < 0 || send_messages(queue) == 0;
}

bool notify_queue_settle(NotifyQueue *queue)
{
        const uint64_t until = clock_now_ms() + NOTIFY_SETTLE_MAX_MS;
        struct pollfd room = {.fd = queue->fd, .events = POLLOUT};

        while (!notify_queue_flush(queue)) {
                if (clock_now_ms() >= until || poll(&room, 1, NOTIFY_SETTLE_MS) <= 0)
                        return false;
        }
        return true;
}
