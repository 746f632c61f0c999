/*
 * The rate of leaving descriptors with another process under a name, and taking them back: so many
 * are held, and once all of them are, taken. Each is an eventfd with a value of its own, by which
 * what is taken is checked.
 */
#pragma once

enum { HOLDS_MAX = 64 };

typedef struct HoldsMethod {
        /* Asks for it; borrow_fd and name are in place until settle() returns. */
        void (*hold)(unsigned place, int borrow_fd, const char *name);
        /* The same; settle() puts the descriptor into *out. */
        void (*take)(unsigned place, const char *name, int *out);
        /* Waits until all that was asked for is done. */
        void (*settle)(void);
} HoldsMethod;

/* main() of all: [--under-way N] [--warm-up MS] [--time MS] [--watch PID]... Writes a line of JSON:
 * holds (each of them taken back), and what measure_report() does. */
void holds_run(const HoldsMethod *method, int argc, char **argv);
