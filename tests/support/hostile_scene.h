/*
 * The scene of every test of a hostile client: a daemon, a well-behaved neighbour who has a
 * session there, and a note of what the daemon holds. When the scene ends, whatever the test did
 * has to be over: the neighbour is served, the daemon holds as many sessions, registrations and
 * descriptors as before, and stops with exit code 0, which it does not when a sanitizer or
 * valgrind found something.
 */
#pragma once

#include "tests/support/daemon.h"
#include "tests/support/raw_client.h"

typedef struct HostileScene {
        TestDaemon daemon;
        RawClient neighbour;
        RawClient client; /* the hostile one: the test connects it, the end closes it */
        size_t descriptors;
        uint32_t generation; /* of the neighbour's latest registration */
        int neighbour_fd;    /* an eventfd, registered all along */
} HostileScene;

/* The one of this test program. */
extern HostileScene scene;

/* For tcase_add_checked_fixture(). */
void hostile_scene_set_up(void);
void hostile_scene_tear_down(void);

/* As hostile_scene_set_up(), with more of the daemon's command line, up to a NULL. */
void hostile_scene_start(const char *const *options);

/* For a test that has ended the daemon itself: nothing is left to be checked. */
void hostile_scene_forget(void);

/* The neighbour's registration tells an event; a new one is made, tells, and is taken back. */
void hostile_scene_check_neighbour(void);
/* Waits until the daemon has closed all that it was sent before. */
void hostile_scene_await_closer(void);
/* Sessions and registrations beside the neighbour's are gone, and the daemon has as many
 * descriptors as when the scene was set up. */
void hostile_scene_check_nothing_left(void);

/* A non-blocking eventfd at 0. */
int open_eventfd(void);
