/*
 * The test in the daemon's place: it welcomes a handle of the library and then decides frame by
 * frame what the daemon says, so that answers can come late, in any order, or be wrong. Calls end
 * the test when anything but the script happens.
 */
#pragma once

#include "core/readiness.h"
#include "proto/frame.h"
#include "tests/support/client.h"

typedef struct ScriptedDaemon {
        char *directory;
        int listener_fd;
        int socket_fd; /* the session; -1: closed */
        uint32_t registrations_max;
        uint32_t deliveries; /* of the next Welcome; 0 as of an older daemon */
        uint64_t away_ms;    /* of the last Hello */
        KyronIoDriverHandle *handle;
        FdList fds; /* of the frame that came last */
        FrameArena arena;
        uint8_t packet[FRAME_BYTES_MAX];
} ScriptedDaemon;

/* Opens a handle with at most so many registrations, that waits out no outage; it is large: keep it
 * static. */
void scripted_daemon_start(ScriptedDaemon *daemon, uint32_t registrations_max);
/* With options, whose path is set. Unless they say otherwise, it may be silent for ever. */
void scripted_daemon_start_with(ScriptedDaemon *daemon, uint32_t registrations_max,
                                const KyronOptions *options);
/* As above, of a daemon that allows these deliveries. */
void scripted_daemon_start_allowing(ScriptedDaemon *daemon, uint32_t registrations_max,
                                    uint32_t deliveries, const KyronOptions *options);
/* Closes the handle if it is open still, and the rest. */
void scripted_daemon_stop(ScriptedDaemon *daemon);
/* Closes the session, as a daemon that ends. */
void scripted_daemon_vanish(ScriptedDaemon *daemon);
/* Takes turns until the handle says Hello again; and welcomes it, as a daemon of this epoch. */
void scripted_daemon_await_hello(ScriptedDaemon *daemon);
void scripted_daemon_welcome(ScriptedDaemon *daemon, uint64_t epoch);
/* The same with this for a pulse; take_fd is closed once it is sent. -1: none. */
void scripted_daemon_welcome_with_pulse(ScriptedDaemon *daemon, uint64_t epoch, int take_fd);
/* Closes the session, and takes turns until the handle has noticed; and the other way round. */
void scripted_daemon_lose(ScriptedDaemon *daemon);
void scripted_daemon_come_back(ScriptedDaemon *daemon, uint64_t epoch);

/* Lets the handle send: its next frame, with descriptors in daemon->fds, valid until the next
 * call. */
const Iod__Frame *scripted_daemon_next(ScriptedDaemon *daemon);
/* As above, and it has to be of that body. */
const Iod__Frame *scripted_daemon_expect(ScriptedDaemon *daemon, Iod__Frame__BodyCase body);
const Iod__AddIoSource *scripted_daemon_expect_sources(ScriptedDaemon *daemon);
/* Lets the handle send: there is nothing. */
void scripted_daemon_expect_nothing(ScriptedDaemon *daemon);

/* Sends a frame; descriptors are as many as n, unless the frame says otherwise already. */
void scripted_daemon_send(ScriptedDaemon *daemon, Iod__Frame *frame, const int *borrow_fds,
                          size_t n);
void scripted_daemon_send_readiness(ScriptedDaemon *daemon, uint64_t id, Readiness bits);
void scripted_daemon_send_done(ScriptedDaemon *daemon, uint32_t sequence);
void scripted_daemon_send_refused(ScriptedDaemon *daemon, uint32_t sequence, int error,
                                  const char *text);
/* One source, of no request's. */
void scripted_daemon_send_refused_source(ScriptedDaemon *daemon, uint64_t id, int error,
                                         const char *text);
/* take_fd is closed once it is sent. */
void scripted_daemon_send_opened(ScriptedDaemon *daemon, uint32_t sequence, uint64_t id,
                                 int take_fd);
void scripted_daemon_send_joined(ScriptedDaemon *daemon, uint32_t sequence, uint32_t endpoint,
                                 const char *address);
/* One connection without a note; take_fd is closed once it is sent. */
void scripted_daemon_send_connection(ScriptedDaemon *daemon, uint32_t endpoint, uint64_t id,
                                     int take_fd);
