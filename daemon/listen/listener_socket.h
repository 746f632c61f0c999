/*
 * A listener's socket, from its opening to its end. For listener.c, and for who gives it out.
 *
 * A file that a client was given is not the daemon's alone any more: the client can make accept()
 * wait (O_NONBLOCK is the file's), take connections that are not for it, keep the socket locked,
 * and end it for all. So the daemon never accepts from one that was given out; on the loop it asks
 * no more of it than the kernel answers without that lock; and it looks at it again, on a thread,
 * before it gives it to the next. One that has ended is opened anew.
 *
 * A listener may be without a socket: its address is somebody else's still, or none of this
 * machine's yet. It looks again after a while, and serves from then on.
 */
#pragma once

#include "daemon/listen/listener.h"

enum {
        /* How long until a listener without a socket looks again: at first, and at most. */
        LISTENER_SOCKET_FIRST_MS = 10,
        LISTENER_SOCKET_LOOK_MS = 1000,
};

/* Each gives a socket to a listener that has none. 0; 1 it is being opened at its path, which
 * listener_waiter.h tells the end of; or -errno with error_text(), and then take_fd is the caller's
 * still. */
int listener_socket_open(Listener *listener);
int listener_socket_adopt(Listener *listener, int take_fd);
/* One that may have been given out, which was opened at bound. */
int listener_socket_adopt_given(Listener *listener, int take_fd, const Address *bound);

/* Opens it if there is none; or looks again later. Says in the log why there is none. */
void listener_socket_look(Listener *listener);
/* It lacks nothing any more, or is no more. */
void listener_socket_forget_lack(Listener *listener);
/* Puts it into the store, with the listener's record of now. */
void listener_socket_store(Listener *listener);
/* The end of it, of the file of a Unix one, and of what the store has; unless it is to come back
 * with the next start. Takes the place in the closer; and gives back the charge and the reference
 * of user, who may be NULL, once the file is gone. */
void listener_socket_close(Listener *listener, QuotaUser *take_user);

/* The socket has ended, and error_text() says how: closes it, and opens another at the same
 * address, now or later. 0, or -ENOMEM with error_text(), and it has it still. */
int listener_socket_renew(Listener *listener);
/* The same with one that a listener without a socket was to have. */
int listener_socket_replace(Listener *listener, int take_fd);
/* How many connections wait in the kernel to be accepted, and how many may; both 0 where it is not
 * asked: of one that was given out it might wait for who keeps it locked, and of a Unix one it is
 * not for the socket to say. */
void listener_socket_backlog(const Listener *listener, uint32_t *waiting, uint32_t *most);
/* A descriptor of it for a client of a user, once it is seen that it is as it was opened, or is
 * opened anew. Or -errno with error_text(); -EINPROGRESS that is not known yet, and
 * listener_waiter.h tells when it is. */
int listener_socket_give_out(Listener *listener, uid_t uid);
