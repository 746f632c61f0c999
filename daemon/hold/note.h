/*
 * Notes: what a client leaves beside a descriptor, for whoever takes it. A note is a memfd that the
 * client has filled and sealed, and is passed on as it came: the daemon never reads it.
 *
 * Sealed, its bytes and its size can no longer change, so that whoever takes it may read it without
 * care; and it can hold no more memory than it did when it was looked at. That memory is charged to
 * the client's control group, which wrote it.
 */
#pragma once

#include "proto/frame.h"

#include <stdint.h>

enum {
        /* Bytes of memory that FRAME_NOTE_MAX bytes may take: a page of any size, and what
         * fallocate() reserved past the end before it was sealed. One huge page. */
        NOTE_STORAGE_MAX = 2 * 1024 * 1024,
};

/*
 * Whether borrow_fd is a note of announced_size bytes. It never blocks, whatever the descriptor is:
 * only a file in memory knows of seals, and only what has them is asked for more. 0, or with
 * error_text(): -EMSGSIZE the announced size is over FRAME_NOTE_MAX, -EINVAL it is no note or one
 * of another size, -EBADF it is not open.
 */
int note_check(int borrow_fd, uint32_t announced_size);
