/* What happens, in lines. See happening_text.h. */
#include "ctl/happening_text.h"

#include "ctl/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
        TIME_MAX = 48,
        WHO_MAX = 256,
        SENTENCE_MAX = 768,
        KIND_WIDTH = 8,
};

#define NS_PER_SECOND UINT64_C(1000000000)

/* By their numbers. */
static const char *const kinds[] = {
        NULL, "session", "refusal", "failure", "listener", "worker", "delivery", "outage", "policy",
};

/* A word for programs, and what is said of who it is about. */
static const struct {
        Iod__What what;
        const char *word;
        const char *sentence;
} whats[] = {
        {IOD__WHAT__SESSION_BEGAN, "began", "begins"},
        {IOD__WHAT__SESSION_ENDED, "ended", "ends"},
        {IOD__WHAT__REQUEST_REFUSED, "refused", "is refused"},
        {IOD__WHAT__CONNECTION_TURNED_AWAY, "turned-away", "is turned away"},
        {IOD__WHAT__SESSION_FAILED, "failed", "is ended by the daemon"},
        {IOD__WHAT__ACCEPTING_PAUSED, "paused", "accepts no sessions for a moment"},
        {IOD__WHAT__LISTENER_RESTED, "rested", "accepts nothing for a moment"},
        {IOD__WHAT__LISTENER_OPENED, "opened", "is open"},
        {IOD__WHAT__LISTENER_CLOSED, "closed", "is closed"},
        {IOD__WHAT__LISTENER_PAUSED, "paused", "is paused"},
        {IOD__WHAT__LISTENER_RESUMED, "resumed", "is resumed"},
        {IOD__WHAT__LISTENER_LOST, "lost", "is not served, and tried again"},
        {IOD__WHAT__WORKER_JOINED, "joined", "serves"},
        {IOD__WHAT__WORKER_LEFT, "left", "serves no longer"},
        {IOD__WHAT__WORKER_DRAINED, "drained", "is given no more connections"},
        {IOD__WHAT__WORKER_RESUMED, "resumed", "is given connections again"},
        {IOD__WHAT__WORKER_SILENT, "silent", "does not take its connections of"},
        {IOD__WHAT__WORKER_HEARD, "heard", "takes its connections again of"},
        {IOD__WHAT__BECAME_DIRECT, "direct", "is direct"},
        {IOD__WHAT__BECAME_RELAYED, "relayed", "is relayed"},
        {IOD__WHAT__DAEMON_STOPPED, "stopped", "stops"},
        {IOD__WHAT__DAEMON_HANDED_OVER, "handed-over", "hands over"},
        {IOD__WHAT__CLIENT_RETURNED, "returned", "is back"},
        {IOD__WHAT__POLICY_RELOADED, "reloaded", "has reloaded"},
        {IOD__WHAT__POLICY_NOT_RELOADED, "not-reloaded", "has not reloaded"},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), WHATS = sizeof(whats) / sizeof(whats[0]) };

Iod__Kind happening_text_kind(const char *word)
{
        for (size_t i = 1; i < KINDS; i++) {
                if (strcmp(kinds[i], word) == 0)
                        return (Iod__Kind)i;
        }
        return IOD__KIND__KIND_UNKNOWN;
}

static const char *kind_word(Iod__What what)
{
        const unsigned kind = (unsigned)what / 16;

        return kind > 0 && kind < KINDS ? kinds[kind] : "other";
}

/* Its row; WHATS: this kyronctl does not know it. */
static size_t find_what(Iod__What what)
{
        size_t i = 0;

        while (i < WHATS && whats[i].what != what)
                i++;
        return i;
}

/* ---- Times ----------------------------------------------------------------------------------- */

static uint64_t now(void)
{
        struct timespec time;

        clock_gettime(CLOCK_REALTIME, &time);
        return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

/* For people, of here; to a millisecond. */
static const char *local_time(uint64_t nanoseconds, char buffer[static TIME_MAX])
{
        const time_t seconds = (time_t)(nanoseconds / NS_PER_SECOND);
        const unsigned ms = (unsigned)(nanoseconds % NS_PER_SECOND / 1000000);
        struct tm time;
        size_t n;

        if (!localtime_r(&seconds, &time))
                return "-";
        n = strftime(buffer, TIME_MAX, "%Y-%m-%d %H:%M:%S", &time);
        snprintf(buffer + n, TIME_MAX - n, ".%03u", ms);
        return buffer;
}

/* For programs; to a microsecond. */
static void add_time(json_t **object, uint64_t nanoseconds)
{
        const time_t seconds = (time_t)(nanoseconds / NS_PER_SECOND);
        const unsigned us = (unsigned)(nanoseconds % NS_PER_SECOND / 1000);
        char text[TIME_MAX];
        struct tm time;
        size_t n;

        if (!gmtime_r(&seconds, &time)) {
                output_add(object, "time", json_null());
                return;
        }
        n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &time);
        snprintf(text + n, sizeof(text) - n, ".%06uZ", us);
        output_add_text(object, "time", text);
}

/* ---- For people ------------------------------------------------------------------------------ */

static const char *who(HappeningText *out, const Iod__Happening *happening,
                       char buffer[static WHO_MAX])
{
        const char *user = user_name_of(&out->user, happening->uid);

        if (happening->session != 0)
                snprintf(buffer, WHO_MAX, "session %" PRIu64 " (%s, pid %" PRId32 ", %s)",
                         happening->session, happening->program, happening->pid, user);
        else if (happening->listener != 0 && happening->of_daemon)
                snprintf(buffer, WHO_MAX, "listener %s", happening->name);
        else if (happening->listener != 0)
                snprintf(buffer, WHO_MAX, "listener %s (%s)", happening->name, user);
        else if (happening->of_daemon)
                snprintf(buffer, WHO_MAX, "kyron-iod");
        else
                snprintf(buffer, WHO_MAX, "user %s", user);
        output_make_printable(buffer);
        return buffer;
}

