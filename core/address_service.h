/*
 * Ports written as the name of a service: "tcp:HOST:http".
 *
 * Every function here asks the name service (getservbyname), which may take its time: so none of
 * them is for a loop that others wait for. address_parse() takes numbers alone.
 */
#pragma once

#include "core/address.h"

/* As address_parse(), with PORT as a service's name, too. */
int address_parse_asking(const char *text, Address *out);

/* The port of an address's text if that is a service's name; 0 if it is not, also of a text that is
 * no address, which address_parse() says. Or -EINVAL with error_text(): nobody knows the service.
 */
int address_service_port(const char *text);
/* Writes the text with that port for its own, which is a service's name. */
void address_replace_service(const char *text, unsigned port, char out[static ADDRESS_TEXT_MAX]);

/* A number or a service's name; returns NULL, or what is wrong with it. */
const char *address_read_service(AddressKind kind, const char *text, uint16_t *out);
