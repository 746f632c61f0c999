/* Connections of echo_server's. See echo_connection.h. */
#include "echo_connection.h"

#include "task.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum {
        CONNECTION_BUFFER = 16 * 1024,
        /* As <netinet/tcp.h> has it, whose tcp_info is an older one. */
        TCP_ESTABLISHED = 1,
};

typedef struct Connection {
        Task task;
        KyronTcpStream *tcp;          /* either */
        KyronUnixStream *unix_stream; /* or */
        TAILQ_ENTRY(Connection) link;
        bool is_kept;
        size_t received;
        size_t sent;
        size_t unread; /* sent, and still the kernel's: to be read once more, for nothing */
        char buffer[CONNECTION_BUFFER];
} Connection;

static TAILQ_HEAD(ConnectionList, Connection) connections = TAILQ_HEAD_INITIALIZER(connections);

static void connection_free(Connection *connection)
{
        kyron_tcp_stream_close(connection->tcp);
        kyron_unix_stream_close(connection->unix_stream);
        TAILQ_REMOVE(&connections, connection, link);
        free(connection);
}

static int start_tcp(Connection *connection, char *rest, size_t rest_size)
{
        KyronOperation *operation = &connection->task.operation;

        if (connection->unread > 0)
                return kyron_tcp_stream_read(connection->tcp, operation, connection->buffer,
                                             connection->unread < CONNECTION_BUFFER
                                                     ? connection->unread
                                                     : CONNECTION_BUFFER);
        if (rest_size > 0)
                return kyron_tcp_stream_write(connection->tcp, operation, rest, rest_size);
        if (connection->is_kept)
                return kyron_tcp_stream_peek(connection->tcp, operation, connection->buffer,
                                             CONNECTION_BUFFER);
        return kyron_tcp_stream_read(connection->tcp, operation, connection->buffer,
                                     CONNECTION_BUFFER);
}

static int connection_start(Task *task)
{
        Connection *connection = (Connection *)task;
        char *rest = connection->buffer + connection->sent;
        size_t rest_size = connection->received - connection->sent;

        if (connection->tcp)
                return start_tcp(connection, rest, rest_size);
        return rest_size > 0 ? kyron_unix_stream_write(connection->unix_stream, &task->operation,
                                                       rest, rest_size)
                             : kyron_unix_stream_read(connection->unix_stream, &task->operation,
                                                      connection->buffer, CONNECTION_BUFFER);
}

static bool connection_take(Task *task, ssize_t result)
{
        Connection *connection = (Connection *)task;

        if (result > 0 && connection->unread > 0) {
                connection->unread -= (size_t)result;
                return true;
        }
        if (connection->sent < connection->received && result >= 0) {
                if (connection->is_kept) {
                        /* The rest is peeked at again. */
                        connection->unread = (size_t)result;
                        connection->received = connection->sent = 0;
                } else {
                        connection->sent += (size_t)result;
                }
                return true;
        }
        if (result <= 0) {
                /* The client has gone, in good order (0) or not; nobody else is concerned. */
                connection_free(connection);
                return false;
        }
        connection->received = (size_t)result;
        connection->sent = 0;
        return true;
}

static bool get_info(int fd, struct tcp_info *out)
{
        socklen_t size = sizeof(*out);

        *out = (struct tcp_info){.tcpi_state = 0};
        return getsockopt(fd, IPPROTO_TCP, TCP_INFO, out, &size) == 0;
}

/* Of a connection that another server had: the bytes it has sent back and not read yet. The client
 * goes on meanwhile, so the counts are taken until they are of one moment. */
static size_t count_unread(KyronTcpStream *tcp)
{
        int fd = kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(tcp));
        struct tcp_info before, after;
        uint64_t written, read;
        int unacked, readable;

        do {
                if (!get_info(fd, &before) || ioctl(fd, SIOCOUTQ, &unacked) < 0 ||
                    ioctl(fd, SIOCINQ, &readable) < 0 || !get_info(fd, &after))
                        return 0;
        } while (before.tcpi_state != after.tcpi_state ||
                 before.tcpi_bytes_acked != after.tcpi_bytes_acked ||
                 before.tcpi_bytes_received != after.tcpi_bytes_received);
        written = after.tcpi_bytes_acked + (uint64_t)unacked;
        read = after.tcpi_bytes_received - (uint64_t)readable;
        if (after.tcpi_state != TCP_ESTABLISHED)
                read--; /* the client's FIN counts as a byte */
        return written > read ? (size_t)(written - read) : 0;
}

void echo_connection_new(KyronTcpStream *tcp, KyronUnixStream *unix_stream, bool is_kept)
{
        Connection *connection = malloc(sizeof(*connection));

        if (!connection) {
                kyron_tcp_stream_close(tcp);
                kyron_unix_stream_close(unix_stream);
                return;
        }
        task_init(&connection->task, connection_start, connection_take);
        connection->tcp = tcp;
        connection->unix_stream = unix_stream;
        connection->is_kept = is_kept;
        connection->received = connection->sent = connection->unread = 0;
        if (is_kept && kyron_tcp_stream_was_served_before(tcp))
                connection->unread = count_unread(tcp);
        TAILQ_INSERT_TAIL(&connections, connection, link);
        task_run(&connection->task);
}

void echo_connections_close(void)
{
        Connection *connection;

        /* Cancelled first, so that nothing completes that is freed. */
        while ((connection = TAILQ_FIRST(&connections))) {
                kyron_operation_cancel(&connection->task.operation);
                connection_free(connection);
        }
}
