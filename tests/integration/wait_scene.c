/* Processes to be asked about. See wait_scene.h. */
#include "tests/integration/wait_scene.h"

#include "tests/support/deadline.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t started[8];
static size_t started_count;

pid_t wait_scene_start(WaitPart part, uint32_t *told)
{
        uint32_t number = 0;
        int fds[2];
        pid_t pid;

        ck_assert_uint_lt(started_count, sizeof(started) / sizeof(started[0]));
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(fds[0]);
                part(fds[1]);
                for (;;)
                        pause();
        }
        started[started_count++] = pid;
        close(fds[1]);
        ck_assert(wait_readable(fds[0], DEADLINE_MS));
        ck_assert_int_eq(read(fds[0], &number, sizeof(number)), sizeof(number));
        close(fds[0]);
        if (told)
                *told = number;
        return pid;
}

void wait_scene_end(void)
{
        for (size_t i = 0; i < started_count; i++) {
                kill(started[i], SIGKILL);
                waitpid(started[i], NULL, 0);
        }
        started_count = 0;
}

void wait_scene_tell(int tell_fd, uint32_t number)
{
        if (write(tell_fd, &number, sizeof(number)) != sizeof(number))
                _exit(1);
}

const char *wait_scene_text(pid_t pid, char text[static 16])
{
        snprintf(text, 16, "%d", (int)pid);
        return text;
}
