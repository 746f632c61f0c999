/*
 * Sending: one frame from the handle to the daemon, and waiting until it has read.
 *
 * Both are called with the handle's lock held.
 */
#pragma once

#include "client/handle/io_driver_handle.h"

/* Encodes and sends one frame with n descriptors, which it then announces. 0; -EAGAIN there is no
 * room: try again with the next flush; -EHOSTDOWN the daemon is lost; or -errno, without
 * error_text(). */
int sending_send_frame(KyronIoDriverHandle *handle, Iod__Frame *frame, const int *borrow_fds,
                       size_t n);

/* Whether the wait ends also when the daemon has read its packets. */
void sending_set_wants_room(KyronIoDriverHandle *handle, bool wants);
