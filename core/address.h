/*
 * Addresses as text: "tcp:HOST:PORT", "udp:HOST:PORT", "unix:PATH" and "unix:@NAME".
 *
 * HOST is a number (192.0.2.1, [2001:db8::1], [fe80::1%eth0]), a host name, or "*": any address.
 * PORT is a number from 0 to 65535; address_service.h takes a service's name, too. Parsing never
 * asks a name service: a host name stays one, for the resolver. IPv4 mapped into IPv6 is read as
 * IPv4, so that no address has two spellings. PATH is absolute and without "..". All is printable
 * ASCII.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
        /* Bytes of an address's text with its terminating zero: a host name has at most 253. */
        ADDRESS_TEXT_MAX = 288,
        ADDRESS_HOST_MAX = 254,
};

typedef enum AddressKind {
        ADDRESS_TCP,
        ADDRESS_UDP,
        ADDRESS_UNIX,
} AddressKind;

typedef enum AddressHost {
        ADDRESS_NUMBER, /* socket_address is it */
        ADDRESS_ANY,    /* "*": socket_address is [::] */
        ADDRESS_NAME,   /* to be resolved; socket_address is not set */
} AddressHost;

typedef struct Address {
        AddressKind kind;
        AddressHost host_is;         /* ADDRESS_NUMBER for unix */
        char host[ADDRESS_HOST_MAX]; /* lower case, without brackets; "" for unix */
        uint16_t port;               /* 0 for unix */
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
                struct sockaddr_un un;
                struct sockaddr_storage storage;
        } socket_address;
        socklen_t size; /* of socket_address; 0: not set */
} Address;

/* Whether it is a path: that of a file, not an abstract name. */
static inline bool address_is_path(const Address *address)
{
        return address->kind == ADDRESS_UNIX && address->socket_address.un.sun_path[0];
}

/* 0, or -EINVAL with error_text() that names the mistake and fits on the wire. The same address
 * always gives the same bytes in *out. */
int address_parse(const char *text, Address *out);

/* Writes it as text that address_parse() takes: the canonical form, service names as numbers. What
 * only address_from_socket() gives may not be taken: "unix:" for a socket without a name, and '?'
 * for what cannot be printed. */
void address_format(const Address *address, char out[static ADDRESS_TEXT_MAX]);

/* The address that a socket address of a kind is. 0, or -EAFNOSUPPORT. An IPv4 address mapped into
 * IPv6 becomes IPv4. */
int address_from_socket(AddressKind kind, const struct sockaddr *socket_address, socklen_t size,
                        Address *out);
