/* The way to an echo server. See load_transport.h. */
#include "load_transport.h"

static int open_udp(LoadTransport *transport, KyronIoDriverHandle *handle)
{
        const Address *server = &transport->target->address;
        const Address any = {
                .storage = {.ss_family = server->storage.ss_family},
                .size = server->size,
        };
        int r = kyron_udp_socket_bind(&transport->udp, handle,
                                      (const struct sockaddr *)&any.storage, any.size);

        if (r < 0)
                return r;
        return kyron_udp_socket_connect(transport->udp, (const struct sockaddr *)&server->storage,
                                        server->size);
}

int load_transport_open(LoadTransport *transport, KyronIoDriverHandle *handle,
                        KyronOperation *operation)
{
        const Address *server = &transport->target->address;

        switch (transport->target->protocol) {
        case LOAD_TCP:
                if (*transport->target->via_daemon)
                        return kyron_tcp_stream_connect_to(&transport->tcp, handle,
                                                           transport->target->via_daemon, 0,
                                                           operation);
                return kyron_tcp_stream_connect(&transport->tcp, handle,
                                                (const struct sockaddr *)&server->storage,
                                                server->size, operation);
        case LOAD_UDP:
                return open_udp(transport, handle);
        default:
                return kyron_unix_stream_connect(&transport->unix_stream, handle,
                                                 transport->target->path);
        }
}

void load_transport_close(LoadTransport *transport)
{
        kyron_tcp_stream_close(transport->tcp);
        kyron_udp_socket_close(transport->udp);
        kyron_unix_stream_close(transport->unix_stream);
}

int load_transport_send(LoadTransport *transport, KyronOperation *operation, const uint8_t *bytes,
                        size_t size)
{
        switch (transport->target->protocol) {
        case LOAD_TCP:
                return kyron_tcp_stream_write(transport->tcp, operation, bytes, size);
        case LOAD_UDP:
                return kyron_udp_socket_send(transport->udp, operation, bytes, size);
        default:
                return kyron_unix_stream_write(transport->unix_stream, operation, bytes, size);
        }
}

int load_transport_receive(LoadTransport *transport, KyronOperation *operation, uint8_t *bytes,
                           size_t size)
{
        switch (transport->target->protocol) {
        case LOAD_TCP:
                return kyron_tcp_stream_read(transport->tcp, operation, bytes, size);
        case LOAD_UDP:
                return kyron_udp_socket_recv(transport->udp, operation, bytes, size);
        default:
                return kyron_unix_stream_read(transport->unix_stream, operation, bytes, size);
        }
}
