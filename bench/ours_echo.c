/* An echo server on libkyron: the daemon waits for its listener and connections. */
#include "bench/echo_io.h"
#include "bench/program.h"

#include <errno.h>
#include <kyron.h>
#include <stdlib.h>

/* One operation waits for a connection from its beginning to its end. */
typedef struct Connection {
        KyronBridgedFd *bridged_fd;
        KyronOperation operation;
        EchoIo io;
} Connection;

static KyronIoDriverHandle *handle;
static KyronBridgedFd *listener;

static ssize_t serve(int borrow_fd, KyronOperation *operation)
{
        Connection *connection = operation->user;
        EchoState state = echo_io_run(&connection->io);

        (void)borrow_fd;
        return state == ECHO_READS ? -EAGAIN : (ssize_t)state;
}

static ssize_t serve_rest(int borrow_fd, KyronOperation *operation)
{
        Connection *connection = operation->user;
        EchoState state = echo_io_run(&connection->io);

        (void)borrow_fd;
        return state == ECHO_WRITES ? -EAGAIN : (ssize_t)state;
}

/* Waits for what the last state of the connection asks for. */
static void go_on(Connection *connection, ssize_t state)
{
        while (state == ECHO_READS || state == ECHO_WRITES) {
                int r = state == ECHO_READS
                                ? kyron_bridged_fd_async_call(connection->bridged_fd,
                                                              &connection->operation,
                                                              KYRON_READABLE, serve)
                                : kyron_bridged_fd_async_call(connection->bridged_fd,
                                                              &connection->operation,
                                                              KYRON_WRITABLE, serve_rest);

                if (r == KYRON_PENDING)
                        return;
                state = r < 0 ? r : connection->operation.result;
        }
        if (state < 0)
                program_fail("a connection: %s", kyron_error_text());
        free(connection->io.rest);
        kyron_bridged_fd_close(connection->bridged_fd);
        free(connection);
}

static void on_state(KyronOperation *operation)
{
        go_on(operation->user, operation->result);
}

static void begin(int take_fd)
{
        Connection *connection = calloc(1, sizeof(*connection));

        if (!connection || kyron_bridged_fd_new(&connection->bridged_fd, handle, take_fd) < 0)
                program_fail("a connection: %s", kyron_error_text());
        connection->io.fd = take_fd;
        kyron_operation_init(&connection->operation, on_state, connection);
        go_on(connection, ECHO_READS);
}

/* Never done: the listener is served for ever. */
static ssize_t accept_all(int borrow_fd, KyronOperation *operation)
{
        int fd;

        (void)operation;
        while ((fd = echo_accept(borrow_fd)) >= 0)
                begin(fd);
        return -EAGAIN;
}

static void on_failure(KyronOperation *operation)
{
        (void)operation;
        program_fail("the listener: %s", kyron_error_text());
}

int main(void)
{
        const KyronOptions options = {.program = "ours_echo"};
        KyronOperation accepting;
        int listener_fd, r;

        program_begin("ours_echo");
        listener_fd = echo_listen(false);
        if (kyron_io_driver_handle_open(&handle, &options) < 0 ||
            kyron_bridged_fd_new(&listener, handle, listener_fd) < 0)
                program_fail("%s", kyron_error_text());
        program_say_tcp(listener_fd);
        kyron_operation_init(&accepting, on_failure, NULL);
        if (kyron_bridged_fd_async_call(listener, &accepting, KYRON_READABLE, accept_all) < 0)
                program_fail("the listener: %s", kyron_error_text());
        do {
                r = kyron_io_driver_handle_process_io(handle, -1);
        } while (r >= 0 || r == -EINTR);
        program_fail("%s", kyron_error_text());
}
