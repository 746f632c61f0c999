/* Where a torture takes place. See world.h. */
#include "tests/torture/world.h"

#include "core/cleanup.h"
#include "tests/support/deadline.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        USER = 65534,
        ATTACKER = 65533,
        SERVES_MS = 10000,
        ENDS_MS = 20000,
        SETTLES_MS = 20000,
        LOOK_MS = 20,
        LOOKS_AT_REST = 5,
};

/* What a client may ask for: enough to reach the code behind it, nothing that outlives a session.
 */
static const char config[] = "name-servers = {\"127.0.0.1:%d\"}\n"
                             "policy \"user:*\" {\n"
                             "        connect = {\"tcp:127.0.0.1:1-65535\",\n"
                             "                   \"tcp:*.slow.example:80\"}\n"
                             "        listen = {\"unix:@torture-*\"}\n"
                             "        bind = {\"udp:127.0.0.1:0\"}\n"
                             "}\n";

const char *world_program(const World *world, const char *name)
{
        static char paths[4][4096];
        static unsigned next;
        char *path = paths[next++ % 4];

        snprintf(path, sizeof(paths[0]), "%s/%s", world->build, name);
        return path;
}

static size_t count_descriptors(pid_t pid)
{
        struct dirent *entry;
        char path[64];
        size_t count = 0;
        DIR *directory;

        snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        directory = opendir(path);
        while (directory && (entry = readdir(directory)))
                count += entry->d_name[0] != '.';
        if (directory)
                closedir(directory);
        return count;
}

static bool serves(const World *world)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        CLEANUP(cleanup_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, world->socket_path);
        return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void start_daemon(World *world)
{
        const char *words[] = {
                world_program(world, "kyron-iod"),
                "--foreground",
                "--log-level",
                "notice",
                "--socket",
                world->socket_path,
                "--config",
                world->config_path,
                NULL,
        };

        if (world->wrong & WORLD_STOPPED_MANAGER) {
                setenv("NOTIFY_SOCKET", world->notify_path, 1);
                setenv("WATCHDOG_USEC", "100000", 1);
        }
        process_start(&world->daemon, words, world->user,
                      world->wrong & WORLD_UNREAD_LOG ? world->pipe_path : world->log_path);
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        if (!WAIT_UNTIL(serves(world), SERVES_MS))
                torture_fail("the daemon does not serve; see %s", world->log_path);
}

const WaitsWords world_waits[WAITS_COUNT] = {
        [WAITS_RELAYED] = {"relayed", "relayed", {"examples/echo_server", "--tcp", "127.0.0.1:0"}},
        [WAITS_DIRECT] = {"direct", "direct", {"examples/echo_server", "--tcp", "127.0.0.1:0"}},
        [WAITS_IN_PROCESS] = {"in-process", "relayed", {"bench/peer_epoll", "edge"}},
};

void world_start_process(const World *world, Waits waits, const char *const *words,
                         Process *process)
{
        setenv("KYRON_DELIVERY", world_waits[waits].delivery, 1);
        process_start(process, words, world->user, world->log_path);
        setenv("KYRON_DELIVERY", world_waits[WAITS_RELAYED].delivery, 1);
}

void world_start_echo(World *world, Waits waits)
{
        const char *const *echo = world_waits[waits].echo;
        const char *words[] = {world_program(world, echo[0]), echo[1], echo[2], NULL};
        char line[PROCESS_LINE_MAX];

        world_start_process(world, waits, words, &world->echo[waits]);
        if (!process_read_line(&world->echo[waits], line, SERVES_MS) ||
            sscanf(line, "tcp %79s", world->echo_address[waits]) != 1)
                torture_fail("the echo server does not serve; see %s", world->log_path);
}

/* Returns the port of a name server that reads nothing. */
static int open_name_server(World *world)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);

        world->names_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (world->names_fd < 0 ||
            bind(world->names_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
            getsockname(world->names_fd, (struct sockaddr *)&address, &size) < 0)
                torture_fail("a name server: %s", strerror(errno));
        return ntohs(address.sin_port);
}

