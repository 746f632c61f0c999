/* The parts of an address's text. See address_parts.h. */
#include "core/address_parts.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static const struct {
        const char *prefix;
        AddressKind kind;
} kinds[] = {{"tcp:", ADDRESS_TCP}, {"udp:", ADDRESS_UDP}, {"unix:", ADDRESS_UNIX}};

/* Without ctype.h, whose answers depend on the locale. */
static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Text that comes from clients is in logs and on terminals later. */
static bool is_printable(const char *text)
{
        for (; *text; text++) {
                if (*text < ' ' || *text > '~')
                        return false;
        }
        return true;
}

static const char *split_host_and_port(const char *rest, AddressParts *out)
{
        const char *colon = strrchr(rest, ':');
        size_t length;

        if (*rest == '[' && !strchr(rest, ']'))
                return "there is no ] after its [";
        if (!colon || (*rest == '[' && colon < strchr(rest, ']')))
                return "it needs a port: HOST:PORT";
        length = (size_t)(colon - rest);
        if (length == 0)
                return "it needs a host, or * for any";
        if (length >= sizeof(out->host))
                return "a host's name has at most 253 bytes";
        memcpy(out->host, rest, length);
        out->host[length] = '\0';
        if (*rest != '[' && strchr(out->host, ':'))
                return "an IPv6 address needs brackets: [HOST]:PORT";
        out->port = colon + 1;
        return NULL;
}

const char *address_split(const char *text, AddressParts *out)
{
        *out = (AddressParts){.port = ""};
        if (!is_printable(text))
                return "it has to be printable ASCII";
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                size_t length = strlen(kinds[i].prefix);

                if (strncmp(text, kinds[i].prefix, length) != 0)
                        continue;
                out->kind = kinds[i].kind;
                if (out->kind != ADDRESS_UNIX)
                        return split_host_and_port(text + length, out);
                if (strlen(text + length) >= sizeof(out->host))
                        return "a path has at most 107 bytes";
                strcpy(out->host, text + length);
                return NULL;
        }
        return "it begins with tcp:, udp: or unix:";
}

uint32_t address_find_interface(const char *name)
{
        CLEANUP(cleanup_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int number = 0;
        socklen_t size = sizeof(number);

        if (fd < 0 || !*name || strlen(name) >= IF_NAMESIZE ||
            setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &number, &size) < 0)
                return 0;
        return (uint32_t)number;
}

/* A scope: the name of an interface, or its number. */
static bool read_scope(const char *text, uint32_t *out)
{
        unsigned long number;
        char *end;

        *out = address_find_interface(text);
        if (*out != 0)
                return true;
        if (!is_digit(*text) || strlen(text) > 10)
                return false;
        number = strtoul(text, &end, 10);
        *out = (uint32_t)number;
        return !*end && number > 0 && number <= UINT32_MAX;
}

static const char *read_v6(const char *host, struct in6_addr *out, uint32_t *scope)
{
        char text[ADDRESS_TEXT_MAX];
        char *end, *percent;

        strcpy(text, host + 1);
        end = strchr(text, ']');
        if (!end || end[1])
                return "there is more after its ]";
        *end = '\0';
        percent = strchr(text, '%');
        if (percent)
                *percent = '\0';
        if (inet_pton(AF_INET6, text, out) != 1)
                return "no IPv6 address is between its brackets";
        if (!percent)
                return NULL;
        if (!IN6_IS_ADDR_LINKLOCAL(out) && !IN6_IS_ADDR_MC_LINKLOCAL(out))
                return "only link-local addresses have a %scope";
        return read_scope(percent + 1, scope) ? NULL : "there is no such network interface";
}

