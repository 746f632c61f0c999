/* Serves the listener "web" of the daemon's, together with all who do the same: a worker. */
#include <kyron.h>
#include <stdio.h>

static void on_completion(KyronOperation *operation)
{
        operation->user = NULL;
}

static ssize_t await(KyronIoDriverHandle *handle, KyronOperation *operation, int r)
{
        for (operation->user = handle; r == KYRON_PENDING && operation->user;)
                kyron_io_driver_handle_process_io(handle, -1);
        return r < 0 ? r : operation->result;
}

int main(void)
{
        KyronEndpointOptions options = {.name = "web", .keep_on_death = true};
        KyronOperation op = {.completion = on_completion};
        KyronIoDriverHandle *handle;
        KyronEndpoint *endpoint;
        KyronTcpStream *stream;

        if (kyron_io_driver_handle_open(&handle, NULL) == 0 &&
            await(handle, &op, kyron_endpoint_join(&endpoint, handle, &options, &op)) == 0)
                while (await(handle, &op, kyron_endpoint_accept(endpoint, &op, &stream)) == 0) {
                        await(handle, &op, kyron_tcp_stream_write(stream, &op, "hello\n", 6));
                        kyron_tcp_stream_close(stream);
                }
        fprintf(stderr, "%s\n", kyron_error_text());
        return 1;
}
