/* What may be a name. See name.h. */
#include "core/name.h"

#include "core/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Without ctype.h, whose answers depend on the locale. */
static bool is_graphic(char c)
{
        return c > ' ' && c <= '~';
}

/* The first character that is not graphic or one of those; NULL: there is none. */
static const char *find_other(const char *name, const char *forbidden)
{
        for (; *name; name++) {
                if (!is_graphic(*name) || strchr(forbidden, *name))
                        return name;
        }
        return NULL;
}

int name_check_listener(const char *name)
{
        const char *other = find_other(name, "\"'\\*");
        char word[sizeof("byte 0xff")];

        if (!*name || strnlen(name, LISTENER_NAME_MAX + 1) > LISTENER_NAME_MAX)
                return error_set(EINVAL, "a listener's name has 1 to %d bytes", LISTENER_NAME_MAX);
        if (!other)
                return 0;
        if (is_graphic(*other))
                snprintf(word, sizeof(word), "%c", *other);
        else
                snprintf(word, sizeof(word), "byte 0x%02x", (unsigned char)*other);
        return error_set(EINVAL,
                         "a listener's name has no %s: it is printable ASCII without blanks, "
                         "quotes, \\ and *",
                         *other == ' ' ? "blank" : word);
}

int name_check_hold(const char *name)
{
        if (*name && strnlen(name, HOLD_NAME_MAX + 1) <= HOLD_NAME_MAX && !find_other(name, ""))
                return 0;
        return error_set(EINVAL, "a hold's name is 1 to %d bytes of printable ASCII without blanks",
                         HOLD_NAME_MAX);
}
