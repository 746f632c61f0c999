/*
 * Notes as a client makes them: a memfd, its bytes, its seals.
 */
#pragma once

#include <fcntl.h>
#include <sys/types.h>

enum {
        /* What a note has to have. */
        NOTE_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW,
};

/* A memfd of so many bytes, 'n' all of them up to 65,537 and a hole after that, with these seals.
 * Ends the test when it cannot be made. */
int memfd_note(off_t size, int seals);
