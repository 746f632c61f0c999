/*
 * Scene: what diagnoses of one process are made of, and what those that are looked for first leave
 * for the others. For diagnosis.c and the files that find them, a kind of thing each: diagnose_*.c.
 */
#pragma once

#include "waits/diagnosis.h"

/* Looking at a listener, and for a peer, takes the longer the more sockets there are. */
enum { SCENE_LISTENERS_MAX = 1024, SCENE_PEERS_MAX = 256 };

typedef struct Scene {
        const Sample *first;
        const Sample *second;
        const Process *before; /* the process in the first sample */
        const Process *process;
        uint64_t apart_ms;
        DiagnosisVisit visit;
        void *data;
        size_t listeners;   /* that have been looked at */
        size_t peers;       /* that have been looked for */
        int sends;          /* whether it can send all it wants to: 1, 0; -1: not looked yet */
        const WaitSet *set; /* the one last looked at, */
        Loop loop;          /* and who serves it */
        /* Connections that have not been accepted all the time, by set. */
        uint64_t stalled[PROCESS_SETS_MAX];
} Scene;

/* What has stopped the process. */
void diagnose_stop(const Scene *scene);
/* A listener whose connections wait; then: the same in the first sample. */
void diagnose_listener(Scene *scene, Diagnosis *diagnosis, const Socket *then, const WaitSet *set);
/* A TCP connection, which the set, if any, waits for with these events. */
void diagnose_connection(Scene *scene, Diagnosis *diagnosis, const Socket *then, const WaitSet *set,
                         uint32_t events);
/* A UDP socket, for which an edge-triggered set waits. */
void diagnose_datagrams(Scene *scene, Diagnosis *diagnosis, const Socket *then);
/* What is wrong with a set itself, */
void diagnose_set(Scene *scene, const WaitSet *set);
/* and with the timers in the process's sets. */
void diagnose_timers(Scene *scene);
/* The threads that should serve the set in this place; after all sockets. */
void diagnose_loop(Scene *scene, size_t place);

/* Whether all threads have slept all the time. */
bool scene_all_slept(const Scene *scene);
/* Whether datagrams lay in a UDP socket that only this process has, and all its threads slept. */
bool scene_datagrams_lay(const Scene *scene, const Socket *then, const Socket *now);
/* Whether the set is another process's, which left it to this one when it forked, as it seems. */
bool scene_set_is_inherited(const Scene *scene, const WaitSet *set);
/* The socket of an entry; NULL: it is none, or of another network namespace. */
const Socket *scene_socket_of(const Sample *sample, const Process *process, const WaitEntry *entry);
/* Finds who has the other end, if that is a process here that this user may look into. */
void scene_find_peer(Scene *scene, Diagnosis *diagnosis);
