/* Numbers on the command line. See argument.h. */
#include "ctl/argument.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

bool argument_number(const char *text, uint64_t most, uint64_t *out)
{
        unsigned long long number;
        char *end;

        /* strtoull() takes blanks and signs too. */
        if (!isdigit((unsigned char)*text))
                return false;
        errno = 0;
        number = strtoull(text, &end, 10);
        if (errno != 0 || *end || number > most)
                return false;
        *out = number;
        return true;
}
