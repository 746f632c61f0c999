/*
 * Addresses as people write them: 127.0.0.1:7007, [::1]:7007.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

typedef struct Address {
        struct sockaddr_storage storage;
        socklen_t size;
} Address;

enum { ADDRESS_TEXT_MAX = 80 };

/* Reads a numeric address and port; 0 is a port too. False: it is none. */
bool address_parse(const char *text, Address *out);

/* Writes it; returns buffer. */
const char *address_format(const Address *address, char buffer[static ADDRESS_TEXT_MAX]);
