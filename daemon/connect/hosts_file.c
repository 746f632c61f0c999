/* The hosts file. See hosts_file.h. */
#include "daemon/connect/hosts_file.h"

#include "core/cleanup.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t\r\n";

static bool parse_number(const char *text, InetAddress *out)
{
        memset(out, 0, sizeof(*out));
        if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1)
                out->any.sa_family = AF_INET;
        else if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1)
                out->any.sa_family = AF_INET6;
        return out->any.sa_family != AF_UNSPEC;
}

/* Whether a line, which is cut up for it, says what the name's address is. */
static bool line_tells(char *line, const char *name, InetAddress *out)
{
        char *rest = NULL;
        char *word;

        line[strcspn(line, "#")] = '\0';
        word = strtok_r(line, blanks, &rest);
        if (!word || !parse_number(word, out))
                return false;
        while ((word = strtok_r(NULL, blanks, &rest))) {
                if (strcasecmp(word, name) == 0)
                        return true;
        }
        return false;
}

static void find_localhost(int family, InetAddress *addresses, size_t max, size_t *count)
{
        if (max > 0 && parse_number(family == AF_INET ? "127.0.0.1" : "::1", &addresses[0]))
                *count = 1;
}

bool hosts_file_find(const char *path, const char *name, int family, InetAddress *addresses,
                     size_t max, size_t *count)
{
        CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");
        CLEANUP(cleanup_free) char *line = NULL;
        size_t capacity = 0;
        bool known = false;
        InetAddress address;

        *count = 0;
        while (file && getline(&line, &capacity, file) >= 0) {
                if (!line_tells(line, name, &address))
                        continue;
                known = true;
                if (address.any.sa_family == family && *count < max)
                        addresses[(*count)++] = address;
        }
        if (!known && strcasecmp(name, "localhost") == 0) {
                find_localhost(family, addresses, max, count);
                known = true;
        }
        return known;
}