static void make_directory(World *world)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;

        strcpy(world->directory, "/tmp/kyron-torture-XXXXXX");
        if (!mkdtemp(world->directory) || chmod(world->directory, 0755) < 0 ||
            (world->user != (uid_t)-1 && chown(world->directory, world->user, world->user) < 0))
                torture_fail("a directory: %s", strerror(errno));
        snprintf(world->socket_path, sizeof(world->socket_path), "%s/socket", world->directory);
        snprintf(world->config_path, sizeof(world->config_path), "%s/config", world->directory);
        snprintf(world->log_path, sizeof(world->log_path), "%s/log", world->directory);
        file = fopen(world->config_path, "we");
        if (!file || fprintf(file, config, open_name_server(world)) < 0)
                torture_fail("%s: %s", world->config_path, strerror(errno));
        if (chmod(world->config_path, 0644) < 0)
                torture_fail("%s: %s", world->config_path, strerror(errno));
}

/* ---- Who does not read --------------------------------------------------------------------- */

static void write_until_full(int fd)
{
        static const char bytes[64];

        while (write(fd, bytes, sizeof(bytes)) > 0)
                ;
        if (errno != EAGAIN)
                torture_fail("what nobody reads: %s", strerror(errno));
}

static void make_unread_pipe(World *world)
{
        snprintf(world->pipe_path, sizeof(world->pipe_path), "%s/pipe", world->directory);
        if (mkfifo(world->pipe_path, 0600) < 0 || chmod(world->pipe_path, 0666) < 0)
                torture_fail("%s: %s", world->pipe_path, strerror(errno));
        world->pipe_fd = open(world->pipe_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (world->pipe_fd < 0)
                torture_fail("%s: %s", world->pipe_path, strerror(errno));
        write_until_full(world->pipe_fd);
}

static void make_stopped_manager(World *world)
{
        CLEANUP(cleanup_close)
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(world->notify_path, sizeof(world->notify_path), "%s/notify", world->directory);
        strcpy(address.sun_path, world->notify_path);
        world->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (bind(world->notify_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            chmod(world->notify_path, 0666) < 0 ||
            connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                torture_fail("%s: %s", world->notify_path, strerror(errno));
        write_until_full(fd);
}

static void forget_unread(World *world)
{
        if (world->wrong & WORLD_UNREAD_LOG)
                unlink(world->pipe_path);
        if (world->wrong & WORLD_STOPPED_MANAGER)
                unlink(world->notify_path);
        cleanup_close(&world->pipe_fd);
        cleanup_close(&world->notify_fd);
}

void world_start(World *world, const char *build, unsigned wrong)
{
        bool is_root = geteuid() == 0;
        int log_fd;

        *world = (World){
                .build = build,
                .user = is_root ? USER : (uid_t)-1,
                .attacker = is_root ? ATTACKER : (uid_t)-1,
                .wrong = wrong,
                .pipe_fd = -1,
                .notify_fd = -1,
        };
        make_directory(world);
        if (wrong & WORLD_UNREAD_LOG)
                make_unread_pipe(world);
        if (wrong & WORLD_STOPPED_MANAGER)
                make_stopped_manager(world);
        setenv("KYRON_SOCKET", world->socket_path, 1);
        /* Before anybody else makes it, since all of them write to it. */
        log_fd = open(world->log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (log_fd < 0 || fchmod(log_fd, 0666) < 0)
                torture_fail("%s: %s", world->log_path, strerror(errno));
        close(log_fd);
        start_daemon(world);
        /* Who tried whether it serves had a session, which takes its time to end. */
        world->descriptors = world_baseline_at_rest(world).descriptors;
}

double world_replace_daemon(World *world)
{
        struct timespec from, to;

        clock_gettime(CLOCK_MONOTONIC, &from);
        process_kill(&world->daemon);
        start_daemon(world);
        clock_gettime(CLOCK_MONOTONIC, &to);
        return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

/* ---- What the daemon has ------------------------------------------------------------------- */

static size_t measure_memory(pid_t pid)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[64], line[256];
        size_t kib = 0;

        snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "Anonymous: %zu kB", &kib) == 1)
                        break;
        }
        return kib;
}

static json_t *ask_status(const World *world)
{
        const char *words[] = {world_program(world, "kyronctl"), "--json", "status", NULL};
        Process kyronctl;
        json_t *status;
        FILE *file;

        process_start(&kyronctl, words, world->user, world->log_path);
        file = fdopen(dup(kyronctl.out_fd), "r");
        status = file ? json_loadf(file, 0, NULL) : NULL;
        if (file)
                fclose(file);
        process_wait(&kyronctl, ENDS_MS);
        return status;
}

static uint64_t number_of(const json_t *status, const char *key)
{
        return (uint64_t)json_integer_value(json_object_get(status, key));
}

Baseline world_baseline(const World *world)
{
        /* Before asking: who asks has a session, too, which takes its time to end. */
        size_t descriptors = count_descriptors(world->daemon.pid);
        json_t *status = ask_status(world);
        const json_t *turn = json_object_get(status, "longest_turn_us");
        Baseline baseline = {
                .is_alive = waitpid(world->daemon.pid, NULL, WNOHANG) == 0 && status,
                .sessions = number_of(status, "sessions"),
                .registrations = number_of(status, "registrations"),
                .longest_turn_ms = turn ? json_number_value(turn) / 1e3 : -1,
                .descriptors = descriptors,
                .memory_kib = measure_memory(world->daemon.pid),
        };

        json_decref(status);
        return baseline;
}

Baseline world_baseline_at_rest(const World *world)
{
        Deadline deadline = deadline_in(SETTLES_MS);
        Baseline before = world_baseline(world);

        for (int same = 0; same < LOOKS_AT_REST && deadline_left(deadline) > 0; same++) {
                Baseline now;

                nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
                now = world_baseline(world);
                if (!world_is_settled(&now, &before) || !world_is_settled(&before, &now) ||
                    now.registrations != before.registrations)
                        same = -1;
                before = now;
        }
        return before;
}

bool world_is_settled(const Baseline *now, const Baseline *before)
{
        return now->is_alive && now->descriptors <= before->descriptors &&
               now->sessions <= before->sessions;
}

Baseline world_settle(const World *world, const Baseline *before)
{
        Deadline deadline = deadline_in(SETTLES_MS);
        Baseline now = world_baseline(world);

        while (now.is_alive && !world_is_settled(&now, before) && deadline_left(deadline) > 0) {
                nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
                now = world_baseline(world);
        }
        return now;
}

/* ---- The end ------------------------------------------------------------------------------- */

static bool is_as_at_first(const World *world, Baseline *now)
{
        *now = world_baseline(world);
        return now->is_alive && now->sessions == 0 && now->registrations == 0 &&
               now->descriptors <= world->descriptors;
}

/* What its descriptors are, into its log. */
static void tell_descriptors(const World *world)
{
        CLEANUP(cleanup_fclose) FILE *log = fopen(world->log_path, "ae");
        char directory[64], target[PATH_MAX];
        struct dirent *entry;
        ssize_t size;
        DIR *fds;

        snprintf(directory, sizeof(directory), "/proc/%d/fd", (int)world->daemon.pid);
        fds = opendir(directory);
        while (log && fds && (entry = readdir(fds))) {
                size = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target));
                if (size > 0)
                        fprintf(log, "torture: descriptor %s is %.*s\n", entry->d_name, (int)size,
                                target);
        }
        if (fds)
                closedir(fds);
}

