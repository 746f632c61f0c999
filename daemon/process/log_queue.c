/* Lines on their way to the thread that writes them. See log_queue.h. */
#include "daemon/process/log_queue.h"

#include "daemon/process/log_output.h"
#include "daemon/process/log_shares.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <syslog.h>
#include <time.h>

enum {
        /* One more, to say what was left out. */
        LINES_MAX = LOG_USERS_LINES_MAX + LOG_DAEMON_LINES_MAX + 1,
        STACK_BYTES = 192 * 1024, /* what libsystemd and syslog(3) use */
        NS_PER_MS = 1000000,
};

/* Whose the line is that says what was left out. */
#define OWNER_NONE INT64_C(-3)

typedef struct LogQueue {
        pthread_mutex_t lock;
        pthread_cond_t work;    /* for the thread */
        pthread_cond_t written; /* the last line is */
        LogShares shares;
        size_t head;
        atomic_size_t count; /* the one that is being written included */
        atomic_uint_least64_t left_out;
        bool says_left_out; /* a line that does is among them */
        bool runs;          /* there is the thread */
        bool ends;          /* it is to end */
        pthread_t thread;
} LogQueue;

static LogQueue queue = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .work = PTHREAD_COND_INITIALIZER,
        .written = PTHREAD_COND_INITIALIZER,
        .shares = LOG_SHARES_INIT,
};
static LogLine lines[LINES_MAX]; /* the queue's */

static uint64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct timespec in_ms(long ms)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += ms % 1000 * NS_PER_MS;
        until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        return until;
}

/* ---- Under the lock ------------------------------------------------------------------------ */

/* The shares see to it that there is a place. */
static void add(const LogLine *line, int64_t charged)
{
        LogLine *place = &lines[(queue.head + queue.count) % LINES_MAX];

        *place = *line;
        place->owner = charged;
        queue.count++;
        pthread_cond_signal(&queue.work);
}

static void say_left_out(uint64_t now)
{
        LogLine line = {.level = LOG_WARNING};

        if (queue.says_left_out ||
            !log_shares_say(&queue.shares, now, line.text, sizeof(line.text)))
                return;
        queue.says_left_out = true;
        add(&line, OWNER_NONE);
}

/* Without the lock while the line is written, which stays in its place. */
static void write_first(void)
{
        const LogLine *line = &lines[queue.head];

        pthread_mutex_unlock(&queue.lock);
        log_output_write(line);
        pthread_mutex_lock(&queue.lock);
        if (line->owner == OWNER_NONE)
                queue.says_left_out = false;
        else
                log_shares_written(&queue.shares, line->owner);
        queue.head = (queue.head + 1) % LINES_MAX;
        queue.count--;
        if (queue.count == 0)
                pthread_cond_broadcast(&queue.written);
}

static void write_without_thread(void)
{
        while (!queue.runs && queue.count > 0)
                write_first();
}

/* ---- The thread ---------------------------------------------------------------------------- */

static void wait_for_line(void)
{
        const struct timespec second = in_ms(1000);

        if (!log_shares_left_out(&queue.shares))
                pthread_cond_wait(&queue.work, &queue.lock);
        else if (pthread_cond_clockwait(&queue.work, &queue.lock, CLOCK_MONOTONIC, &second) ==
                 ETIMEDOUT)
                say_left_out(now_ns());
}

static void *run(void *data)
{
        (void)data;
        pthread_setname_np(pthread_self(), "log");
        pthread_mutex_lock(&queue.lock);
        while (queue.count > 0 || !queue.ends) {
                if (queue.count > 0)
                        write_first();
                else
                        wait_for_line();
        }
        pthread_mutex_unlock(&queue.lock);
        return NULL;
}

/* The thread goes on while this waits. */
static void on_abort(int signal_number)
{
        const struct timespec moment = {.tv_nsec = NS_PER_MS};

        for (int i = 0; i < LOG_FLUSH_MS && queue.count > 0; i++)
                nanosleep(&moment, NULL);
        raise(signal_number); /* which ends it now */
}

int log_queue_start(void)
{
        const struct sigaction abortion = {.sa_handler = on_abort,
                                           .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
        pthread_attr_t attributes;
        sigset_t all, before;
        int r = pthread_attr_init(&attributes);

        if (r != 0)
                return -r;
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&queue.thread, &attributes, run, NULL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attributes);
        if (r != 0)
                return -r;
        queue.runs = true;
        sigaction(SIGABRT, &abortion, NULL);
        return 0;
}

/* ---- Everybody ----------------------------------------------------------------------------- */

void log_queue_put(const LogLine *line)
{
        uint64_t now = now_ns();
        int64_t charged;

        pthread_mutex_lock(&queue.lock);
        if (log_shares_take(&queue.shares, line->owner, now, &charged)) {
                say_left_out(now);
                add(line, charged);
        } else {
                queue.left_out++;
        }
        write_without_thread();
        pthread_mutex_unlock(&queue.lock);
}

uint64_t log_queue_left_out(void)
{
        return queue.left_out;
}

/* Under the lock. */
static bool flush(void)
{
        const struct timespec until = in_ms(LOG_FLUSH_MS);

        while (queue.count > 0 && pthread_cond_clockwait(&queue.written, &queue.lock,
                                                         CLOCK_MONOTONIC, &until) != ETIMEDOUT) {
        }
        return queue.count == 0;
}

bool log_queue_flush(void)
{
        bool flushed;

        pthread_mutex_lock(&queue.lock);
        flushed = flush();
        pthread_mutex_unlock(&queue.lock);
        return flushed;
}

void log_queue_stop(void)
{
        bool flushed;

        pthread_mutex_lock(&queue.lock);
        /* There is no time left in which more would be left out. */
        say_left_out(UINT64_MAX);
        write_without_thread();
        flushed = flush();
        queue.ends = true;
        pthread_cond_signal(&queue.work);
        pthread_mutex_unlock(&queue.lock);
        if (!queue.runs || !flushed)
                return;
        pthread_join(queue.thread, NULL);
        queue.runs = queue.ends = false;
}
