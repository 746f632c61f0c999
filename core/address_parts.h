/*
 * The parts of an address's text, for address.c and address_pattern.c alone: one way of splitting
 * it, and one reader for each part. A reader returns NULL, or what is wrong with the part; that is
 * made a sentence by address_mistake(), which knows the whole text.
 */
#pragma once

#include "core/address.h"

typedef struct AddressParts {
        AddressKind kind;
        char host[ADDRESS_TEXT_MAX]; /* as written, with brackets; the path of unix */
        const char *port;            /* in the text; "" for unix */
} AddressParts;

const char *address_split(const char *text, AddressParts *out);

/* "192.0.2.1", "[2001:db8::1]" or "[fe80::1%eth0]"; IPv4 comes out mapped into IPv6. *is_number is
 * false, and nothing wrong, when the host is no number but may be a name. */
const char *address_read_number(const char *host, struct in6_addr *out, uint32_t *scope,
                                bool *is_number);
/* A host's name, in lower case and without the dot at its end. */
const char *address_read_name(const char *host, char out[static ADDRESS_HOST_MAX]);
/* The number of an interface; 0: there is none of this name. Unlike if_nametoindex(), which has the
 * kernel look for a module of that name, and waits for that, it asks nobody. */
uint32_t address_find_interface(const char *name);
/* A number. */
const char *address_read_port(const char *text, uint16_t *out);
/* A path, or an abstract name with its '@'. What a prefix may end with is allowed at its end. */
const char *address_check_path(const char *path, bool is_prefix);

/* -EINVAL, with a sentence that is short enough for the wire: the text is cut. */
int address_mistake(const char *what_is_it, const char *text, const char *what);
