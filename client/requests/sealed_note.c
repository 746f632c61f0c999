/* Notes in sealed memfds. See sealed_note.h. */
#include "client/requests/sealed_note.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "proto/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

int sealed_note_new(int *out, const void *note, size_t size)
{
        CLEANUP(cleanup_close) int fd = -1;
        ssize_t written;

        *out = -1;
        if (size == 0)
                return 0;
        if (size > FRAME_NOTE_MAX)
                return error_set(EMSGSIZE, "a note has at most %d bytes, this one has %zu",
                                 FRAME_NOTE_MAX, size);
        fd = memfd_create("kyron-note", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return error_set(errno, "no memfd for a note: %s", strerror(errno));
        written = pwrite(fd, note, size, 0);
        if (written < 0 || (size_t)written < size)
                return error_set(written < 0 ? errno : ENOMEM, "a note cannot be written: %s",
                                 strerror(written < 0 ? errno : ENOMEM));
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) < 0)
                return error_set(errno, "a note cannot be sealed: %s", strerror(errno));
        *out = STEAL_FD(fd);
        return 0;
}

ssize_t sealed_note_read(int borrow_fd, uint32_t note_size, void *buffer, size_t size)
{
        size_t wanted = size < note_size ? size : note_size;
        ssize_t n = wanted > 0 ? pread(borrow_fd, buffer, wanted, 0) : 0;

        if (n < 0)
                return error_set(errno, "the note cannot be read: %s", strerror(errno));
        if ((size_t)n < wanted)
                return error_set(EIO, "the note has %zd bytes, not %u", n, note_size);
        return (ssize_t)note_size;
}
