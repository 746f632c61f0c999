/* Addresses as people write them. See address.h. */
#include "address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool address_parse(const char *text, Address *out)
{
        const struct addrinfo wanted = {
                .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                .ai_socktype = SOCK_STREAM,
        };
        const char *colon = strrchr(text, ':');
        char host[ADDRESS_TEXT_MAX];
        struct addrinfo *found;
        size_t length;

        if (!colon || colon == text || !colon[1])
                return false;
        length = (size_t)(colon - text);
        if (*text == '[' && text[length - 1] == ']') {
                text++;
                length -= 2;
        } else if (memchr(text, ':', length)) {
                return false; /* IPv6 without brackets: where does the port begin? */
        }
        if (length >= sizeof(host))
                return false;
        memcpy(host, text, length);
        host[length] = '\0';
        if (getaddrinfo(host, colon + 1, &wanted, &found) != 0)
                return false;
        memcpy(&out->storage, found->ai_addr, found->ai_addrlen);
        out->size = found->ai_addrlen;
        freeaddrinfo(found);
        return true;
}

const char *address_format(const Address *address, char buffer[static ADDRESS_TEXT_MAX])
{
        bool is_v6 = address->storage.ss_family == AF_INET6;
        char host[ADDRESS_TEXT_MAX - sizeof("[]:65535")];
        char port[sizeof("65535")];

        if (getnameinfo((const struct sockaddr *)&address->storage, address->size, host,
                        sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                return strcpy(buffer, "?");
        snprintf(buffer, ADDRESS_TEXT_MAX, is_v6 ? "[%s]:%s" : "%s:%s", host, port);
        return buffer;
}
