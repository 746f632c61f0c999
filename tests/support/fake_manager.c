/* A service manager in small. See fake_manager.h. */
#include "tests/support/fake_manager.h"

#include "core/cleanup.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { ARGUMENTS_MAX = 32, MESSAGE_MAX = 4096, FIRST_PASSED = 3 };

/* ---- The store ----------------------------------------------------------------------------- */

/* Whether a message has this line; value: what follows the '='. */
static bool has_line(const char *message, const char *key, char value[static 256])
{
        size_t length = strlen(key);

        for (const char *line = message; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, key, length) != 0 || line[length] != '=')
                        continue;
                snprintf(value, 256, "%.*s", (int)strcspn(line + length + 1, "\n"),
                         line + length + 1);
                return true;
        }
        return false;
}

/* systemd keeps no file twice. */
static bool is_stored(const FakeManager *manager, int fd)
{
        for (size_t i = 0; i < manager->n_stored; i++) {
                if (syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, fd, manager->stored[i].fd) ==
                    0)
                        return true;
        }
        return false;
}

static void add(FakeManager *manager, const char *name, int take_fd)
{
        FakeStored *stored = &manager->stored[manager->n_stored];

        if (manager->n_stored >= FAKE_MANAGER_STORE_MAX || is_stored(manager, take_fd)) {
                close(take_fd);
                return;
        }
        snprintf(stored->name, sizeof(stored->name), "%s", name);
        stored->fd = take_fd;
        manager->n_stored++;
}

static void remove_all(FakeManager *manager, const char *name)
{
        size_t kept = 0;

        for (size_t i = 0; i < manager->n_stored; i++) {
                if (strcmp(manager->stored[i].name, name) == 0)
                        close(manager->stored[i].fd);
                else
                        manager->stored[kept++] = manager->stored[i];
        }
        manager->n_stored = kept;
}

static void serve(FakeManager *manager, const char *message, FdMessage *received)
{
        char value[256], name[256];

        manager->messages++;
        if (has_line(message, "READY", value))
                manager->readies++;
        if (!has_line(message, "FDNAME", name))
                strcpy(name, "stored");
        if (has_line(message, "FDSTOREREMOVE", value))
                remove_all(manager, name);
        if (has_line(message, "FDSTORE", value)) {
                for (size_t i = 0; i < received->count; i++)
                        add(manager, name, received->fds[i]);
                received->count = 0;
        }
        fd_message_close(received);
}

static void *receive(void *data)
{
        FakeManager *manager = data;
        struct pollfd fds[] = {{.fd = manager->notify_fd, .events = POLLIN},
                               {.fd = manager->stop_fd, .events = POLLIN}};
        char message[MESSAGE_MAX];
        FdMessage received;

        while (!fds[1].revents) {
                /* Another thread's seteuid() interrupts. */
                if (poll(fds, 2, -1) < 0 || !fds[0].revents)
                        continue;
                /* Read and served under the lock, so that an empty socket means that all is. */
                pthread_mutex_lock(&manager->lock);
                if (fd_message_receive(manager->notify_fd, message, sizeof(message) - 1, 8,
                                       &received) >= 0) {
                        message[received.length] = '\0';
                        serve(manager, message, &received);
                }
                pthread_mutex_unlock(&manager->lock);
        }
        return NULL;
}

static bool is_settled(FakeManager *manager)
{
        bool empty;

        pthread_mutex_lock(&manager->lock);
        empty = !wait_readable(manager->notify_fd, 0);
        pthread_mutex_unlock(&manager->lock);
        return empty;
}

void fake_manager_settle(FakeManager *manager)
{
        ck_assert(WAIT_UNTIL(is_settled(manager), DEADLINE_MS));
}

size_t fake_manager_count(FakeManager *manager, const char *prefix)
{
        size_t count = 0;

        fake_manager_settle(manager);
        pthread_mutex_lock(&manager->lock);
        for (size_t i = 0; i < manager->n_stored; i++)
                count += strncmp(manager->stored[i].name, prefix, strlen(prefix)) == 0;
        pthread_mutex_unlock(&manager->lock);
        return count;
}

bool fake_manager_replace_record(FakeManager *manager, const char *name, int take_fd)
{
        bool found = false;

        pthread_mutex_lock(&manager->lock);
        for (size_t i = 0; i < manager->n_stored && !found; i++) {
                FakeStored *stored = &manager->stored[i];

                if (strcmp(stored->name, name) != 0 || fcntl(stored->fd, F_GET_SEALS) < 0)
                        continue;
                close(stored->fd);
                stored->fd = take_fd;
                found = true;
        }
        pthread_mutex_unlock(&manager->lock);
        return found;
}

void fake_manager_store(FakeManager *manager, const char *name, int take_fd)
{
        pthread_mutex_lock(&manager->lock);
        add(manager, name, take_fd);
        pthread_mutex_unlock(&manager->lock);
}

/* ---- Starting and ending ------------------------------------------------------------------- */

