/*
 * Opening sockets for others: listeners as the configuration or a client describes them, and UDP
 * sockets bound to an address. All non-blocking and close-on-exec.
 *
 * Names and service names have been resolved before: a host is a number or "*".
 */
#pragma once

#include "daemon/listen/socket_file.h"

/*
 * Opens a listener. bound: its address, with the port the kernel chose for port 0. "*" is every
 * address of the machine, IPv6 and IPv4 alike unless v6_only, and IPv4 alone on a machine without
 * IPv6.
 *
 * A Unix socket's file has its mode before anybody can connect, and stays when the socket is
 * closed: socket_file_remove().
 *
 * The descriptor, or with error_text(): -EADDRINUSE somebody has the address, -EADDRNOTAVAIL it is
 * none of this machine's, -EACCES the daemon may not, -EEXIST the path is no socket, -EINVAL a
 * name, -EAFNOSUPPORT "udp:", and whatever else socket(2), bind(2) and listen(2) say.
 */
int socket_open_listener(const ListenerConfig *config, Address *bound, SocketFile *file);

/* The same with a path up to bind(2): it does not listen yet, and its bound address is config's. */
int socket_open_path(const ListenerConfig *config, SocketFile *file);

enum {
        /* How long a TCP connection whose bytes have to come first waits for them in the kernel,
         * which outlives the daemon, before it waits in the daemon. */
        SOCKET_DEFERRED_MS = 1000,
};

/* That, or 0: not at all. */
uint32_t socket_deferred_ms(const ListenerConfig *config);

/* Has a bound socket listen with the configured backlog (0: the system's), or changes it. 0, or as
 * above. */
int socket_listen(int borrow_fd, const ListenerConfig *config);
/* Whether borrow_fd listens at the address: at any port where any was asked for. 0, or -EINVAL and
 * the like with error_text(). */
int socket_check_listener(int borrow_fd, const Address *address);
/* Whether a socket that is bound to an address keeps others from another address. */
bool socket_overlaps(const Address *bound, const Address *other);
/* Where a socket is that was asked for at an address, with the port the kernel chose. 0, or -errno
 * with error_text(). */
int socket_find_bound(int borrow_fd, const Address *address, Address *bound);
/* Whether connections can come to one that was opened at the address, as far as the kernel says it
 * without the socket's lock, which somebody else may have. 0, or -errno with error_text(). */
int socket_check_alive(int borrow_fd, const Address *address);
/* Makes that the listener that socket_open_listener() would open: with this backlog, non-blocking,
 * and without the filter that somebody who had it may have left. bound: as there. 0, or -errno with
 * error_text(): it was shut down, or made something else. */
int socket_adopt_listener(int borrow_fd, const ListenerConfig *config, Address *bound);

/* Sets what a listener's connections are to have. Best effort: the connection is good without. */
void socket_prepare_accepted(int borrow_fd, const ListenerConfig *config);

/* Opens a UDP socket bound to an address ("*": dual stack). As socket_open_listener(). */
int socket_open_udp(const Address *address, Address *bound);
