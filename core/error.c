/* The calling thread's last error sentence. See error.h. */
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static _Thread_local char error_sentence[ERROR_TEXT_MAX];

int(error_set)(int code, const char *format, ...)
{
        int saved_errno = errno;
        va_list args;

        va_start(args, format);
        vsnprintf(error_sentence, sizeof(error_sentence), format, args);
        va_end(args);
        errno = saved_errno;
        return -code;
}

const char *error_text(void)
{
        return error_sentence;
}
