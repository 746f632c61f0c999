/*
 * The server inside the test with a policy that lets this user open things on loopback, and
 * clients that serve its listener "web". Everything is driven turn by turn (inner_server.h).
 */
#pragma once

#include "core/fd_list.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"
#include "tests/support/service_frames.h"

enum { SCENE_CLIENTS = 5, SCENE_JOIN = 9 /* the sequence of a join */ };

typedef struct SharingScene {
        Config *config; /* to be changed between _prepare and _open */
        PolicyRule *rule;
        RawClient clients[SCENE_CLIENTS];
        FdList received; /* of the last frame; the next one closes them */
} SharingScene;

extern SharingScene sharing;

void sharing_scene_prepare(void);
void sharing_scene_open(void);
/* Both; and the end, where nothing may be kept any more. */
void sharing_scene_set_up(void);
void sharing_scene_tear_down(void);

/* An open session of client i; one that has joined "web" with so many slots from 0 on. */
Session *scene_open(int i);
Session *scene_join(int i, uint32_t slots, const Iod__ListenerOptions *options);
/* The client's end: the server has noticed. */
void scene_close(int i);

Listener *scene_listener(void);
/* A connection to it, which may still be in the backlog; the caller's to close. */
int scene_dial(void);
/* Many, which end with the scene, or when all of them hang up. */
void scene_dial_many(int n);
void scene_hang_up(void);

/* The next frame of client i if there is one now, passing over Readiness; NULL: none. */
Iod__Frame *scene_next(int i);
/* It has to be of that body. What takes others, or the closer's thread, is waited for. */
Iod__Frame *scene_expect(int i, Iod__Frame__BodyCase body);
Iod__Frame *scene_await(int i, Iod__Frame__BodyCase body);
/* And a refusal of that error; its sentence. */
const char *scene_expect_refused(int i, uint32_t sequence, int error);
/* Has client i leave unread as much as its socket takes; and it reads all of that. */
void scene_leave_unread(Session *session);
void scene_read_all(int i);
void scene_ask_status(int i);
/* It is told that, and this, in any order. */
void scene_expect_beside_status(int i, Iod__Frame__BodyCase body, uint32_t sequence);
/* How many connections client i is given now; 0: none. */
size_t scene_connections(int i, Iod__Connections **out);
/* Says that the last frame's connections are taken, or gone. */
void scene_taken(int i, const Iod__Connections *connections);
void scene_gone(int i, const Iod__Connections *connections);
/* Takes and closes all that client i is given, however many packets; returns how many. */
size_t scene_serve(int i);

/* How many descriptors are open when nothing is left to do and the closer's thread has closed all
 * it was given; the last frame's are closed before. */
size_t scene_count_descriptors(void);

/* Sends one frame with this body. */
#define SCENE_SEND(i, sequence_, CASE, field, ...)                                                 \
        do {                                                                                       \
                Iod__Frame frame_ = IOD__FRAME__INIT;                                              \
                __typeof__(*frame_.field) body_ = __VA_ARGS__;                                     \
                frame_.sequence = sequence_;                                                       \
                frame_.body_case = IOD__FRAME__BODY_##CASE;                                        \
                frame_.field = &body_;                                                             \
                service_send(&sharing.clients[i], &frame_, NULL, 0);                               \
        } while (0)
