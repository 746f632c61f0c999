/* A session spoken frame by frame. See raw_session.h. */
#include "tests/integration/raw_session.h"

#include "core/cleanup.h"
#include "core/io_id.h"
#include "proto/frame.h"
#include "proto/frame_socket.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

DaemonConnection raw_session_open(const TestDaemon *daemon, const char *program)
{
        DaemonConnection connection;

        ck_assert_msg(daemon_connection_open(&connection, daemon->socket_path, program, false) == 0,
                      "%s", error_text());
        return connection;
}

/* 0 or -errno. */
static int send_frame(const DaemonConnection *connection, const Iod__Frame *frame,
                      const int *borrow_fds)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size = frame_encode(frame, bytes);

        ck_assert_int_gt(size, 0);
        return frame_socket_send(connection->fd, bytes, (size_t)size, borrow_fds,
                                 frame->descriptors);
}

int raw_session_get_status(const DaemonConnection *connection)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__GetStatus get_status = IOD__GET_STATUS__INIT;

        frame.sequence = 1;
        frame.body_case = IOD__FRAME__BODY_GET_STATUS;
        frame.get_status = &get_status;
        return send_frame(connection, &frame, NULL);
}

void raw_session_settle(const DaemonConnection *connection)
{
        CLEANUP(cleanup_free) FrameArena *arena = malloc(sizeof(*arena));
        uint8_t bytes[FRAME_BYTES_MAX];
        Iod__Frame *frame;

        ck_assert_int_eq(raw_session_get_status(connection), 0);
        frame_arena_init(arena);
        do {
                FdList fds = {.count = 0};
                int size;

                ck_assert(wait_readable(connection->fd, DEADLINE_MS));
                size = frame_socket_receive(connection->fd, bytes, sizeof(bytes), &fds);
                ck_assert_int_gt(size, 0);
                ck_assert_int_eq(frame_decode(arena, bytes, (size_t)size, 0, &frame), 0);
                ck_assert_msg(frame->body_case != IOD__FRAME__BODY_REFUSED, "%s",
                              frame->refused->n_source ? frame->refused->source[0]->text
                                                       : frame->refused->text);
        } while (frame->body_case != IOD__FRAME__BODY_STATUS);
}

void raw_session_add_source(const DaemonConnection *connection, uint32_t slot, int borrow_fd,
                            Readiness interest)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;
        uint64_t source = io_id_pack(io_id_make(slot, 1), interest);

        add.n_source = 1;
        add.source = &source;
        frame.descriptors = 1;
        frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
        frame.add_io_source = &add;
        ck_assert_int_eq(send_frame(connection, &frame, &borrow_fd), 0);
}

void raw_session_become_direct(const DaemonConnection *connection)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__SetDelivery set_delivery = IOD__SET_DELIVERY__INIT;

        set_delivery.delivery = IOD__DELIVERY__DELIVERY_DIRECT;
        frame.body_case = IOD__FRAME__BODY_SET_DELIVERY;
        frame.set_delivery = &set_delivery;
        ck_assert_int_eq(send_frame(connection, &frame, NULL), 0);
}
