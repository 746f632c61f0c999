/*
 * What --check-config says of a configuration that has no mistake: what cannot be in force now.
 */
#pragma once

#include "daemon/config/config.h"

/* Tells a sentence for each: the warnings of reading it, and each listener whose address is none of
 * this machine's. Nothing stays open. */
void config_check(const Config *config, void (*tell)(const char *sentence));
