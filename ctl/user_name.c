/* Names of users. See user_name.h. */
#include "ctl/user_name.h"

#include "core/error.h"
#include "ctl/argument.h"
#include "ctl/output.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

const char *user_name_of(UserName *name, uint32_t uid)
{
        const struct passwd *entry;

        if (*name->text && name->uid == uid)
                return name->text;
        entry = getpwuid(uid);
        name->uid = uid;
        if (entry)
                snprintf(name->text, sizeof(name->text), "%s", entry->pw_name);
        else
                snprintf(name->text, sizeof(name->text), "%" PRIu32, uid);
        output_make_printable(name->text);
        return name->text;
}

int user_name_find(const char *text, uint32_t *uid)
{
        const struct passwd *entry;
        uint64_t number;

        /* A name may be made of digits; the name wins, as with chown(1). */
        errno = 0;
        entry = getpwnam(text);
        if (entry) {
                *uid = entry->pw_uid;
                return 0;
        }
        if (errno == ENOMEM)
                return error_set(ENOMEM, "no memory for the name of a user");
        /* The largest number means "no user" to the kernel. */
        if (!argument_number(text, UINT32_MAX - 1, &number))
                return error_set(ENOENT, "there is no user \"%s\": give a name or a number", text);
        *uid = (uint32_t)number;
        return 0;
}
