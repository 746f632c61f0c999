/*
 * An echo server on libuv, at its best: it writes at once, by uv_try_write(), and queues only what
 * the socket does not take. The IO is libuv's own.
 */
#include "bench/echo_io.h"
#include "bench/program.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef struct Rest {
        uv_write_t request;
        char bytes[];
} Rest;

static uv_loop_t loop;
static char buffer[ECHO_BUFFER];

static void must(int r, const char *what)
{
        if (r < 0)
                program_fail("%s: %s", what, uv_strerror(r));
}

static void on_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
        (void)handle;
        (void)wanted;
        *out = uv_buf_init(buffer, sizeof(buffer));
}

static void on_closed(uv_handle_t *handle)
{
        free(handle);
}

static void on_written(uv_write_t *request, int status)
{
        (void)status;
        free(request);
}

static void write_later(uv_stream_t *stream, const char *from, size_t size)
{
        Rest *rest = malloc(sizeof(*rest) + size);
        uv_buf_t out;

        if (!rest)
                program_fail("no memory");
        memcpy(rest->bytes, from, size);
        out = uv_buf_init(rest->bytes, (unsigned)size);
        must(uv_write(&rest->request, stream, &out, 1, on_written), "uv_write");
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *read)
{
        uv_buf_t out = uv_buf_init(read->base, size > 0 ? (unsigned)size : 0);
        int n;

        if (size == 0)
                return;
        n = size > 0 ? uv_try_write(stream, &out, 1) : UV_EOF;
        if (n == UV_EAGAIN)
                n = 0;
        if (n < 0)
                uv_close((uv_handle_t *)stream, on_closed);
        else if (n < size)
                write_later(stream, read->base + n, (size_t)(size - n));
}

static void on_connection(uv_stream_t *listener, int status)
{
        uv_tcp_t *connection = malloc(sizeof(*connection));

        must(status, "a connection");
        if (!connection)
                program_fail("no memory");
        must(uv_tcp_init(&loop, connection), "uv_tcp_init");
        must(uv_accept(listener, (uv_stream_t *)connection), "uv_accept");
        must(uv_tcp_nodelay(connection, 1), "uv_tcp_nodelay");
        must(uv_read_start((uv_stream_t *)connection, on_buffer, on_read), "uv_read_start");
}

int main(void)
{
        uv_tcp_t listener;
        int fd;

        program_begin("peer_libuv");
        must(uv_loop_init(&loop), "uv_loop_init");
        must(uv_tcp_init(&loop, &listener), "uv_tcp_init");
        fd = echo_listen(false);
        must(uv_tcp_open(&listener, fd), "uv_tcp_open");
        must(uv_listen((uv_stream_t *)&listener, SOMAXCONN, on_connection), "uv_listen");
        program_say_address("tcp", fd);
        uv_run(&loop, UV_RUN_DEFAULT);
        program_fail("libuv has ended");
}
