/*
 * Text from outside, for logs and terminals: nobody's words may begin a line of their own or steer
 * a terminal.
 */
#pragma once

#include <stddef.h>

/*
 * Writes text as printable ASCII: every byte that is none, and every one of also, becomes \xNN. At
 * most size bytes with the terminating zero; what does not fit is left out, and never half of a
 * \xNN written. Returns how many bytes, without the zero.
 */
size_t printable_escape(char *out, size_t size, const char *text, const char *also);
