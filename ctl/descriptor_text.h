/*
 * Descriptors as text: what lists of registrations and of held descriptors say of each alike.
 */
#pragma once

#include "ctl/socket_address_lookup.h"

#include <jansson.h>

enum { DESCRIPTOR_TEXT_MAX = 2 * SOCKET_ADDRESS_TEXT_MAX + sizeof(" (listening)") };

/* A kind of RegistrationEntry as tables have it: long ones as ss(8) calls them. */
const char *descriptor_text_kind(const char *kind);

/* "LOCAL->PEER", "LOCAL (listening)", or "-". Returns buffer. */
const char *descriptor_text_address(const SocketAddresses *addresses,
                                    char buffer[static DESCRIPTOR_TEXT_MAX]);

/* Adds local, peer and listening to a JSON object; see output_add(). */
void descriptor_text_add_addresses(json_t **object, const SocketAddresses *addresses);
