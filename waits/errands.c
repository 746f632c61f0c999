/* Reading that may hang. See errands.h. */
#include "waits/errands.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "waits/process_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        CHILD_FD = STDERR_FILENO + 1,
        CHUNK_BYTES = 16384,
        DEATH_MS = 100, /* after SIGKILL; one that can die does so in microseconds */
        PATIENCE_TIMES = 9,
};

/* Before each chunk. */
typedef struct ChunkHeader {
        uint32_t size; /* of the bytes that follow; 0: the errand is done */
        int32_t result;
} ChunkHeader;

/* A chunk, and room for the end of an errand. */
struct ErrandOutput {
        ChunkHeader header;
        char bytes[CHUNK_BYTES + sizeof(ChunkHeader)];
};

/* A child, and what it has said so far of its errand. */
typedef struct Child {
        pid_t pid;
        int fd;
        size_t read; /* of the next, what has been taken, */
        size_t came; /* and how much came from the pipe */
        char buffer[2 * CHUNK_BYTES];
        size_t size;
        size_t capacity;
        char *bytes;
} Child;

/* ---- In the child ---------------------------------------------------------------------------- */

static void write_all(const void *bytes, size_t size)
{
        const char *next = bytes;

        while (size > 0) {
                ssize_t n = write(CHILD_FD, next, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        _exit(1);
                next += n;
                size -= (size_t)n;
        }
}

static void flush(ErrandOutput *output)
{
        write_all(&output->header, sizeof(output->header) + output->header.size);
        output->header.size = 0;
}

static void flush_end(ErrandOutput *output, int result)
{
        const ChunkHeader end = {.result = result};

        if (output->header.size == 0) {
                write_all(&end, sizeof(end));
                return;
        }
        memcpy(output->bytes + output->header.size, &end, sizeof(end));
        write_all(&output->header, sizeof(output->header) + output->header.size + sizeof(end));
        output->header.size = 0;
}

void errand_write(ErrandOutput *output, const void *bytes, size_t size)
{
        const char *next = bytes;

        while (size > 0) {
                size_t room = CHUNK_BYTES - output->header.size, part = size < room ? size : room;

                memcpy(output->bytes + output->header.size, next, part);
                output->header.size += (uint32_t)part;
                next += part;
                size -= part;
                if (output->header.size == CHUNK_BYTES)
                        flush(output);
        }
}

static bool keep_only(int out_fd)
{
        int null;

        if (out_fd != CHILD_FD && dup2(out_fd, CHILD_FD) < 0)
                return false;
        if (close_range(CHILD_FD + 1, ~0u, 0) < 0)
                return false;
        null = open("/dev/null", O_RDWR);
        if (null < 0)
                return false;
        for (int fd = 0; fd <= STDERR_FILENO; fd++) {
                if (dup2(null, fd) < 0)
                        return false;
        }
        return close(null) == 0;
}

static _Noreturn void serve(const ErrandKind *kind, const void *data, size_t first, size_t count,
                            int out_fd, pid_t parent)
{
        static ErrandOutput output;

        /* Before the look at the parent: it may be gone already. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || !keep_only(out_fd))
                _exit(1);
        signal(SIGPIPE, SIG_DFL);
        for (size_t errand = first; errand < count; errand++)
                flush_end(&output, kind->run(data, errand, &output));
        _exit(0);
}

/* ---- In the caller --------------------------------------------------------------------------- */

static int start(Child *child, const ErrandKind *kind, const void *data, size_t first, size_t count)
{
        const pid_t parent = getpid();
        int ends[2], error;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        child->pid = fork();
        if (child->pid == 0)
                serve(kind, data, first, count, ends[1], parent);
        error = errno;
        close(ends[1]);
        if (child->pid < 0) {
                close(ends[0]);
                return -error;
        }
        child->fd = ends[0];
        child->read = child->came = 0;
        return 0;
}

static char state_of(const Child *child)
{
        CLEANUP(cleanup_close) int directory = process_directory_open(child->pid);
        ProcessStat stat = {.state = '?'};

        if (directory >= 0)
                process_directory_stat(directory, "stat", &stat);
        return stat.state;
}

/* Until when something may take. A machine with much to do is no fault of it: it has several times
 * as long if it runs, or would. */
typedef struct Patience {
        uint64_t deadline_ms;
        int ms;
        int times_left;
} Patience;

static Patience patience_of(int ms)
{
        return (Patience){
                .deadline_ms = clock_now_ms() + (uint64_t)ms,
                .ms = ms,
                .times_left = PATIENCE_TIMES,
        };
}

static bool is_over(Patience *patience, const Child *child)
{
        if (clock_now_ms() < patience->deadline_ms)
                return false;
        if (patience->times_left == 0 || state_of(child) != 'R')
                return true;
        patience->times_left--;
        patience->deadline_ms += (uint64_t)patience->ms;
        return false;
}

static int left_ms(const Patience *patience)
{
        const uint64_t now = clock_now_ms();

        return now < patience->deadline_ms ? (int)(patience->deadline_ms - now) : 0;
}

/* Waits for more of what the child writes. 0, or -ETIME, or -EIO when it has ended. */
static int read_more(Child *child, Patience *patience)
{
        struct pollfd poll_fd = {.fd = child->fd, .events = POLLIN};
        ssize_t n = 0;

        while (n <= 0) {
                if (is_over(patience, child))
                        return -ETIME;
                n = poll(&poll_fd, 1, left_ms(patience));
                if (n == 0 || (n < 0 && errno == EINTR))
                        continue;
                if (n > 0)
                        n = read(child->fd, child->buffer, sizeof(child->buffer));
                if (n == 0 || (n < 0 && errno != EINTR))
                        return -EIO;
        }
        child->read = 0;
        child->came = (size_t)n;
        return 0;
}

static int read_all(Child *child, void *bytes, size_t size, Patience *patience)
{
        char *next = bytes;
        int r;

        while (size > 0) {
                size_t left = child->came - child->read, part = size < left ? size : left;

                memcpy(next, child->buffer + child->read, part);
                child->read += part;
                next += part;
                size -= part;
                r = size > 0 ? read_more(child, patience) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_room(Child *child, size_t size, size_t bytes_max)
{
        size_t capacity = child->capacity ? child->capacity : CHUNK_BYTES;
        char *bytes;

        if (size > CHUNK_BYTES)
                return -EIO;
        if (child->size + size > bytes_max)
                return -ENOBUFS;
        while (capacity < child->size + size)
                capacity *= 2;
        if (capacity == child->capacity)
                return 0;
        bytes = realloc(child->bytes, capacity);
        if (!bytes)
                return -ENOMEM;
        child->bytes = bytes;
        child->capacity = capacity;
        return 0;
}

/* One errand's chunks to its end: true with what it returned in *result; false with the reason to
 * let go of the child. */
static bool receive(Child *child, const ErrandKind *kind, int *result)
{
        Patience patience = patience_of(kind->patience_ms);

        child->size = 0;
        for (;;) {
                ChunkHeader header;

                *result = read_all(child, &header, sizeof(header), &patience);
                if (*result == 0 && header.size == 0) {
                        *result = header.result;
                        return true;
                }
                if (*result == 0)
                        *result = make_room(child, header.size, kind->bytes_max);
                if (*result == 0)
                        *result =
                                read_all(child, child->bytes + child->size, header.size, &patience);
                if (*result < 0)
                        return false;
                child->size += header.size;
        }
}

/* Whether it dies. The end of its pipe says so, which waitpid() would not, in time. */
static bool dies(const Child *child)
{
        struct pollfd poll_fd = {.fd = child->fd};
        Patience patience = patience_of(DEATH_MS);

        kill(child->pid, SIGKILL);
        while (!is_over(&patience, child)) {
                if (poll(&poll_fd, 1, left_ms(&patience)) > 0)
                        return true;
        }
        return false;
}

static void end(Errands *errands, Child *child)
{
        if (dies(child)) {
                while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        } else {
                errands->abandoned++;
        }
        close(child->fd);
}

void errands_run(Errands *errands, const ErrandKind *kind, void *data, size_t count)
{
        const uint64_t deadline_ms = clock_now_ms() + (uint64_t)kind->total_ms;
        const unsigned hung_max = errands->hung + ERRANDS_HUNG_MAX;
        Child child = {.fd = -1};
        size_t next = 0;
        bool answered;
        int result;

        while (next < count && errands->hung < hung_max && clock_now_ms() < deadline_ms) {
                result = start(&child, kind, data, next, count);
                if (result < 0) {
                        kind->done(data, next++, result, NULL, 0);
                        continue;
                }
                answered = true;
                while (answered && next < count && clock_now_ms() < deadline_ms) {
                        answered = receive(&child, kind, &result);
                        errands->hung += !answered && result == -ETIME;
                        kind->done(data, next++, result, answered ? child.bytes : NULL,
                                   answered ? child.size : 0);
                }
                end(errands, &child);
        }
        while (next < count)
                kind->done(data, next++, -EAGAIN, NULL, 0);
        free(child.bytes);
}
