/*
 * The rate of registering descriptors with another process and closing them again, by two methods:
 * kyron-iod's, and the bare one. Both are driven alike.
 *
 * Each descriptor is an eventfd of its own. They are added in batches; after each, what was added
 * leaves. Every REGISTRATIONS_MARK'th is ready already, so the other process says something of it:
 * by then it has all before it, too, and those count and are closed. So no descriptor counts that
 * did not arrive, and at most REGISTRATIONS_WINDOW are not known to have.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum {
        REGISTRATIONS_WINDOW = 2048,
        REGISTRATIONS_MARK = 256,
        REGISTRATIONS_BATCH_MAX = 253,
};

typedef struct RegistrationsMethod {
        /* Registers take_fd in the next batch. place: a number below REGISTRATIONS_WINDOW that
         * nothing else has until it is closed. */
        void (*add)(unsigned place, int take_fd, bool is_mark);
        /* Lets go what was added, and waits for a mark if told so. Returns how many were seen. */
        unsigned (*flush)(bool wait);
        void (*close)(unsigned place);
} RegistrationsMethod;

/* main() of both: [--batch N] [--warm-up MS] [--time MS] [--watch PID]... Writes a line of
 * JSON: registrations, and what measure_report() does. other: a process to be watched as well; 0:
 * none. */
void registrations_run(const RegistrationsMethod *method, pid_t other, int argc, char **argv);
