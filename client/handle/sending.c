/* Frames to the daemon. See sending.h. */
#include "client/handle/sending.h"

#include "proto/frame_socket.h"

#include <assert.h>
#include <errno.h>

int sending_send_frame(KyronIoDriverHandle *handle, Iod__Frame *frame, const int *borrow_fds,
                       size_t n)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size, r;

        frame->descriptors = (uint32_t)n;
        size = frame_encode(frame, bytes);
        assert(size > 0);
        r = frame_socket_send(handle->socket_fd, bytes, (size_t)size, borrow_fds, n);
        switch (r) {
        case 0:
                handle->packets_sent++;
                alive_on_sent(&handle->alive);
                return 0;
        case -ETOOMANYREFS: /* too much in flight for this user: the daemon is about to read it */
        case -ENOBUFS:
        case -ENOMEM:
                handle->retry_soon = true;
                return -EAGAIN;
        case -EPIPE:
        case -ECONNRESET:
        case -ENOTCONN:
                /* If it said why, that is still to be received: then it is lost there. */
                return -EHOSTDOWN;
        default:
                return r;
        }
}

void sending_set_wants_room(KyronIoDriverHandle *handle, bool wants)
{
        if (handle->wants_room == wants)
                return;
        handle->wants_room = wants;
        selector_modify_level(&handle->selector, handle->socket_fd, IO_ID_DAEMON,
                              READINESS_READABLE | (wants ? READINESS_WRITABLE : 0));
}
