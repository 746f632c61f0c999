/*
 * What the programs of the bench have in common. Whatever goes wrong ends the program with a
 * sentence: half a measurement is none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* To begin with: may open as many files as the machine lets it, and dies with whoever started it.
 */
void program_begin(const char *name);
_Noreturn void program_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Fails when r is negative, with errno's words. Returns r. */
int program_check(int r, const char *what);

/* Tells the runner where this serves, "tcp 127.0.0.1:PORT" or "udp ...", or of a process that
 * belongs to it. */
void program_say_address(const char *protocol, int borrow_fd);
void program_say_pid(pid_t pid);

/* A number of the command line. */
uint64_t program_number(const char *text, uint64_t min, uint64_t max);

/* CLOCK_MONOTONIC. */
int64_t now_ns(void);
