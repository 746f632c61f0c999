/* Running another program. See program_output.h. */
#include "ctl/program_output.h"

#include "core/cleanup.h"
#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(const char *const *words, int take_write_end, pid_t *pid)
{
        CLEANUP(cleanup_close) int output = take_write_end;
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);

        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        if (r == 0)
                r = posix_spawnp(pid, words[0], &actions, NULL, (char *const *)words, environ);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* Until its end, or the deadline: 0 or -ETIMEDOUT. What has no room is read and dropped. */
static int read_all(int fd, char *out, size_t size, uint64_t deadline_ms)
{
        struct pollfd output = {.fd = fd, .events = POLLIN};
        char rest[512];
        size_t length = 0;

        for (;;) {
                const uint64_t now = clock_now_ms();
                const bool full = length == size - 1;
                ssize_t n;

                if (now >= deadline_ms)
                        return -ETIMEDOUT;
                if (poll(&output, 1, (int)(deadline_ms - now)) <= 0)
                        continue;
                n = read(fd, full ? rest : out + length, full ? sizeof(rest) : size - 1 - length);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return 0;
                length += full ? 0 : (size_t)n;
                out[length] = '\0';
        }
}

int program_output(const char *const *words, char *out, size_t size, int timeout_ms)
{
        CLEANUP(cleanup_close) int read_end = -1;
        int ends[2], status, r;
        pid_t pid;

        *out = '\0';
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        read_end = ends[0];
        r = start(words, ends[1], &pid);
        if (r < 0)
                return r;
        r = read_all(read_end, out, size, clock_now_ms() + (uint64_t)timeout_ms);
        if (r < 0)
                kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0) {
                if (errno != EINTR)
                        return -errno;
        }
        if (r == 0)
                r = WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
        return r;
}
