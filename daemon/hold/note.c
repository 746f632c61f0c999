/* Looking at notes without ever blocking. See note.h. */
#include "daemon/hold/note.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Bytes in a unit of st_blocks. */
enum { BLOCK_BYTES = 512 };

static const int seals_wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;

/* In this order: F_GETFL asks nobody, F_GET_SEALS is answered by files in memory alone and refused
 * before the file is asked for every other, and fstat() of a file in memory only copies. */
static int check_file(int fd)
{
        int flags = fcntl(fd, F_GETFL);
        int seals;

        if (flags < 0)
                return error_set(errno, "the note: %s", strerror(errno));
        if (flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
                return error_set(EINVAL, "the note cannot be read: send the memfd itself");
        seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0)
                return error_set(EINVAL, "the note is not a memfd: see memfd_create(2)");
        if ((seals & seals_wanted) != seals_wanted)
                return error_set(EINVAL, "the note is not sealed: add F_SEAL_WRITE, F_SEAL_SHRINK "
                                         "and F_SEAL_GROW");
        return 0;
}

int note_check(int borrow_fd, uint32_t announced_size)
{
        struct stat file;
        int r;

        if (announced_size == 0)
                return error_set(EINVAL, "a note of 0 bytes is none: send no descriptor for it");
        if (announced_size > FRAME_NOTE_MAX)
                return error_set(EMSGSIZE, "a note of %u bytes is too long: at most %d",
                                 announced_size, FRAME_NOTE_MAX);
        r = check_file(borrow_fd);
        if (r < 0)
                return r;
        if (fstat(borrow_fd, &file) < 0)
                return error_set(errno, "the note: %s", strerror(errno));
        if (file.st_size != (off_t)announced_size)
                return error_set(EINVAL, "the note is %lld bytes long and was announced with %u",
                                 (long long)file.st_size, announced_size);
        if (file.st_blocks > NOTE_STORAGE_MAX / BLOCK_BYTES)
                return error_set(EINVAL, "the note takes %lld KiB of memory: at most %d",
                                 (long long)file.st_blocks * BLOCK_BYTES / 1024,
                                 NOTE_STORAGE_MAX / 1024);
        return 0;
}