/* Whether they ended well; the one without the library has no end of its own. */
static bool stop_echoes(World *world)
{
        bool good = true;

        process_kill(&world->echo[WAITS_IN_PROCESS]);
        for (Waits waits = 0; waits < WAITS_IN_PROCESS; waits++) {
                if (world->echo[waits].pid > 0)
                        good &= process_stop(&world->echo[waits], ENDS_MS) == 0;
        }
        return good;
}

const char *world_stop(World *world)
{
        static char wrong[160];
        Baseline now;

        *wrong = '\0';
        if (!stop_echoes(world))
                snprintf(wrong, sizeof(wrong), "an echo server did not end well");
        else if (!WAIT_UNTIL(is_as_at_first(world, &now), SETTLES_MS))
                snprintf(wrong, sizeof(wrong),
                         "left behind at the end: %" PRIu64 " sessions, %" PRIu64
                         " registrations, %zd descriptors",
                         now.sessions, now.registrations,
                         (ssize_t)(now.descriptors - world->descriptors));
        if (*wrong)
                tell_descriptors(world);
        if (process_stop(&world->daemon, ENDS_MS) != 0)
                snprintf(wrong, sizeof(wrong), "the daemon did not end well");
        forget_unread(world);
        close(world->names_fd);
        unlink(world->config_path);
        unlink(world->socket_path);
        if (*wrong)
                fprintf(stderr, "torture: what was said is in %s\n", world->log_path);
        else
                unlink(world->log_path);
        rmdir(world->directory);
        return *wrong ? wrong : NULL;
}
