/* Addresses as text. See address.h. */
#include "core/address.h"

#include "core/address_parts.h"
#include "core/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void set_v6(Address *out, const struct in6_addr *number, uint32_t scope)
{
        out->socket_address.v6.sin6_family = AF_INET6;
        out->socket_address.v6.sin6_port = htons(out->port);
        out->socket_address.v6.sin6_addr = *number;
        out->socket_address.v6.sin6_scope_id = scope;
        out->size = sizeof(out->socket_address.v6);
}

/* The scope by its interface's name, which says more than a number, unless the name could not be
 * read back. */
static void append_scope(char host[static ADDRESS_HOST_MAX], uint32_t scope)
{
        char name[IF_NAMESIZE];
        size_t length = strlen(host);

        if (if_indextoname(scope, name) && address_find_interface(name) == scope &&
            !strchr(name, ']') && !strchr(name, ':'))
                snprintf(host + length, ADDRESS_HOST_MAX - length, "%%%s", name);
        else
                snprintf(host + length, ADDRESS_HOST_MAX - length, "%%%u", scope);
}

/* A number, IPv4 mapped into IPv6. */
static void set_number(Address *out, const struct in6_addr *number, uint32_t scope)
{
        out->host_is = ADDRESS_NUMBER;
        if (IN6_IS_ADDR_V4MAPPED(number)) {
                out->socket_address.v4.sin_family = AF_INET;
                out->socket_address.v4.sin_port = htons(out->port);
                memcpy(&out->socket_address.v4.sin_addr, number->s6_addr + 12,
                       sizeof(out->socket_address.v4.sin_addr));
                out->size = sizeof(out->socket_address.v4);
                inet_ntop(AF_INET, number->s6_addr + 12, out->host, sizeof(out->host));
                return;
        }
        set_v6(out, number, scope);
        inet_ntop(AF_INET6, number, out->host, sizeof(out->host));
        if (scope != 0)
                append_scope(out->host, scope);
}

static const char *read_host(const char *host, Address *out)
{
        struct in6_addr number;
        uint32_t scope;
        bool is_number;
        const char *wrong;

        if (strcmp(host, "*") == 0) {
                out->host_is = ADDRESS_ANY;
                strcpy(out->host, "*");
                set_v6(out, &in6addr_any, 0);
                return NULL;
        }
        wrong = address_read_number(host, &number, &scope, &is_number);
        if (wrong)
                return wrong;
        if (is_number) {
                set_number(out, &number, scope);
                return NULL;
        }
        out->host_is = ADDRESS_NAME;
        return address_read_name(host, out->host);
}

static const char *read_path(const char *path, Address *out)
{
        struct sockaddr_un *un = &out->socket_address.un;
        const char *wrong = address_check_path(path, false);
        size_t length = strlen(path);

        if (wrong)
                return wrong;
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, path, length);
        out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
        if (*path == '@')
                un->sun_path[0] = '\0';
        else
                out->size++; /* a path's terminating zero counts */
        return NULL;
}

static const char *parse(const char *text, Address *out)
{
        AddressParts parts;
        const char *wrong = address_split(text, &parts);

        if (wrong)
                return wrong;
        out->kind = parts.kind;
        if (parts.kind == ADDRESS_UNIX)
                return read_path(parts.host, out);
        wrong = address_read_port(parts.port, &out->port);
        return wrong ? wrong : read_host(parts.host, out);
}

int address_parse(const char *text, Address *out)
{
        const char *wrong;

        memset(out, 0, sizeof(*out));
        wrong = parse(text, out);
        return wrong ? address_mistake("address", text, wrong) : 0;
}

/* What cannot be printed, as an abstract name of a stranger's may have it, becomes '?'. */
static void format_path(const Address *address, char out[static ADDRESS_TEXT_MAX])
{
        const struct sockaddr_un *un = &address->socket_address.un;
        const size_t before = offsetof(struct sockaddr_un, sun_path);
        size_t length = address->size > before ? address->size - before : 0;
        char *end = stpcpy(out, "unix:");

        if (length > 0 && un->sun_path[0])
                length = strnlen(un->sun_path, length);
        for (size_t i = 0; i < length; i++) {
                char c = un->sun_path[i];

                if (i == 0 && !c)
                        *end++ = '@';
                else
                        *end++ = c < ' ' || c > '~' ? '?' : c;
        }
        *end = '\0';
}

void address_format(const Address *address, char out[static ADDRESS_TEXT_MAX])
{
        bool is_v6 = address->host_is == ADDRESS_NUMBER &&
                     address->socket_address.any.sa_family == AF_INET6;

        if (address->kind == ADDRESS_UNIX) {
                format_path(address, out);
                return;
        }
        snprintf(out, ADDRESS_TEXT_MAX, is_v6 ? "%s:[%s]:%u" : "%s:%s:%u",
                 address->kind == ADDRESS_TCP ? "tcp" : "udp", address->host, address->port);
}

static int from_unix(const struct sockaddr *socket_address, socklen_t size, Address *out)
{
        if (size > sizeof(out->socket_address.un))
                size = sizeof(out->socket_address.un);
        memcpy(&out->socket_address.un, socket_address, size);
        out->size = size;
        return 0;
}

int address_from_socket(AddressKind kind, const struct sockaddr *socket_address, socklen_t size,
                        Address *out)
{
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        struct sockaddr_in v4;

        memset(out, 0, sizeof(*out));
        out->kind = kind;
        if (size < sizeof(socket_address->sa_family))
                return error_set(EAFNOSUPPORT, "a socket's address has no family");
        if (kind == ADDRESS_UNIX && socket_address->sa_family == AF_UNIX)
                return from_unix(socket_address, size, out);
        if (kind == ADDRESS_UNIX) {
                return error_set(EAFNOSUPPORT, "a socket's address is not a Unix one");
        } else if (socket_address->sa_family == AF_INET && size >= sizeof(v4)) {
                memcpy(&v4, socket_address, sizeof(v4));
                v6.sin6_port = v4.sin_port;
                v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
                memcpy(v6.sin6_addr.s6_addr + 12, &v4.sin_addr, sizeof(v4.sin_addr));
        } else if (socket_address->sa_family == AF_INET6 && size >= sizeof(v6)) {
                memcpy(&v6, socket_address, sizeof(v6));
        } else {
                return error_set(EAFNOSUPPORT, "a socket's address is neither IPv4 nor IPv6");
        }
        out->port = ntohs(v6.sin6_port);
        set_number(out, &v6.sin6_addr, v6.sin6_scope_id);
        return 0;
}
