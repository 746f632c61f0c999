/*
 * client/turn/: one process_io, from beginning to end.
 *
 * A turn: runs what was woken since the last; sends what is to be sent; waits; receives what the
 * daemon sent, and looks at what this process serves itself; runs what that woke; tells the program
 * who serves now; and sends what came of it. One thread of the process at a time.
 *
 * It is kyron_io_driver_handle_process_io(), see kyron.h.
 */
#pragma once

enum {
        /* How long to wait before sending again when the kernel is short of something. */
        PROCESS_IO_RETRY_MS = 10,
};
