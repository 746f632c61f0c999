/* Patterns of addresses. See address_pattern.h. */
#include "core/address_pattern.h"

#include "core/address_parts.h"
#include "core/address_service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
        V4_BITS_BEFORE = 96, /* of an IPv4 address mapped into IPv6 */
        V6_BITS = 128,
};

/* Whether the first bits of both are the same. */
static bool same_bits(const struct in6_addr *a, const struct in6_addr *b, unsigned bits)
{
        unsigned bytes = bits / 8, rest = bits % 8;
        uint8_t mask = (uint8_t)(0xff00 >> rest);

        return memcmp(a, b, bytes) == 0 &&
               (rest == 0 || ((a->s6_addr[bytes] ^ b->s6_addr[bytes]) & mask) == 0);
}

/* Takes "/BITS" off the host's end, and fills in how many bits that is; *bits is the number of an
 * address without it. */
static const char *take_prefix_length(char *host, unsigned *bits)
{
        char *slash = strchr(host, '/');
        unsigned most = *host == '[' ? V6_BITS : V6_BITS - V4_BITS_BEFORE;
        unsigned long number;

        *bits = V6_BITS;
        if (!slash)
                return NULL;
        *slash++ = '\0';
        if (!*slash || strlen(slash) > 3 || slash[strspn(slash, "0123456789")])
                return "after its / comes a number of bits";
        number = strtoul(slash, NULL, 10);
        if (number > most)
                return "it has more bits after its / than an address has";
        *bits = (unsigned)number + V6_BITS - most;
        return NULL;
}

static const char *read_network(char *host, AddressPattern *out, bool *is_network)
{
        bool has_slash = strchr(host, '/');
        const char *wrong = take_prefix_length(host, &out->prefix_length);

        if (!wrong)
                wrong = address_read_number(host, &out->network, &out->scope, is_network);
        if (wrong)
                return wrong;
        if (!*is_network)
                return has_slash ? "only a number has a / with a number of bits" : NULL;
        /* What is after the prefix: no bit of it may be set, or something else was meant. */
        for (unsigned bit = out->prefix_length; bit < V6_BITS; bit++) {
                if (out->network.s6_addr[bit / 8] & 0x80 >> bit % 8)
                        return "its address has bits set after its prefix";
        }
        out->host_is = ADDRESS_PATTERN_NETWORK;
        return NULL;
}

static const char *read_host(char *host, AddressPattern *out)
{
        bool is_network = false;
        const char *wrong;

        if (strcmp(host, "*") == 0) {
                out->host_is = ADDRESS_PATTERN_ANY;
                return NULL;
        }
        if (strncmp(host, "*.", 2) == 0) {
                out->host_is = ADDRESS_PATTERN_BELOW;
                return address_read_name(host + 2, out->name);
        }
        wrong = read_network(host, out, &is_network);
        if (wrong || is_network)
                return wrong;
        out->host_is = ADDRESS_PATTERN_NAME;
        return address_read_name(host, out->name);
}

/* "8080-8090"; a service's name may have a '-' too. */
static const char *read_ports(const char *text, AddressPattern *out)
{
        size_t digits = strspn(text, "0123456789");
        char first[8];
        const char *wrong;

        if (strcmp(text, "*") == 0) {
                out->port_last = UINT16_MAX;
                return NULL;
        }
        if (digits == 0 || digits >= sizeof(first) || text[digits] != '-') {
                wrong = address_read_service(out->kind, text, &out->port_first);
                out->port_last = out->port_first;
                return wrong;
        }
        memcpy(first, text, digits);
        first[digits] = '\0';
        wrong = address_read_port(first, &out->port_first);
        if (!wrong)
                wrong = address_read_service(out->kind, text + digits + 1, &out->port_last);
        if (!wrong && out->port_first > out->port_last)
                wrong = "its range of ports ends before it begins";
        return wrong;
}

static const char *read_path(char *path, AddressPattern *out)
{
        size_t length = strlen(path);
        const char *wrong;

        out->host_is = ADDRESS_PATTERN_PATH;
        out->path_is_prefix = length > 0 && path[length - 1] == '*';
        if (out->path_is_prefix)
                path[length - 1] = '\0';
        wrong = address_check_path(path, out->path_is_prefix);
        if (!wrong)
                strcpy(out->name, path);
        return wrong;
}

