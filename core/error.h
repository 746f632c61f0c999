/*
 * Errors: a negative errno for the program, one sentence for the person.
 *
 * error_set() keeps the sentence for the calling thread and returns the negative errno, so a
 * function fails with `return error_set(EEXIST, "…")`. The daemon sends the sentence with its
 * refusal; the client library shows it through kyron_error_text(). Nothing here prints.
 */
#pragma once

enum {
        /* Bytes of a sentence, with its terminating zero: two paths fit. */
        ERROR_TEXT_MAX = 320,
        /* Bytes of one that goes over the wire, without a zero. */
        ERROR_WIRE_MAX = 95,
};

/* Keeps the sentence (cut at ERROR_TEXT_MAX) and returns -code. code is a positive errno. */
int error_set(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* That what it returns is negative, which the analyser cannot see from here. */
#define error_set(...)                                                                             \
        ({                                                                                         \
                int error_set_value_ = (error_set)(__VA_ARGS__);                                   \
                if (error_set_value_ >= 0)                                                         \
                        __builtin_unreachable();                                                   \
                error_set_value_;                                                                  \
        })
#endif

/* The sentence of this thread's last error_set(); "" when there was none. */
const char *error_text(void);
