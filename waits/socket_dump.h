/*
 * The machine's sockets, from the kernel's socket diagnostics (sock_diag(7)): everybody's, of this
 * thread's network namespace. What they cannot tell (no module for a kind in the kernel) is
 * missing: that is never an error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest: "@" and a Unix socket's name, or "[" an IPv6 address "]:" a port. */
enum { SOCKET_ADDRESS_TEXT_MAX = 112, SOCKET_NAME_MAX = 108 };

typedef enum SocketKind {
        SOCKET_TCP,
        SOCKET_UDP,
        SOCKET_UNIX,
        SOCKET_KINDS,
} SocketKind;

/* A TCP connection's times and sums. Taking them waits for the socket's lock. */
typedef struct SocketTimes {
        bool known;
        uint32_t received_ms; /* since bytes came */
        uint32_t heard_ms;    /* since anything came from the peer */
        uint32_t sent_ms;     /* since bytes were sent; before any, since it was connected */
        uint64_t bytes_received;
        uint64_t bytes_acked; /* of those sent */
} SocketTimes;

typedef struct Socket {
        uint8_t kind; /* SocketKind */
        uint8_t family;
        uint64_t space; /* its network namespace, see network_spaces.h; set by who dumps */
        uint8_t state;  /* TCP_ESTABLISHED and so on, also of Unix sockets */
        uint8_t type;   /* SOCK_STREAM and so on; of Unix sockets alone */
        bool probing;   /* TCP: the peer takes no more bytes, and is asked when it does */
        uint8_t resent; /* TCP: how often what the peer has not acknowledged was sent again */
        uint32_t inode; /* 0: nobody has accepted it */
        uint32_t receive_queue; /* unread bytes; listening: connections not accepted */
        uint32_t send_queue;    /* bytes not acknowledged; listening: the backlog's limit */
        uint64_t cookie;        /* names a TCP or UDP socket for good */
        SocketTimes times;
        union {
                struct {
                        uint32_t local[4], peer[4]; /* in network order */
                        uint16_t local_port, peer_port;
                } inet;
                struct {
                        uint32_t peer;   /* its inode; 0: none */
                        uint32_t oldest; /* listening: the inode of who waits longest; 0: nobody */
                        uint8_t name_size;
                        char name[SOCKET_NAME_MAX];
                } local;
        };
} Socket;

/* Calls take for each socket of the kind; times: with SocketTimes, which may hang: for an errand.
 */
void socket_dump(SocketKind kind, bool times, void (*take)(void *data, const Socket *socket),
                 void *data);

/* Printable; "": none. */
void socket_local_text(const Socket *socket, char text[static SOCKET_ADDRESS_TEXT_MAX]);
/* Of a TCP or UDP socket. */
void socket_peer_text(const Socket *socket, char text[static SOCKET_ADDRESS_TEXT_MAX]);
bool socket_is_listening(const Socket *socket);
