/*
 * The terminal that something is shown on.
 */
#pragma once

#include <stddef.h>

typedef struct TerminalSize {
        size_t columns; /* by the kernel, else by $COLUMNS, else 80 */
        size_t rows;    /* by the kernel, else 24 */
} TerminalSize;

/* Zeroes: it is no terminal. */
TerminalSize terminal_size(int borrow_fd);