static int bind_socket(int type, const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

void fake_manager_open(FakeManager *manager, const char *const *options)
{
        const int on = 1;

        memset(manager, 0, sizeof(*manager));
        manager->options = options;
        manager->daemon.directory = make_temp_dir();
        snprintf(manager->daemon.socket_path, sizeof(manager->daemon.socket_path), "%s/socket",
                 manager->daemon.directory);
        snprintf(manager->notify_path, sizeof(manager->notify_path), "%s/notify",
                 manager->daemon.directory);
        manager->listening_fd = bind_socket(SOCK_SEQPACKET, manager->daemon.socket_path);
        ck_assert_int_eq(
                setsockopt(manager->listening_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
        ck_assert_int_eq(listen(manager->listening_fd, SOMAXCONN), 0);
        manager->notify_fd = bind_socket(SOCK_DGRAM, manager->notify_path);
        manager->stop_fd = eventfd(0, EFD_CLOEXEC);
        ck_assert_int_ge(manager->stop_fd, 0);
        pthread_mutex_init(&manager->lock, NULL);
        ck_assert_int_eq(pthread_create(&manager->thread, NULL, receive, manager), 0);
}

/* In the child: the socket and what is stored, where systemd puts them. */
static void pass_descriptors(const FakeManager *manager)
{
        static char names[FAKE_MANAGER_STORE_MAX * 48];
        size_t count = 1 + manager->n_stored, length;
        int base = FIRST_PASSED + (int)count;
        char number[32];

        /* Above all that is to be copied. */
        for (size_t i = 0; i < manager->n_stored; i++)
                base = base > manager->stored[i].fd ? base : manager->stored[i].fd + 1;
        base = base > manager->listening_fd ? base : manager->listening_fd + 1;
        length = (size_t)snprintf(names, sizeof(names), "kyron-iod.socket");
        dup3(manager->listening_fd, base, O_CLOEXEC);
        for (size_t i = 0; i < manager->n_stored; i++) {
                dup3(manager->stored[i].fd, base + 1 + (int)i, O_CLOEXEC);
                length += (size_t)snprintf(names + length, sizeof(names) - length, ":%s",
                                           manager->stored[i].name);
        }
        for (size_t i = 0; i < count; i++)
                dup2(base + (int)i, FIRST_PASSED + (int)i);
        setenv("LISTEN_FDNAMES", names, 1);
        snprintf(number, sizeof(number), "%zu", count);
        setenv("LISTEN_FDS", number, 1);
        snprintf(number, sizeof(number), "%d", (int)getpid());
        setenv("LISTEN_PID", number, 1);
        setenv("NOTIFY_SOCKET", manager->notify_path, 1);
}

static void run_program(const FakeManager *manager, pid_t parent)
{
        const char *arguments[ARGUMENTS_MAX] = {
                test_daemon_program(),      "--foreground", "--log-level", "warning", "--socket",
                manager->daemon.socket_path};
        size_t count = 6;

        for (const char *const *option = manager->options;
             option && *option && count < ARGUMENTS_MAX - 1; option++)
                arguments[count++] = *option;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent) {
                pass_descriptors(manager);
                execv(arguments[0], (char *const *)arguments);
        }
        fprintf(stderr, "cannot start %s\n", arguments[0]);
        _exit(126);
}

static unsigned readies(FakeManager *manager)
{
        unsigned count;

        pthread_mutex_lock(&manager->lock);
        count = manager->readies;
        pthread_mutex_unlock(&manager->lock);
        return count;
}

void fake_manager_start(FakeManager *manager)
{
        pid_t parent = getpid();
        unsigned before = readies(manager);

        fake_manager_settle(manager);
        fflush(NULL);
        pthread_mutex_lock(&manager->lock);
        manager->daemon.pid = fork();
        if (manager->daemon.pid == 0)
                run_program(manager, parent);
        pthread_mutex_unlock(&manager->lock);
        ck_assert_int_gt(manager->daemon.pid, 0);
        ck_assert(WAIT_UNTIL(readies(manager) > before, DEADLINE_MS));
}

void fake_manager_end(FakeManager *manager, int signal_number)
{
        ck_assert_int_eq(kill(manager->daemon.pid, signal_number), 0);
        ck_assert(wait_exit(manager->daemon.pid, DEADLINE_MS, NULL));
        manager->daemon.pid = 0;
        fake_manager_settle(manager);
}

void fake_manager_restart(FakeManager *manager, int signal_number)
{
        fake_manager_end(manager, signal_number);
        fake_manager_start(manager);
}

void fake_manager_close(FakeManager *manager)
{
        if (manager->daemon.pid > 0)
                fake_manager_end(manager, SIGTERM);
        ck_assert_int_eq(eventfd_write(manager->stop_fd, 1), 0);
        pthread_join(manager->thread, NULL);
        while (manager->n_stored > 0)
                close(manager->stored[--manager->n_stored].fd);
        close(manager->stop_fd);
        close(manager->notify_fd);
        close(manager->listening_fd);
        pthread_mutex_destroy(&manager->lock);
        remove_temp_dir(STEAL_PTR(manager->daemon.directory));
}
