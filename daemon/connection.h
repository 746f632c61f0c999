/*
 * Connection: one that a shared listener accepted, from accept until its worker has closed it.
 *
 *   SILENT    waits for its first bytes, with a time limit      in its listener's silent
 *   QUEUED    waits for a worker with credit                    in its listener's queue
 *   ASSIGNED  has a worker; waits to be sent                    in its worker's assigned
 *   PASSED    sent, and registered in the worker's session      in its worker's in_hand
 *   TAKEN     has reached the worker's program                  in its worker's in_hand
 *
 * The daemon has a copy of the descriptor until it is TAKEN; of one that is kept on death, until
 * the worker has closed it. Those copies are what is counted in Server.kept.
 */
#pragma once

#include "core/address.h"
#include "core/io_id.h"
#include "daemon/registration_info.h"

#include <sys/queue.h>

struct event;
typedef struct Listener Listener;
typedef struct Worker Worker;

typedef enum ConnectionState {
        CONNECTION_SILENT,
        CONNECTION_QUEUED,
        CONNECTION_ASSIGNED,
        CONNECTION_PASSED,
        CONNECTION_TAKEN,
} ConnectionState;

typedef struct Connection {
        RegistrationOwner owner; /* first: PASSED and TAKEN are registered */
        TAILQ_ENTRY(Connection) link;
        Listener *listener;
        Worker *worker;  /* NULL while SILENT and QUEUED */
        uint64_t source; /* the id and interest offered for it */
        ConnectionState state;
        int fd; /* -1: the worker has the only one */
        int note_fd;
        uint32_t note_size; /* 0: none, and note_fd is -1 */
        bool again;         /* a worker had it before, and ended */
        bool keep;          /* on death */
        bool charged;       /* for keeping, to the worker's user */
        struct event *first_bytes;
} Connection;

typedef TAILQ_HEAD(ConnectionList, Connection) ConnectionList;
