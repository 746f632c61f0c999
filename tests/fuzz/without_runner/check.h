/*
 * check.h for programs that check's runner does not run: tests/support is built once more with it
 * for the fuzzers. What does not hold is printed and ends the program, where check would write to
 * its runner.
 */
#pragma once

#include_next <check.h>

#include <stdarg.h>
#include <stdio.h>

__attribute__((noreturn)) static inline void without_runner_fail(const char *where,
                                                                 const char *format, ...)
{
        va_list arguments;

        fprintf(stderr, "%s: ", where);
        va_start(arguments, format);
        if (format)
                vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        __builtin_trap();
}

#undef ck_assert_msg
#define ck_assert_msg(condition, ...)                                                              \
        ((condition) ? (void)0 : without_runner_fail(__func__, __VA_ARGS__))
#undef ck_abort_msg
#define ck_abort_msg(...) without_runner_fail(__func__, __VA_ARGS__)
