/* What most tests set up. See fixture.h. */
#include "tests/support/fixture.h"

#include "core/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

void unix_pair(int type, int fds[static 2])
{
        ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
}

void tcp_pair(int fds[static 2])
{
        CLEANUP(cleanup_close) int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t length = sizeof(address);

        ck_assert_int_ge(listener, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
        fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&address, length), 0);
        ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
        fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        ck_assert_int_ge(fds[1], 0);
}

void pipe_pair(int fds[static 2])
{
        ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

TestListener listen_unix(int backlog)
{
        TestListener listener = {
                .address.sun_family = AF_UNIX,
                .length = sizeof(listener.address),
                .fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
        };
        struct sockaddr *address = (struct sockaddr *)&listener.address;

        /* An address of nothing but its family: the kernel picks an abstract name. */
        ck_assert_int_eq(bind(listener.fd, address, sizeof(sa_family_t)), 0);
        ck_assert_int_eq(listen(listener.fd, backlog), 0);
        ck_assert_int_eq(getsockname(listener.fd, address, &listener.length), 0);
        return listener;
}

int connect_unix(const TestListener *listener)
{
        CLEANUP(cleanup_close)
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (connect(fd, (const struct sockaddr *)&listener->address, listener->length) < 0)
                return -errno;
        return STEAL_FD(fd);
}

void put_byte(int borrow_fd)
{
        ck_assert_int_eq(write(borrow_fd, "x", 1), 1);
}

size_t fill(int borrow_fd)
{
        static const char block[4096];
        size_t total = 0;
        ssize_t n;

        while ((n = write(borrow_fd, block, sizeof(block))) > 0)
                total += (size_t)n;
        ck_assert_msg(n < 0 && errno == EAGAIN, "write: %s", strerror(errno));
        return total;
}

size_t drain(int borrow_fd)
{
        char block[4096];
        size_t total = 0;
        ssize_t n;

        while ((n = read(borrow_fd, block, sizeof(block))) > 0)
                total += (size_t)n;
        ck_assert_msg(n == 0 || errno == EAGAIN, "read: %s", strerror(errno));
        return total;
}

size_t count_descriptors(void)
{
        DIR *directory = opendir("/proc/self/fd");
        struct dirent *entry;
        size_t count = 0;

        ck_assert_ptr_nonnull(directory);
        while ((entry = readdir(directory))) {
                if (entry->d_name[0] != '.')
                        count++;
        }
        closedir(directory);
        return count - 1; /* the directory's own */
}

bool limit_descriptors(int limit)
{
        struct rlimit now;
        unsigned long soft = 0;
        char line[128];
        FILE *limits;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
        now.rlim_cur = (rlim_t)limit;
        /* Opened first: afterwards there may be no number left. */
        limits = fopen("/proc/self/limits", "re");
        ck_assert_ptr_nonnull(limits);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
        while (fgets(line, sizeof(line), limits)) {
                if (sscanf(line, "Max open files %lu", &soft) == 1)
                        break;
        }
        fclose(limits);
        return soft == (unsigned long)limit;
}

void unlimit_descriptors(void)
{
        struct rlimit now;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &now), 0);
        now.rlim_cur = now.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
}

char *make_temp_dir(void)
{
        const char *parent = getenv("TMPDIR");
        char *path;

        ck_assert_int_gt(asprintf(&path, "%s/kyron-test-XXXXXX", parent ? parent : "/tmp"), 0);
        ck_assert_msg(mkdtemp(path) != NULL, "mkdtemp %s: %s", path, strerror(errno));
        return path;
}

void remove_temp_dir(char *take_path)
{
        DIR *directory = opendir(take_path);
        struct dirent *entry;

        ck_assert_ptr_nonnull(directory);
        while ((entry = readdir(directory))) {
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        unlinkat(dirfd(directory), entry->d_name, 0);
        }
        closedir(directory);
        rmdir(take_path);
        free(take_path);
}

void report_skipped(const char *test, const char *format, ...)
{
        size_t length = strlen(test);
        va_list args;

        /* check names the function of a test "<name>_fn". */
        if (length > 3 && strcmp(test + length - 3, "_fn") == 0)
                length -= 3;
        fprintf(stderr, "SKIPPED %.*s: ", (int)length, test);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputc('\n', stderr);
}
