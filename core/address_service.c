/* Ports by the name of their service. See address_service.h. */
#include "core/address_service.h"

#include "core/address_parts.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

static bool is_number(const char *text)
{
        return text[strspn(text, "0123456789")] == '\0';
}

const char *address_read_service(AddressKind kind, const char *text, uint16_t *out)
{
        char buffer[4096];
        struct servent service, *found = NULL;

        if (is_number(text))
                return address_read_port(text, out);
        if (getservbyname_r(text, kind == ADDRESS_UDP ? "udp" : "tcp", &service, buffer,
                            sizeof(buffer), &found) != 0 ||
            !found)
                return "its port is neither a number nor a service's name";
        *out = ntohs((uint16_t)service.s_port);
        return NULL;
}

int address_service_port(const char *text)
{
        AddressParts parts;
        const char *wrong;
        uint16_t port;

        if (address_split(text, &parts) || parts.kind == ADDRESS_UNIX || is_number(parts.port))
                return 0;
        wrong = address_read_service(parts.kind, parts.port, &port);
        return wrong ? address_mistake("address", text, wrong) : port;
}

void address_replace_service(const char *text, unsigned port, char out[static ADDRESS_TEXT_MAX])
{
        int length = (int)(strrchr(text, ':') + 1 - text);

        snprintf(out, ADDRESS_TEXT_MAX, "%.*s%u", length, text, port);
}

int address_parse_asking(const char *text, Address *out)
{
        char numbered[ADDRESS_TEXT_MAX];
        int port = address_service_port(text);

        if (port <= 0)
                return port < 0 ? port : address_parse(text, out);
        address_replace_service(text, (unsigned)port, numbered);
        return address_parse(numbered, out);
}
