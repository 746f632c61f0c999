/* The program that a handover puts in this one's place. See successor.h. */
#include "daemon/restart/successor.h"

#include "core/cleanup.h"
#include "daemon/restart/handover_answer.h"
#include "daemon/restart/handover_execute.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

enum {
        /* What the program that is asked has its descriptors as. */
        STATE_FD = 3,
        MORE_ARGUMENTS = 5,
};

char **successor_arguments(const Options *options, const char *more, const char *value)
{
        size_t n = 0, count = 0;
        bool is_said;
        char **argv;

        while (options->argv[count])
                count++;
        argv = calloc(count + MORE_ARGUMENTS, sizeof(*argv));
        if (!argv)
                return NULL;
        argv[n++] = (char *)options->program_path;
        for (size_t i = 1; i < count; i++)
                argv[n++] = options->argv[i];
        is_said = !options->config_given ||
                  strcmp(options->argv[count - 1], options->config_path) == 0;
        if (!is_said) {
                argv[n++] = (char *)"--config";
                argv[n++] = (char *)options->config_path;
        }
        if (more) {
                argv[n++] = (char *)more;
                argv[n++] = (char *)value;
        }
        return argv;
}

/* ---- On the thread ------------------------------------------------------------------------- */

static int look(const char *path, struct stat *file)
{
        if (!*path)
                return error_set(ENOENT, "it is not known by which path this program was started");
        if (stat(path, file) < 0)
                return error_set(errno, "%s: %s", path, strerror(errno));
        if (!S_ISREG(file->st_mode))
                return error_set(EACCES, "%s is not a program", path);
        return 0;
}

/* Whether it is the same file, with the same content and mode. */
static bool is_same(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int successor_check(const Successor *successor)
{
        const char *path = successor->options->program_path;
        struct stat now;
        int r = look(path, &now);

        if (r == 0 && !is_same(&successor->file, &now))
                r = error_set(ESTALE, "%s is another file than the one that was asked: try again",
                              path);
        return r;
}

/* With the signals that a program has by default. 0 or an errno. */
static int spawn(Successor *successor)
{
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        r = posix_spawn_file_actions_adddup2(&actions, successor->state_fd, STATE_FD);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, successor->answer_fd,
                                                     HANDOVER_ANSWER_FD);
        if (r == 0)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(&attributes, &all);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes,
                                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawn(&successor->pid, successor->options->program_path, &actions,
                                &attributes, successor->argv, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

static int start(Successor *successor)
{
        const char *path = successor->options->program_path;
        int r = look(path, &successor->file);

        if (r < 0)
                return r;
        r = spawn(successor);
        if (r != 0)
                return error_set(r, "%s: %s", path, strerror(r));
        successor->process_fd = pidfd_open(successor->pid, 0);
        r = successor->process_fd < 0 ? error_set(errno,
                                                  "the program that is asked cannot be waited for: "
                                                  "pidfd_open: %s",
                                                  strerror(errno))
                                      : successor_check(successor);
        if (r == 0)
                return 0;
        /* Its number is its own until it is waited for. */
        kill(successor->pid, SIGKILL);
        while (waitpid(successor->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        cleanup_close(&successor->process_fd);
        successor->process_fd = -1;
        return r;
}

static void run(BlockingTask *task)
{
        Successor *successor = (Successor *)task;

        successor->error = start(successor);
        strcpy(successor->why, successor->error < 0 ? error_text() : "");
}

/* ---- On the loop --------------------------------------------------------------------------- */

static void release(Successor *successor)
{
        cleanup_close(&successor->state_fd);
        cleanup_close(&successor->answer_fd);
        cleanup_close(&successor->process_fd);
        free(successor->argv);
        free(successor);
}

static void done(BlockingTask *task, int error)
{
        Successor *successor = (Successor *)task;

        /* With its end of the pipe, this process would not see the other's close. */
        close(STEAL_FD(successor->state_fd));
        close(STEAL_FD(successor->answer_fd));
        if (error < 0) {
                successor->error = error;
                strcpy(successor->why, "the daemon is stopping");
        }
        if (successor->started) {
                successor->started(successor, successor->data);
                return;
        }
        successor_kill(successor);
        successor_reap(successor);
        release(successor);
}

/* Above the numbers that the program has them as. */
static int put_above(int take_fd)
{
        int above = fcntl(take_fd, F_DUPFD_CLOEXEC, HANDOVER_ANSWER_FD + 1);

        close(take_fd);
        return above;
}

int successor_ask(Successor **out, BlockingPool *pool, const Options *options, int take_state_fd,
                  int take_answer_fd, void (*started)(Successor *successor, void *data), void *data)
{
        Successor *successor = calloc(1, sizeof(*successor));
        int r;

        if (!successor) {
                close(take_state_fd);
                close(take_answer_fd);
                return error_set(ENOMEM, "no memory to ask another program");
        }
        take_state_fd = put_above(take_state_fd);
        take_answer_fd = put_above(take_answer_fd);
        *successor = (Successor){
                .task = {.run = run, .done = done},
                .options = options,
                .argv = successor_arguments(options, "--check-state", "3"),
                .state_fd = take_state_fd,
                .answer_fd = take_answer_fd,
                .process_fd = -1,
                .started = started,
                .data = data,
        };
        _Static_assert(STATE_FD == 3, "see above");
        if (take_state_fd < 0 || take_answer_fd < 0)
                r = error_set(EMFILE, "no descriptors to ask another program with");
        else
                r = successor->argv ? blocking_pool_spawn(pool, geteuid(), &successor->task)
                                    : error_set(ENOMEM, "no memory to ask another program");
        if (r < 0)
                release(successor);
        else
                *out = successor;
        return r;
}

void successor_kill(const Successor *successor)
{
        if (successor->process_fd >= 0)
                pidfd_send_signal(successor->process_fd, SIGKILL, NULL, 0);
}

int successor_reap(const Successor *successor)
{
        const char *path = successor->options->program_path;
        siginfo_t end = {0};

        if (successor->process_fd < 0)
                return 0;
        if (waitid(P_PIDFD, (id_t)successor->process_fd, &end, WEXITED | WNOHANG) < 0)
                return error_set(errno, "how %s ended is not known: %s", path, strerror(errno));
        if (end.si_pid == 0)
                return error_set(EBUSY, "%s has not ended", path);
        if (end.si_code != CLD_EXITED)
                return error_set(EPROTO, "%s was ended by signal %d when it was asked", path,
                                 end.si_status);
        if (end.si_status != 0)
                return error_set(EPROTO, "%s ended with status %d when it was asked", path,
                                 end.si_status);
        return 0;
}

Successor *successor_forget(Successor *successor)
{
        if (!successor)
                return NULL;
        successor->started = NULL;
        successor->data = NULL;
        /* Still with the thread: then it is not run any more when it comes back. */
        if (successor->state_fd >= 0)
                return NULL;
        successor_kill(successor);
        successor_reap(successor);
        release(successor);
        return NULL;
}

int successor_execute(const Successor *successor, int borrow_state_fd)
{
        const Options *options = successor->options;
        CLEANUP(cleanup_free) char **argv = successor_arguments(options, NULL, NULL);
        int r;

        if (!argv)
                return error_set(ENOMEM, "no memory for its arguments");
        r = successor_check(successor);
        if (r == 0)
                r = handover_execute(-1, options->program_path, argv, borrow_state_fd);
        return r;
}
