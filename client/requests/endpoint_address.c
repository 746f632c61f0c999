/* Where an endpoint listens. See endpoint_address.h. */
#include "client/requests/endpoint_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void endpoint_address_init(EndpointAddress *address)
{
        *address->first.text = '\0';
        atomic_init(&address->now, NULL);
}

void endpoint_address_deinit(EndpointAddress *address)
{
        AddressText *text = atomic_load(&address->now);

        while (text && text != &address->first) {
                AddressText *before = text->before;

                free(text);
                text = before;
        }
}

void endpoint_address_set(EndpointAddress *address, const char *text)
{
        AddressText *before = atomic_load(&address->now);
        AddressText *now = before ? malloc(sizeof(*now)) : &address->first;

        if (before && (!now || strncmp(before->text, text, ADDRESS_TEXT_MAX - 1) == 0)) {
                free(now);
                return;
        }
        now->before = before;
        snprintf(now->text, sizeof(now->text), "%s", text);
        atomic_store(&address->now, now);
}

const char *endpoint_address_text(const EndpointAddress *address)
{
        const AddressText *now = atomic_load(&address->now);

        return now ? now->text : "";
}
