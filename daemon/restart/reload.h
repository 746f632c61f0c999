/*
 * Reload: reads the configuration again and puts it in force: all of it, or nothing if there is a
 * mistake or a new listener cannot be opened.
 *
 * What is there goes on: sessions, connections, holds; a listener whose address is the same keeps
 * its socket and its workers. Limits that are lower now end nothing, they refuse more.
 *
 * Reading may wait for a file system or for the name service, and is done on a thread; what was
 * read is put in force in one callback of the loop. A reload that is asked for meanwhile begins
 * after it, so that what was written before counts. Reading that takes longer than
 * RELOAD_PATIENCE_MS is given up for one that is asked for then: its answer is for both.
 *
 * Owned by the daemon, single-threaded but for the reading.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct Daemon Daemon;
typedef struct Reloader Reloader;
typedef struct ReloadAsker ReloadAsker;

enum {
        RELOAD_PATIENCE_MS = 1000,
        /* So many that were given up may not have come back. */
        RELOAD_GIVEN_UP_MAX = 8,
        RELOAD_CHANGES_MAX = 100,
        RELOAD_CHANGE_TEXT_MAX = 200,
};

/* What has changed, a sentence each. */
typedef struct ReloadChanges {
        size_t count;
        uint32_t more; /* that there is no room for */
        char texts[RELOAD_CHANGES_MAX][RELOAD_CHANGE_TEXT_MAX];
} ReloadChanges;

/* Who wants to know how it ended. */
struct ReloadAsker {
        TAILQ_ENTRY(ReloadAsker) link;
        /* Once; it waits no more. 0 and what has changed, or -errno with error_text(), and nothing
         * has. */
        void (*done)(ReloadAsker *asker, int r, const ReloadChanges *changes);
};

/* 0 or -ENOMEM. */
int reload_open(Daemon *daemon);
/* Nobody waits any more. */
void reload_close(Daemon *daemon);

/* Reloads; everything is logged. asker may be NULL, and is not told from within. 0, or -EAGAIN or
 * -ENOMEM with error_text(), and nothing comes of it. */
int reload_ask(Daemon *daemon, ReloadAsker *asker);
/* Whoever waits does so no more; the reload goes on. */
void reload_forget(Daemon *daemon, ReloadAsker *asker);

/* What is wrong with the configuration, as a frame takes it: without the directory, if there is no
 * room for both. A part of text. */
const char *reload_fit_text(const char *text);
