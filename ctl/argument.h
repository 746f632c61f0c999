/*
 * Arguments of the command line that are numbers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether text is a decimal number, and nothing else, that is not above most. */
bool argument_number(const char *text, uint64_t most, uint64_t *out);
