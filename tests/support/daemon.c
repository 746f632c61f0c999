/* A private kyron-iod. See daemon.h. */
#include "tests/support/daemon.h"

#include "client/handle/daemon_connection.h"
#include "core/cleanup.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { ARGUMENTS_MAX = 32 };

const char *test_daemon_program(void)
{
        static char path[4096];
        const char *program = getenv("KYRON_IOD");
        const char *directory = getenv("KYRON_BUILD_DIR");

        if (program)
                return program;
        snprintf(path, sizeof(path), "%s/kyron-iod", directory ? directory : ".");
        return path;
}

static void run_program(const TestDaemon *daemon, const char *const *options, pid_t parent)
{
        const char *arguments[ARGUMENTS_MAX] = {
                test_daemon_program(), "--foreground", "--log-level", "warning", "--socket",
                daemon->socket_path,   "--config",     "/dev/null",
        };
        size_t count = 8;

        while (options && *options && count < ARGUMENTS_MAX - 1)
                arguments[count++] = *options++;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
                execv(arguments[0], (char *const *)arguments);
        fprintf(stderr, "cannot start %s\n", arguments[0]);
        _exit(126);
}

static bool is_serving(const TestDaemon *daemon)
{
        DaemonConnection connection;

        ck_assert_msg(waitpid(daemon->pid, NULL, WNOHANG) == 0, "%s does not run",
                      test_daemon_program());
        if (daemon_connection_open(&connection, daemon->socket_path, "test", false) < 0)
                return false;
        close(connection.fd);
        return true;
}

static void start(TestDaemon *daemon, const char *const *options, const char *variable,
                  const char *value)
{
        pid_t parent = getpid();

        fflush(NULL);
        daemon->pid = fork();
        ck_assert_int_ge(daemon->pid, 0);
        if (daemon->pid == 0) {
                if (variable)
                        setenv(variable, value, 1);
                run_program(daemon, options, parent);
        }
        ck_assert(WAIT_UNTIL(is_serving(daemon), DEADLINE_MS));
}

void test_daemon_start_with(TestDaemon *daemon, const char *const *options, const char *variable,
                            const char *value)
{
        daemon->directory = make_temp_dir();
        snprintf(daemon->socket_path, sizeof(daemon->socket_path), "%s/socket", daemon->directory);
        start(daemon, options, variable, value);
}

void test_daemon_start_again(TestDaemon *daemon, const char *const *options)
{
        start(daemon, options, NULL, NULL);
}

void test_daemon_crash(TestDaemon *daemon)
{
        ck_assert_int_eq(kill(daemon->pid, SIGKILL), 0);
        ck_assert(wait_exit(daemon->pid, DEADLINE_MS, NULL));
}

void test_daemon_start(TestDaemon *daemon, const char *const *options)
{
        test_daemon_start_with(daemon, options, NULL, NULL);
}

void test_daemon_stop(TestDaemon *daemon)
{
        int status;

        ck_assert_int_eq(kill(daemon->pid, SIGTERM), 0);
        ck_assert(wait_exit(daemon->pid, DEADLINE_MS, &status));
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "kyron-iod ended with status %#x", status);
        ck_assert_msg(access(daemon->socket_path, F_OK) < 0, "the socket was left behind");
        remove_temp_dir(STEAL_PTR(daemon->directory));
}

void test_daemon_kill(TestDaemon *daemon)
{
        test_daemon_crash(daemon);
        remove_temp_dir(STEAL_PTR(daemon->directory));
}

void test_daemon_pause(const TestDaemon *daemon)
{
        int status;

        ck_assert_int_eq(kill(daemon->pid, SIGSTOP), 0);
        ck_assert(WAIT_UNTIL(waitpid(daemon->pid, &status, WUNTRACED | WNOHANG) == daemon->pid,
                             DEADLINE_MS));
        ck_assert(WIFSTOPPED(status));
}

void test_daemon_resume(const TestDaemon *daemon)
{
        ck_assert_int_eq(kill(daemon->pid, SIGCONT), 0);
}

/* Counts the daemon's descriptors, those that are what (all: NULL) as /proc names it. */
static size_t count_descriptors_of(const TestDaemon *daemon, const char *what)
{
        char path[64], link[64];
        DIR *directory;
        struct dirent *entry;
        size_t count = 0;

        snprintf(path, sizeof(path), "/proc/%d/fd", (int)daemon->pid);
        directory = opendir(path);
        ck_assert_ptr_nonnull(directory);
        while ((entry = readdir(directory))) {
                ssize_t size = readlinkat(dirfd(directory), entry->d_name, link, sizeof(link) - 1);

                if (entry->d_name[0] == '.' || size < 0)
                        continue;
                link[size] = '\0';
                if (!what || strcmp(link, what) == 0)
                        count++;
        }
        closedir(directory);
        return count;
}

size_t test_daemon_count_descriptors(const TestDaemon *daemon)
{
        return count_descriptors_of(daemon, NULL);
}

bool test_daemon_holds_socket(const TestDaemon *daemon, int borrow_fd)
{
        struct stat file;
        char name[64];

        ck_assert_int_eq(fstat(borrow_fd, &file), 0);
        snprintf(name, sizeof(name), "socket:[%llu]", (unsigned long long)file.st_ino);
        return count_descriptors_of(daemon, name) > 0;
}

size_t test_daemon_memory_kib(const TestDaemon *daemon, const char *what)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[64], line[256];
        const size_t length = strlen(what);

        snprintf(path, sizeof(path), "/proc/%d/status", (int)daemon->pid);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file)) {
                if (strncmp(line, what, length) == 0 && line[length] == ':')
                        return strtoul(line + length + 1, NULL, 10);
        }
        ck_abort_msg("%s says nothing of %s", path, what);
}

size_t test_daemon_resident_kib(const TestDaemon *daemon)
{
        return test_daemon_memory_kib(daemon, "VmRSS");
}

uint64_t test_daemon_cpu_ns(const TestDaemon *daemon)
{
        struct timespec used;
        clockid_t clock;

        ck_assert_int_eq(clock_getcpuclockid(daemon->pid, &clock), 0);
        ck_assert_int_eq(clock_gettime(clock, &used), 0);
        return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}
