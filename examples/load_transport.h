/*
 * The way to an echo server: a TCP connection, a Unix connection or a connected UDP socket, under
 * functions that do not differ. They return as the library's.
 */
#pragma once

#include "load.h"

typedef struct LoadTransport {
        const LoadTarget *target;
        KyronTcpStream *tcp; /* one of these */
        KyronUdpSocket *udp;
        KyronUnixStream *unix_stream;
} LoadTransport;

/* KYRON_PENDING for TCP only; -EAGAIN for Unix only: the listener has no room, try again later. */
int load_transport_open(LoadTransport *transport, KyronIoDriverHandle *handle,
                        KyronOperation *operation);
void load_transport_close(LoadTransport *transport);

int load_transport_send(LoadTransport *transport, KyronOperation *operation, const uint8_t *bytes,
                        size_t size);
int load_transport_receive(LoadTransport *transport, KyronOperation *operation, uint8_t *bytes,
                           size_t size);
