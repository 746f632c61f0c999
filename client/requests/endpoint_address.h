/*
 * EndpointAddress: where an endpoint listens, as text that any thread reads without the lock.
 *
 * A daemon after an outage may have to listen at another port. The program may be reading the text
 * before, or have kept it: so each stays until the endpoint's end.
 *
 * Set with the handle's lock held; freed by who frees the endpoint.
 */
#pragma once

#include "core/address.h"

#include <stdatomic.h>

typedef struct AddressText AddressText;

struct AddressText {
        AddressText *before;
        char text[ADDRESS_TEXT_MAX];
};

typedef struct EndpointAddress {
        AddressText *_Atomic now;
        AddressText first;
} EndpointAddress;

void endpoint_address_init(EndpointAddress *address);
void endpoint_address_deinit(EndpointAddress *address);

/* If there is no memory for another one, the program does not learn of it. */
void endpoint_address_set(EndpointAddress *address, const char *text);
/* "" before the first. Any thread. */
const char *endpoint_address_text(const EndpointAddress *address);
