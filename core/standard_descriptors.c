/* The standard descriptors. See standard_descriptors.h. */
#include "core/standard_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool standard_descriptors_occupy(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                /* The lowest number that is free. A path alone is there without /dev, too. */
                if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_DIRECTORY) != fd)
                        return false;
        }
        return true;
}

int standard_descriptors_avoid(int take_fd)
{
        int above, error;

        if (take_fd < 0 || take_fd > STDERR_FILENO)
                return take_fd;
        above = fcntl(take_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        error = errno;
        close(take_fd);
        errno = error;
        return above;
}
