/* Text that steers nothing. See printable.h. */
#include "core/printable.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Without ctype.h, whose answers depend on the locale. */
static bool is_printable(char c)
{
        return c >= ' ' && c <= '~';
}

size_t printable_escape(char *out, size_t size, const char *text, const char *also)
{
        size_t n = 0;

        for (; *text; text++) {
                bool stays = is_printable(*text) && !strchr(also, *text);
                size_t length = stays ? 1 : strlen("\\xff");

                if (n + length >= size)
                        break;
                if (stays)
                        out[n] = *text;
                else
                        snprintf(out + n, size - n, "\\x%02x", (unsigned char)*text);
                n += length;
        }
        out[n] = '\0';
        return n;
}
