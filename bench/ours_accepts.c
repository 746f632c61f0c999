/*
 * ours_accepts [join]: a worker of the daemon's listener "bench", which it opens, or joins: the
 * daemon accepts, and passes connections to all workers in turn. Each is answered and closed.
 */
#include "bench/program.h"

#include <errno.h>
#include <kyron.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_SIZE = 64 };

typedef struct Connection {
        KyronTcpStream *stream;
        KyronOperation operation;
        char message[MESSAGE_SIZE];
} Connection;

static KyronIoDriverHandle *handle;
static KyronEndpoint *endpoint;
static KyronTcpStream *accepted;

/* The message comes in one piece; a client that has gone is closed, too. */
static void answer(Connection *connection, ssize_t size)
{
        KyronOperation writing;

        kyron_operation_init(&writing, NULL, NULL);
        /* There is room for it: the connection is new. */
        if (size == MESSAGE_SIZE)
                kyron_tcp_stream_write(connection->stream, &writing, connection->message,
                                       MESSAGE_SIZE);
        kyron_tcp_stream_close(connection->stream);
        free(connection);
}

static void on_message(KyronOperation *operation)
{
        answer(operation->user, operation->result);
}

static void serve(KyronTcpStream *stream)
{
        Connection *connection = malloc(sizeof(*connection));
        int r;

        if (!connection)
                program_fail("no memory");
        connection->stream = stream;
        kyron_operation_init(&connection->operation, on_message, connection);
        r = kyron_tcp_stream_read(stream, &connection->operation, connection->message,
                                  MESSAGE_SIZE);
        if (r != KYRON_PENDING)
                answer(connection, r < 0 ? r : connection->operation.result);
}

static void accept_more(KyronOperation *operation)
{
        int r;

        while ((r = kyron_endpoint_accept(endpoint, operation, &accepted)) == 0 &&
               operation->result == 0)
                serve(accepted);
        if (r != KYRON_PENDING)
                program_fail("accept: %s", kyron_error_text());
}

static void on_accepted(KyronOperation *operation)
{
        if (operation->result < 0)
                program_fail("accept: %s", kyron_error_text());
        serve(accepted);
        accept_more(operation);
}

static void on_joined(KyronOperation *operation)
{
        if (operation->result < 0)
                program_fail("join: %s", kyron_error_text());
        printf("tcp %s\n", kyron_endpoint_address(endpoint) + strlen("tcp:"));
        fflush(stdout);
        operation->completion = on_accepted;
        accept_more(operation);
}

int main(int argc, char **argv)
{
        const KyronOptions options = {.program = "ours_accepts"};
        KyronEndpointOptions joining = {.name = "bench", .address = "tcp:127.0.0.1:0"};
        KyronOperation operation;
        int r;

        program_begin("ours_accepts");
        if (argc == 2 && strcmp(argv[1], "join") == 0)
                joining.address = NULL;
        kyron_operation_init(&operation, on_joined, NULL);
        if (kyron_io_driver_handle_open(&handle, &options) < 0 ||
            kyron_endpoint_join(&endpoint, handle, &joining, &operation) < 0)
                program_fail("%s", kyron_error_text());
        do {
                r = kyron_io_driver_handle_process_io(handle, -1);
        } while (r >= 0 || r == -EINTR);
        program_fail("%s", kyron_error_text());
}