/* As much as there is room for. */
static void add(char buffer[static SENTENCE_MAX], const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void add(char buffer[static SENTENCE_MAX], const char *format, ...)
{
        const size_t n = strlen(buffer);
        va_list args;

        va_start(args, format);
        vsnprintf(buffer + n, SENTENCE_MAX - n, format, args);
        va_end(args);
}

/* "connect tcp:192.0.2.1:80 ", "add_io_source for 3 sources ". */
static void add_request(const Iod__Happening *happening, char buffer[static SENTENCE_MAX])
{
        add(buffer, "%s ", *happening->request ? happening->request : "a request");
        if (*happening->name)
                add(buffer, "%s ", happening->name);
        if (*happening->address)
                add(buffer, "%s ", happening->address);
        if (happening->count > 0)
                add(buffer, "for %" PRIu32 " %s ", happening->count,
                    happening->count == 1 ? "source" : "sources");
}

static const char *sentence(const Iod__Happening *happening, char buffer[static SENTENCE_MAX])
{
        const bool is_request = happening->what == IOD__WHAT__REQUEST_REFUSED;
        const size_t i = find_what(happening->what);

        *buffer = '\0';
        if (is_request)
                add_request(happening, buffer);
        add(buffer, "%s", i < WHATS ? whats[i].sentence : "has something happen");
        if (!is_request && happening->session != 0 && happening->listener != 0)
                add(buffer, " listener %s", happening->name);
        if (!is_request && *happening->address)
                add(buffer, " at %s", happening->address);
        if (*happening->text)
                add(buffer, ": %s", happening->text);
        output_make_printable(buffer);
        return buffer;
}

static void print(uint64_t time, const char *kind, const char *whose, const char *what)
{
        char when[TIME_MAX];

        printf("%s  %-*s  %s %s\n", local_time(time, when), KIND_WIDTH, kind, whose, what);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static void add_text_if_any(json_t **object, const char *key, const char *text)
{
        if (*text)
                output_add_text(object, key, text);
}

static json_t *object_of(uint64_t time, const char *kind, const char *event)
{
        json_t *object = json_object();

        add_time(&object, time);
        output_add_text(&object, "kind", kind);
        output_add_text(&object, "event", event);
        return object;
}

static ExitCode write_object(HappeningText *out, const Iod__Happening *happening)
{
        const size_t i = find_what(happening->what);
        json_t *object = object_of(happening->time, kind_word(happening->what),
                                   i < WHATS ? whats[i].word : "other");

        if (happening->session != 0) {
                output_add_number(&object, "session", happening->session);
                output_add(&object, "pid", json_integer(happening->pid));
                output_add_text(&object, "program", happening->program);
        }
        if (!happening->of_daemon) {
                output_add_number(&object, "uid", happening->uid);
                output_add_text(&object, "user", user_name_of(&out->user, happening->uid));
        }
        if (happening->listener != 0)
                output_add_number(&object, "listener", happening->listener);
        add_text_if_any(&object, "request", happening->request);
        add_text_if_any(&object, "name", happening->name);
        add_text_if_any(&object, "address", happening->address);
        if (happening->count > 0)
                output_add_number(&object,
                                  happening->what == IOD__WHAT__REQUEST_REFUSED ? "sources"
                                                                                : "connections",
                                  happening->count);
        if (happening->error != 0)
                output_add(&object, "errno", json_integer(happening->error));
        add_text_if_any(&object, "text", happening->text);
        return output_json_line(object);
}

/* ---- Either ---------------------------------------------------------------------------------- */

ExitCode happening_text_write(HappeningText *out, const Iod__Happening *happening)
{
        char whose[WHO_MAX], what[SENTENCE_MAX];

        if (out->json)
                return write_object(out, happening);
        print(happening->time, kind_word(happening->what), who(out, happening, whose),
              sentence(happening, what));
        return EXIT_CODE_OK;
}

ExitCode happening_text_write_lost(HappeningText *out, uint64_t lost)
{
        char count[WHO_MAX];

        if (out->json) {
                json_t *object = object_of(now(), "lost", "lost");

                output_add_number(&object, "count", lost);
                return output_json_line(object);
        }
        snprintf(count, sizeof(count), "%" PRIu64, lost);
        print(now(), "lost", count, "more happened, and could not be kept until this was read");
        return EXIT_CODE_OK;
}

ExitCode happening_text_write_wait(HappeningText *out, const char *word,
                                   const HappeningTextWait *wait)
{
        const char *user = user_name_of(&out->user, wait->uid);
        char whose[WHO_MAX];

        if (out->json) {
                json_t *object = object_of(now(), "wait", word);

                output_add(&object, "pid", json_integer(wait->pid));
                output_add_text(&object, "program", wait->program);
                output_add_number(&object, "uid", wait->uid);
                output_add_text(&object, "user", user);
                output_add_text(&object, "text", wait->text);
                output_add(&object, "diagnosis", json_incref(wait->lent_diagnosis));
                return output_json_line(object);
        }
        snprintf(whose, sizeof(whose), "%s %d (%s)", wait->program, (int)wait->pid, user);
        print(now(), "wait", whose, wait->text);
        return EXIT_CODE_OK;
}

ExitCode happening_text_write_outage(HappeningText *out, const char *word, const char *text)
{
        if (out->json) {
                json_t *object = object_of(now(), "outage", word);

                output_add_text(&object, "text", text);
                return output_json_line(object);
        }
        print(now(), "outage", "kyron-iod", text);
        return EXIT_CODE_OK;
}
