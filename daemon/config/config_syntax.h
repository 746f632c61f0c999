/*
 * What may be written in a configuration file: the keys, and the values each of them takes.
 *
 * libconfuse has one scanner for the whole process: one thread reads configurations.
 */
#pragma once

#include "core/address.h"

#include <confuse.h>
#include <stdbool.h>
#include <stdint.h>

/* Parses a text that config_text_read() has made ready, and checks each value where it stands. 0
 * and the settings, for cfg_free(); or -EINVAL with error_text(), "PATH:LINE: …", or -ENOMEM.
 * Values that are not there have a size of 0. */
int config_syntax_parse(const char *path, char *text, cfg_t **out);

/* ---- Values that have been checked ---- */

/* Into *out if it is there. */
void config_syntax_number(cfg_t *section, const char *key, uint32_t *out);
void config_syntax_bool(cfg_t *section, const char *key, bool *out);
/* Whether it is this word, into *out if it is there. */
void config_syntax_choice(cfg_t *section, const char *key, const char *word, bool *out);
/* The text, or NULL. */
const char *config_syntax_text(cfg_t *section, const char *key);

/* "192.0.2.1", "192.0.2.1:53", "2001:db8::1" or "[fe80::1%eth0]:53": 0, or -EINVAL with
 * error_text().
 */
int config_syntax_name_server(const char *text, Address *out);
