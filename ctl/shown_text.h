/*
 * Text as a terminal shows it: how wide it is there, cut where it is too wide, and without what
 * would steer the terminal. By the locale: where that is not UTF-8, all but ASCII is "?".
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Replaces each character by "?" that is not printable, or takes no place of its own, and each byte
 * that is part of none, so that nobody's text can steer a terminal. */
void shown_text_make_printable(char *text);

/* The columns that printable text takes. */
size_t shown_text_width(const char *text);

/* "…", or what looks most like it. */
const char *shown_text_ellipsis(void);

/* Writes at most so many columns of printable text; what is cut ends in "…". */
void shown_text_print(FILE *out, const char *text, size_t width);
/* The same as text of its own; NULL: no memory. */
char *shown_text_cut(const char *text, size_t width);
