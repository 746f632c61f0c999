/* A session's way out. See notifier.h. */
#include "daemon/driver/notifier.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "proto/frame_socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void notifier_init(Notifier *notifier, int borrow_socket_fd, uint32_t *waiting)
{
        notifier->borrow_socket_fd = borrow_socket_fd;
        notifier->waiting = waiting;
        notifier->reply = NULL;
        notifier->reply_size = 0;
        notifier->readiness_size = 0;
        notifier->unread.count = notifier->unread.next = 0;
}

void notifier_deinit(Notifier *notifier)
{
        *notifier->waiting -= notifier_is_waiting(notifier);
        free(STEAL_PTR(notifier->reply));
        notifier->readiness_size = 0;
}

bool notifier_is_waiting(const Notifier *notifier)
{
        return notifier->reply || notifier->readiness_size > 0;
}

uint64_t notifier_unread_ms(const Notifier *notifier, const UnreadCharges *charges)
{
        const uint64_t now_ms = clock_coarse_ms();
        const uint64_t unread =
                unread_for_ms(&notifier->unread, charges,
                              frame_socket_charged(notifier->borrow_socket_fd), now_ms);

        if (unread > 0 || !notifier_is_waiting(notifier))
                return unread;
        /* The client has read everything, and the kernel takes no more all the same. */
        return now_ms > notifier->kept_ms ? now_ms - notifier->kept_ms : 1;
}

/* What could not be sent is kept, and waits from now on. */
static void begin_to_wait(Notifier *notifier)
{
        ++*notifier->waiting;
        notifier->kept_ms = clock_coarse_ms();
}

/* 0, NOTIFIER_WAITING or -errno. The kernel being short of memory passes like a full socket. */
static int send_packet(Notifier *notifier, const void *bytes, size_t size, const int *borrow_fds,
                       size_t n)
{
        int r = frame_socket_send(notifier->borrow_socket_fd, bytes, size, borrow_fds, n);

        if (r == 0)
                unread_note(&notifier->unread, size, clock_coarse_ms());
        return r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS
                       ? NOTIFIER_WAITING
                       : r;
}

static int send_bytes(Notifier *notifier, const void *bytes, size_t size)
{
        return send_packet(notifier, bytes, size, NULL, 0);
}

int notifier_send_readiness(Notifier *notifier, const uint64_t *packed, size_t n)
{
        size_t size;
        int r;

        assert(!notifier_is_waiting(notifier));
        size = readiness_frame_encode(notifier->readiness, packed, n);
        r = send_bytes(notifier, notifier->readiness, size);
        if (r == NOTIFIER_WAITING) {
                notifier->readiness_size = size;
                begin_to_wait(notifier);
        }
        return r;
}

int notifier_send_reply(Notifier *notifier, const Iod__Frame *frame)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size, r;

        assert(!notifier_is_waiting(notifier));
        size = frame_encode(frame, bytes);
        if (size < 0)
                return size;
        r = send_bytes(notifier, bytes, (size_t)size);
        if (r != NOTIFIER_WAITING)
                return r;
        notifier->reply = malloc((size_t)size);
        if (!notifier->reply)
                return error_set(ENOMEM, "no memory to keep a reply");
        memcpy(notifier->reply, bytes, (size_t)size);
        notifier->reply_size = (size_t)size;
        begin_to_wait(notifier);
        return NOTIFIER_WAITING;
}

int notifier_send_descriptors(Notifier *notifier, Iod__Frame *frame, const int *borrow_fds,
                              size_t n)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size;

        assert(!notifier_is_waiting(notifier));
        frame->descriptors = (uint32_t)n;
        size = frame_encode(frame, bytes);
        return size < 0 ? size : send_packet(notifier, bytes, (size_t)size, borrow_fds, n);
}

int notifier_send_encoded(Notifier *notifier, const void *bytes, size_t size)
{
        assert(!notifier_is_waiting(notifier));
        return send_bytes(notifier, bytes, size);
}

int notifier_flush(Notifier *notifier)
{
        int r;

        if (!notifier_is_waiting(notifier))
                return 0;
        if (notifier->reply) {
                r = send_bytes(notifier, notifier->reply, notifier->reply_size);
                if (r != 0)
                        return r;
                free(STEAL_PTR(notifier->reply));
        }
        if (notifier->readiness_size > 0) {
                r = send_bytes(notifier, notifier->readiness, notifier->readiness_size);
                if (r != 0)
                        return r;
                notifier->readiness_size = 0;
        }
        --*notifier->waiting;
        return 0;
}
