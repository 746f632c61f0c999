/* ours_echo [udp]: an echo server on libkyron: the daemon waits for its listener and connections,
 * or for its socket. */
#include "bench/echo_io.h"
#include "bench/program.h"

#include <errno.h>
#include <kyron.h>
#include <stdlib.h>
#include <string.h>

/* One operation waits for a connection from its beginning to its end. */
typedef struct Connection {
        KyronBridgedFd *bridged_fd;
        KyronOperation operation;
        EchoIo io;
} Connection;

static KyronIoDriverHandle *handle;
static KyronBridgedFd *socket_fd; /* the listener, or the datagrams' */

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

/* Nor is this. */
static ssize_t answer_all(int borrow_fd, KyronOperation *operation)
{
        (void)operation;
        echo_udp_run(borrow_fd);
        return -EAGAIN;
}

static void on_failure(KyronOperation *operation)
{
        (void)operation;
        program_fail("the socket: %s", kyron_error_text());
}

int main(int argc, char **argv)
{
        const KyronOptions options = {.program = "ours_echo"};
        bool is_udp = argc == 2 && strcmp(argv[1], "udp") == 0;
        KyronOperation serving;
        int fd, r;

        program_begin("ours_echo");
        fd = is_udp ? echo_udp_bind() : echo_listen(false);
        if (kyron_io_driver_handle_open(&handle, &options) < 0 ||
            kyron_bridged_fd_new(&socket_fd, handle, fd) < 0)
                program_fail("%s", kyron_error_text());
        kyron_operation_init(&serving, on_failure, NULL);
        if (kyron_bridged_fd_async_call(socket_fd, &serving, KYRON_READABLE,
                                        is_udp ? answer_all : accept_all) < 0)
                program_fail("the socket: %s", kyron_error_text());
        program_say_address(is_udp ? "udp" : "tcp", fd);
        do {
                r = kyron_io_driver_handle_process_io(handle, -1);
        } while (r >= 0 || r == -EINTR);
        program_fail("%s", kyron_error_text());
}
