/*
 * Reload: reads the configuration again and puts it in force: all of it, or nothing if there is a
 * mistake or a new listener cannot be opened.
 *
 * What is there goes on: sessions, connections, holds; a listener whose address is the same keeps
 * its socket and its workers. Limits that are lower now end nothing, they refuse more.
 */
#pragma once

typedef struct Daemon Daemon;

/* tell is given a sentence for each difference; it may be NULL. Everything is logged too. 0, or
 * -errno with error_text(), and nothing has changed. */
int reload(Daemon *daemon, void (*tell)(void *data, const char *sentence), void *data);
