/*
 * Patterns of addresses, as policies have them: an address whose host may be "*" (any), a name with
 * a leading "*." ("*.example.org": every name below it), a network ("10.0.0.0/8",
 * "[2001:db8::]/32"), and whose port may be "*" or a range ("8080-8090"). "unix:" takes a trailing
 * "*" as any ending.
 *
 * A name is matched by names alone, a number by numbers and networks alone, "*" matches both. So a
 * request for a host name is allowed by its name, or else each address it resolves to is asked for.
 * But "localhost" is the addresses of the loopback, too.
 * The address "*" (listening on all) is matched by "*" alone; "[::]", which may take in IPv4, by
 * "*" and itself; "0.0.0.0" by "*", itself and "0.0.0.0/0".
 */
#pragma once

#include "core/address.h"

typedef struct AddressPattern {
        AddressKind kind;
        enum {
                ADDRESS_PATTERN_ANY,
                ADDRESS_PATTERN_NAME,
                ADDRESS_PATTERN_BELOW, /* name is what follows "*." */
                ADDRESS_PATTERN_NETWORK,
                ADDRESS_PATTERN_PATH,
        } host_is;
        char name[ADDRESS_HOST_MAX]; /* or the path, '@' first for an abstract name */
        bool path_is_prefix;
        struct in6_addr network; /* IPv4 mapped */
        unsigned prefix_length;  /* in bits of network */
        uint32_t scope;          /* 0: any */
        uint16_t port_first;
        uint16_t port_last;
} AddressPattern;

/* 0, or -EINVAL with error_text() that fits on the wire. Asks the name service for a port that is a
 * service's name. */
int address_pattern_parse(const char *text, AddressPattern *out);
/* Of a path's pattern: the bytes of the directory that it names, with the slash at its end; for
 * "/run/app*" that is "/run/". At least 1. */
size_t address_pattern_directory(const AddressPattern *pattern);
bool address_pattern_matches(const AddressPattern *pattern, const Address *address);
