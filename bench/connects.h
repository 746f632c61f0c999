/*
 * The rate of connecting: so many connections are being made at any time; each that is there is
 * reset, which leaves no port behind that could not be used again, and the next one begun.
 */
#pragma once

enum { CONNECTS_AT_ONCE = 64 };

typedef struct ConnectsMethod {
        /* Begins one to "127.0.0.1:PORT". */
        void (*begin)(unsigned place, const char *address);
        /* Waits, and calls connects_done() for each that is there. */
        void (*turn)(void);
        /* Its descriptor, and closing it. */
        int (*fd_of)(unsigned place);
        void (*close)(unsigned place);
} ConnectsMethod;

void connects_done(unsigned place);

/* main() of all: --tcp ADDRESS:PORT [--warm-up MS] [--time MS] [--watch PID]... Writes a line of
 * JSON: connections, and what measure_report() does. */
void connects_run(const ConnectsMethod *method, int argc, char **argv);
