/*
 * A daemon that another program is to be put in the place of by SIGUSR2, with one client and what
 * it was sent. Every test has its own; these end the test when something goes wrong.
 */
#pragma once

#include "tests/support/daemon.h"
#include "tests/support/echo_worker.h"
#include "tests/support/raw_client.h"
#include "tests/support/short_connections.h"

#include <netinet/in.h>

typedef struct HandoverScene {
        char *directory;
        char program[256];       /* a link that the daemon was started by */
        char real_program[4096]; /* what it leads to at first */
        char asked[256];         /* for a program to leave a trace */
        int log_fd;              /* the daemon's log, and this process's standard error */
        TestDaemon daemon;
        RawClient client;
        FdList received;
        uint64_t epoch; /* of the client's session */
        EchoWorker workers[4];
} HandoverScene;

extern HandoverScene handover;

/* Fixtures. */
void handover_set_up(void);
void handover_tear_down(void);

void handover_use_program(const char *target);
void handover_open_client(void);
/* A session with another epoch than before can be had. */
bool handover_is_another(void);
/* Has the daemon hand over, and opens the client anew. */
void handover_do(void);
/* The next frame but for readiness, which has to be of this kind. */
const Iod__Frame *handover_expect(Iod__Frame__BodyCase body);
/* Joins the group web; its address. */
struct sockaddr_in handover_join(const char *address);

/* Workers, and short connections to them, none of which may be refused or reset. */
void handover_start_workers(void);
ShortConnections *handover_start_load(void);
bool handover_has_served(const ShortConnections *load, uint64_t more);
void handover_end_load(ShortConnections *load, const char *what);
