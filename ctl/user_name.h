/*
 * Names of users, looked up one after the other. The last is kept: in a list it is often the next
 * one's too.
 */
#pragma once

#include <stdint.h>

typedef struct UserName {
        uint32_t uid;
        char text[64]; /* "": none was looked up yet */
} UserName;

/* The user's name, printable; the number if there is no name. Valid until the next call. */
const char *user_name_of(UserName *name, uint32_t uid);

/* The user that is meant by a name or a number: 0, or -ENOENT or -errno with error_text(). */
int user_name_find(const char *text, uint32_t *uid);
