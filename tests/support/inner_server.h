/*
 * The daemon's server inside the test, driven turn by turn: the test sees every Session and
 * decides when anything happens. Unix sockets wake within the call that caused it, so one settle()
 * has done all there was to do.
 */
#pragma once

#include "daemon/server/server.h"
#include "tests/support/raw_client.h"

typedef struct InnerServer {
        Options options; /* to be changed between _prepare and _open */
        Server *server;
        Daemon *daemon; /* the server's */
        char *directory;
        bool paths_hang; /* what is done to paths is not waited for */
} InnerServer;

extern InnerServer inner;

/* Options with their defaults, and a directory that any user may look into. */
void inner_server_prepare(void);
/* The configuration of one without a file, with these options, and a policy that allows the tester
 * to do everything on 127.0.0.1. */
Config *inner_server_config(void);
void inner_server_open(void);
void inner_server_open_with(Config *take_config);
/* Both, for tcase_add_checked_fixture(); and the end, where every charge has to be given back. */
void inner_server_set_up(void);
void inner_server_tear_down(void);

/* One turn of the loop; turns until nothing is left to do now, what is done to paths on threads
 * with it. */
void inner_server_turn(void);
void inner_server_settle(void);

/* Until the daemon has closed all that it is done with, on its threads. */
void inner_server_await_closer(void);

/* Connects and lets the server accept; the newest session. */
Session *inner_server_connect(RawClient *client);
/* And says hello: an open session. */
Session *inner_server_open_session(RawClient *client);
/* Closes the client and lets the server notice. */
void inner_server_close_client(RawClient *client);

/* Settles, and the client's next frame; NULL when there is none now. */
Iod__Frame *inner_server_next(RawClient *client);
/* It has to be of that body. */
Iod__Frame *inner_server_expect(RawClient *client, Iod__Frame__BodyCase body);
/* A Refused of the whole request with this sequence, error and sentence. */
void inner_server_expect_refused(RawClient *client, uint32_t sequence, int error,
                                 const char *sentence);
/* The same with the end of the session, which is gone afterwards. */
void inner_server_expect_goodbye(RawClient *client, uint32_t sequence, int error,
                                 const char *sentence);
/* The session has ended: the client's end is at its end. */
void inner_server_expect_end(RawClient *client);

/* Registers one pipe's reading end; returns its writing end, and the reading end in *reader. */
int inner_server_add_pipe(RawClient *client, uint32_t slot, uint32_t generation, int *reader);
