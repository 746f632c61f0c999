/*
 * What --help says, of kyronctl or of one of its verbs.
 */
#pragma once

#include "ctl/verbs.h"

/* verb: NULL: of all. */
void help_print(const Verb *verb);
