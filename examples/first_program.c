/* Greets everybody who connects to port 7007. Try it with: nc 127.0.0.1 7007 */
#include <kyron.h>
#include <netinet/in.h>
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
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7007)};
        KyronOperation op = {.completion = on_completion};
        KyronIoDriverHandle *handle;
        KyronTcpListener *listener;
        KyronTcpStream *stream;

        if (kyron_io_driver_handle_open(&handle, NULL) == 0 &&
            kyron_tcp_listener_bind(&listener, handle, (void *)&address, sizeof(address)) == 0)
                while (await(handle, &op, kyron_tcp_listener_accept(listener, &op, &stream)) == 0) {
                        await(handle, &op, kyron_tcp_stream_write(stream, &op, "hello\n", 6));
                        kyron_tcp_stream_close(stream);
                }
        fprintf(stderr, "%s\n", kyron_error_text());
        return 1;
}