static const char *parse(const char *text, AddressPattern *out)
{
        AddressParts parts;
        const char *wrong = address_split(text, &parts);

        if (wrong)
                return wrong;
        out->kind = parts.kind;
        if (parts.kind == ADDRESS_UNIX)
                return read_path(parts.host, out);
        wrong = read_ports(parts.port, out);
        return wrong ? wrong : read_host(parts.host, out);
}

int address_pattern_parse(const char *text, AddressPattern *out)
{
        const char *wrong;

        memset(out, 0, sizeof(*out));
        wrong = parse(text, out);
        return wrong ? address_mistake("pattern", text, wrong) : 0;
}

size_t address_pattern_directory(const AddressPattern *pattern)
{
        const char *slash = strrchr(pattern->name, '/');

        return slash ? (size_t)(slash + 1 - pattern->name) : 1;
}

static bool path_matches(const AddressPattern *pattern, const Address *address)
{
        char text[ADDRESS_TEXT_MAX];
        const char *path = text + strlen("unix:");

        address_format(address, text);
        if (pattern->path_is_prefix)
                return strncmp(path, pattern->name, strlen(pattern->name)) == 0;
        return strcmp(path, pattern->name) == 0;
}

/* Whether name ends with a dot and suffix. */
static bool is_below(const char *name, const char *suffix)
{
        size_t length = strlen(name), suffix_length = strlen(suffix);

        return length > suffix_length + 1 && name[length - suffix_length - 1] == '.' &&
               strcmp(name + length - suffix_length, suffix) == 0;
}

/* What "localhost" is, also where it stands in a pattern. */
static bool is_loopback(const Address *address)
{
        if (address->host_is != ADDRESS_NUMBER)
                return false;
        if (address->socket_address.any.sa_family == AF_INET)
                return ntohl(address->socket_address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
        return IN6_IS_ADDR_LOOPBACK(&address->socket_address.v6.sin6_addr);
}

static bool name_matches(const AddressPattern *pattern, const Address *address)
{
        if (address->host_is == ADDRESS_NAME)
                return strcmp(address->host, pattern->name) == 0;
        return strcmp(pattern->name, "localhost") == 0 && is_loopback(address);
}

/* IPv4 and IPv6 do not contain each other, whatever the mapping says. */
static bool network_contains(const AddressPattern *pattern, const Address *address)
{
        bool is_v4 = address->socket_address.any.sa_family == AF_INET;
        bool pattern_is_v4 =
                IN6_IS_ADDR_V4MAPPED(&pattern->network) && pattern->prefix_length >= V4_BITS_BEFORE;
        struct in6_addr number = address->socket_address.v6.sin6_addr;

        if (is_v4 != pattern_is_v4)
                return false;
        if (is_v4) {
                struct in_addr v4 = address->socket_address.v4.sin_addr;

                number = pattern->network;
                memcpy(number.s6_addr + 12, &v4, sizeof(v4));
                /* 0.0.0.0 is all of IPv4: a part of that does not allow it. */
                if (v4.s_addr == INADDR_ANY && pattern->prefix_length > V4_BITS_BEFORE &&
                    pattern->prefix_length < V6_BITS)
                        return false;
        } else {
                if (pattern->scope != 0 &&
                    pattern->scope != address->socket_address.v6.sin6_scope_id)
                        return false;
                /* [::] may take in IPv4: no network of IPv6's allows it. */
                if (IN6_IS_ADDR_UNSPECIFIED(&number) && pattern->prefix_length < V6_BITS)
                        return false;
        }
        return same_bits(&number, &pattern->network, pattern->prefix_length);
}

bool address_pattern_matches(const AddressPattern *pattern, const Address *address)
{
        if (pattern->kind != address->kind)
                return false;
        if (pattern->host_is == ADDRESS_PATTERN_PATH)
                return path_matches(pattern, address);
        if (address->port < pattern->port_first || address->port > pattern->port_last)
                return false;
        switch (pattern->host_is) {
        case ADDRESS_PATTERN_ANY:
                return true;
        case ADDRESS_PATTERN_NAME:
                return name_matches(pattern, address);
        case ADDRESS_PATTERN_BELOW:
                return address->host_is == ADDRESS_NAME && is_below(address->host, pattern->name);
        case ADDRESS_PATTERN_NETWORK:
                return address->host_is == ADDRESS_NUMBER && network_contains(pattern, address);
        default:
                return false;
        }
}