const char *address_read_number(const char *host, struct in6_addr *out, uint32_t *scope,
                                bool *is_number)
{
        struct in_addr v4;

        memset(out, 0, sizeof(*out));
        *scope = 0;
        *is_number = true;
        if (*host == '[')
                return read_v6(host, out, scope);
        *is_number = inet_pton(AF_INET, host, &v4) == 1;
        if (*is_number) {
                out->s6_addr[10] = out->s6_addr[11] = 0xff;
                memcpy(out->s6_addr + 12, &v4, sizeof(v4));
        }
        return NULL;
}

/* What libc would take for an IPv4 number in an old way of writing ("127.1", "0x7f.1") is no name:
 * a policy for names would be asked, and a number be connected to. */
static bool ends_in_number(const char *name)
{
        const char *dot = strrchr(name, '.');
        const char *label = dot ? dot + 1 : name;

        if (label[0] == '0' && label[1] == 'x')
                return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
        return label[strspn(label, "0123456789")] == '\0';
}

const char *address_read_name(const char *host, char out[static ADDRESS_HOST_MAX])
{
        static const char wrong[] = "its host is neither a number nor a name";
        size_t length = strlen(host), label = 0;

        if (length > 0 && host[length - 1] == '.')
                length--;
        if (length == 0)
                return wrong;
        if (length >= ADDRESS_HOST_MAX)
                return "a host's name has at most 253 bytes";
        for (size_t i = 0; i < length; i++) {
                char c = to_lower(host[i]);
                bool at_edge = label == 0 || i + 1 == length || host[i + 1] == '.';

                out[i] = c;
                if (c == '.' && label == 0)
                        return wrong;
                label = c == '.' ? 0 : label + 1;
                if (label > LABEL_MAX)
                        return "no part of a host's name has more than 63 bytes";
                if (c != '.' && c != '_' && !is_digit(c) && (c < 'a' || c > 'z') &&
                    (c != '-' || at_edge))
                        return wrong;
        }
        out[length] = '\0';
        return label == 0 || ends_in_number(out) ? wrong : NULL;
}

const char *address_read_port(const char *text, uint16_t *out)
{
        unsigned long number;

        if (!*text)
                return "it needs a port: HOST:PORT";
        if (text[strspn(text, "0123456789")])
                return "its port has to be a number";
        number = strlen(text) > 5 ? UINT16_MAX + 1UL : strtoul(text, NULL, 10);
        if (number > UINT16_MAX)
                return "a port is a number from 0 to 65535";
        *out = (uint16_t)number;
        return NULL;
}

/* Without these a prefix would allow what lies elsewhere: "/run/app/../other". */
static bool has_dots(const char *path)
{
        const char *slash = path;

        for (; slash; slash = strchr(slash + 1, '/')) {
                size_t length = strcspn(slash + 1, "/");

                if ((length == 0 && slash[1]) || (length == 1 && slash[1] == '.') ||
                    (length == 2 && slash[1] == '.' && slash[2] == '.'))
                        return true;
        }
        return false;
}

const char *address_check_path(const char *path, bool is_prefix)
{
        size_t length = strlen(path);

        if (length > sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
                return "a path has at most 107 bytes";
        if (is_prefix && length == 0)
                return NULL;
        if (*path == '@')
                return length > 1 || is_prefix ? NULL : "there is no name after its @";
        if (*path != '/')
                return "it needs an absolute path, or @NAME";
        if (!is_prefix && path[length - 1] == '/')
                return "its path ends with /";
        return has_dots(path) ? "its path has //, /./ or /../ in it" : NULL;
}

int address_mistake(const char *what_is_it, const char *text, const char *what)
{
        size_t room = ERROR_WIRE_MAX - strlen(what_is_it) - strlen(" \"\": ") - strlen(what);
        bool fits = strlen(text) <= room;

        if (!is_printable(text))
                return error_set(EINVAL, "%s: %s", what_is_it, what);
        return error_set(EINVAL, "%s \"%.*s%s\": %s", what_is_it,
                         (int)(fits ? room : room - strlen("...")), text, fits ? "" : "...", what);
}
