/* Notes in sealed memfds. See sealed_note.h. */
#include "client/requests/sealed_note.h"

#include "core/error.h"
#include "core/sealed_bytes.h"
#include "proto/frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int sealed_note_new(int *out, const void *note, size_t size)
{
        int fd;

        *out = -1;
        if (size == 0)
                return 0;
        if (size > FRAME_NOTE_MAX)
                return error_set(EMSGSIZE, "a note has at most %d bytes, this one has %zu",
                                 FRAME_NOTE_MAX, size);
        fd = sealed_bytes_new("a note", note, size);
        if (fd < 0)
                return fd;
        *out = fd;
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
