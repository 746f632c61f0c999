/*
 * Four users at one daemon, as root alone can set them up: the owner of a few things, another user,
 * a member of the admin group, and root; and a bystander who owns things too. One of the four asks,
 * in a session of its own, and the answer becomes a word.
 *
 * The policy is for everybody: 127.0.0.1; to serve "granted", "granted-taken", "granted-not-held";
 * to hold "granted", "granted-too", "owners". The owner has a registration, serves "private", with
 * a connection of it, "granted" and "granted-not-held", has taken "private-taken" and
 * "granted-taken", and holds "owners"; the bystander has a registration, serves "other" and holds
 * "granted". The configuration has "web" and "web-taken". These calls end the test when something
 * goes wrong.
 */
#pragma once

#include "tests/support/service_frames.h"

#include <sys/types.h>

typedef enum Asker { ASKER_OWNER, ASKER_ANOTHER, ASKER_ADMIN, ASKER_ROOT, ASKER_COUNT } Asker;

typedef struct AuthorisationScene {
        uid_t asker_uid;
        uid_t owner_uid;
        uid_t bystander_uid;
        RawClient asker;
        RawClient owner;
        RawClient bystander;
        uint64_t owner_session;
        uint64_t owner_source; /* id and interest of its registration, and the file */
        int owner_fd;
        uint32_t owner_endpoint;   /* of "private" */
        uint64_t owner_connection; /* the id of one that came in there */
        Iod__Frame *answer;        /* the last one's; valid until the next */
        FdList received;           /* with it */
} AuthorisationScene;

extern AuthorisationScene authorisation;

void authorisation_scene_open(Asker asker);
void authorisation_scene_close(void);

/* The asker sends the frame with n borrowed descriptors, and waits for its answer: 0, or the errno
 * of the refusal. The other is for what is answered only when it is refused. */
int authorisation_ask(Iod__Frame *frame, const int *borrow_fds, size_t n);
int authorisation_tell(Iod__Frame *frame, const int *borrow_fds, size_t n);

/* Waits for the answer to the frame that was sent with this sequence. */
int authorisation_await(uint32_t sequence);

/* The same with a message, by the name of its body. */
#define AUTHORISATION_SEND_BY(call, CASE, field, message, borrow_fds, n)                           \
        ({                                                                                         \
                Iod__Frame frame_ = IOD__FRAME__INIT;                                              \
                frame_.body_case = IOD__FRAME__BODY_##CASE;                                        \
                frame_.field = &(message);                                                         \
                call(&frame_, (borrow_fds), (n));                                                  \
        })
#define AUTHORISATION_ASK(CASE, field, message)                                                    \
        AUTHORISATION_SEND_BY(authorisation_ask, CASE, field, message, NULL, 0)
#define AUTHORISATION_TELL(CASE, field, message)                                                   \
        AUTHORISATION_SEND_BY(authorisation_tell, CASE, field, message, NULL, 0)
