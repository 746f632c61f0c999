/* Reading the configuration again. See reload.h. */
#include "daemon/restart/reload.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "daemon/config/accounts.h"
#include "daemon/daemon.h"
#include "daemon/process/log.h"
#include "daemon/restart/reload_apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef TAILQ_HEAD(AskerList, ReloadAsker) AskerList;

/* The configuration being read. */
typedef struct Reading {
        BlockingTask task;
        Reloader *reloader; /* NULL: nobody wants it, not even to know that it has come back */
        TAILQ_ENTRY(Reading) link;
        /* What is to be read, and under which options. */
        char path[OPTIONS_PATH_MAX];
        bool must_exist;
        bool is_private;
        char admin_group[CONFIG_GROUP_NAME_MAX + 1]; /* "": the configuration's */
        /* What was read. */
        int result;
        char why[ERROR_TEXT_MAX];
        Config *config;
        int group_found;
        gid_t group;
        ReloadApply *apply; /* it is about to be put in force */
} Reading;

struct Reloader {
        Daemon *daemon;
        Reading *current; /* NULL: idle */
        uint64_t since_ms;
        AskerList askers;
        bool again;     /* another one begins after it */
        AskerList next; /* who waits for that */
        TAILQ_HEAD(, Reading) given_up;
        size_t n_given_up;
};

/* ---- Putting it in force ------------------------------------------------------------------- */

typedef struct Told {
        Daemon *daemon;
        ReloadChanges changes;
} Told;

static void tell_and_log(void *data, const char *sentence)
{
        Told *told = data;
        ReloadChanges *changes = &told->changes;

        log_daemon(LOG_NOTICE, "reloaded: %s", sentence);
        teller_tell_of_daemon(&told->daemon->teller, IOD__WHAT__POLICY_RELOADED, 0, sentence);
        if (changes->count == RELOAD_CHANGES_MAX)
                changes->more++;
        else
                snprintf(changes->texts[changes->count++], RELOAD_CHANGE_TEXT_MAX, "%s", sentence);
}

/* ---- Reading it ---------------------------------------------------------------------------- */

/* On a thread. */
static void read_configuration(BlockingTask *task)
{
        Reading *reading = (Reading *)task;
        const char *group = reading->admin_group;

        reading->result = config_load(&reading->config, reading->path, reading->must_exist,
                                      reading->is_private);
        if (reading->result < 0) {
                snprintf(reading->why, sizeof(reading->why), "%s", error_text());
                return;
        }
        if (!*group)
                group = reading->config->admin_group;
        if (!reading->is_private)
                reading->group_found = accounts_find_group(group, &reading->group);
}

static Reading *reading_free(Reading *reading)
{
        config_free(reading->config);
        free(reading);
        return NULL;
}

static void answer_all(AskerList *askers, int r, const ReloadChanges *changes)
{
        char why[ERROR_TEXT_MAX];
        ReloadAsker *asker;

        snprintf(why, sizeof(why), "%s", r < 0 ? error_text() : "");
        while ((asker = TAILQ_FIRST(askers))) {
                TAILQ_REMOVE(askers, asker, link);
                if (r < 0)
                        error_set(-r, "%s", why);
                asker->done(asker, r, changes);
        }
}

static int begin(Reloader *reloader);

/* For those who came meanwhile. */
static void begin_next(Reloader *reloader)
{
        int r;

        if (!reloader->again)
                return;
        r = begin(reloader);
        if (r < 0)
                answer_all(&reloader->askers, r, NULL);
}

const char *reload_fit_text(const char *text)
{
        const char *end = strstr(text, ": "), *slash;

        if (strlen(text) <= ERROR_WIRE_MAX || !end)
                return text;
        slash = memrchr(text, '/', (size_t)(end - text));
        return slash ? slash + 1 : text;
}

/* The end of the present one. */
static void end(Reloader *reloader, int r, const ReloadChanges *changes)
{
        reading_free(STEAL_PTR(reloader->current));
        if (r < 0) {
                log_daemon(LOG_ERR, "not reloaded: %s", error_text());
                teller_tell_of_daemon(&reloader->daemon->teller, IOD__WHAT__POLICY_NOT_RELOADED, -r,
                                      reload_fit_text(error_text()));
        } else if (changes->count == 0) {
                teller_tell_of_daemon(&reloader->daemon->teller, IOD__WHAT__POLICY_RELOADED, 0,
                                      "nothing has changed");
        }
        answer_all(&reloader->askers, r, changes);
        begin_next(reloader);
}

/* What is new in it is open, or cannot be opened. */
static void on_opened(void *data)
{
        Reloader *reloader = data;
        Reading *reading = reloader->current;
        Told told = {.daemon = reloader->daemon};
        int r = reload_apply_end(STEAL_PTR(reading->apply), reading->config, tell_and_log, &told);

        if (r == 0) {
                const Daemon *daemon = reloader->daemon;

                reading->config = NULL;
                admin_group_set(&reloader->daemon->admin_group, daemon->options, daemon->config,
                                reading->group_found, reading->group);
        }
        end(reloader, r, &told.changes);
}

static void put_in_force(Reloader *reloader)
{
        Reading *reading = reloader->current;
        int r = reading->result;

        if (r < 0)
                error_set(-r, "%s", reading->why);
        else
                r = reload_apply_begin(&reading->apply, reloader->daemon, reading->config,
                                       on_opened, reloader);
        if (r < 0)
                end(reloader, r, NULL);
        else if (r == 0)
                on_opened(reloader);
}

static void on_read(BlockingTask *task, int error)
{
        Reading *reading = (Reading *)task;
        Reloader *reloader = reading->reloader;

        if (reloader && reloader->current == reading) {
                if (error < 0) {
                        reading->result = error;
                        strcpy(reading->why, "the daemon stops");
                }
                put_in_force(reloader);
                return;
        }
        if (reloader) {
                TAILQ_REMOVE(&reloader->given_up, reading, link);
                reloader->n_given_up--;
        }
        reading_free(reading);
}

/* 0, or -EAGAIN or -ENOMEM with error_text(). Those who wait for the next one wait for this. */
static int begin(Reloader *reloader)
{
        const Options *options = reloader->daemon->options;
        Reading *reading = calloc(1, sizeof(*reading));
        int r;

        reloader->again = false;
        TAILQ_CONCAT(&reloader->askers, &reloader->next, link);
        if (!reading)
                return error_set(ENOMEM, "there is no memory for the configuration");
        reading->task = (BlockingTask){.run = read_configuration, .done = on_read};
        reading->reloader = reloader;
        strcpy(reading->path, options->config_path);
        reading->must_exist = options->config_given;
        reading->is_private = options->user;
        if (options->given & OPTIONS_GIVEN_ADMIN_GROUP)
                snprintf(reading->admin_group, sizeof(reading->admin_group), "%s",
                         options->admin_group);
        r = blocking_pool_spawn(reloader->daemon->blocking, geteuid(), &reading->task);
        if (r < 0) {
                free(reading);
                return r;
        }
        reloader->current = reading;
        reloader->since_ms = clock_now_ms();
        return 0;
}

/* Nobody waits for the present reading any more. */
static void give_up(Reloader *reloader)
{
        TAILQ_INSERT_TAIL(&reloader->given_up, reloader->current, link);
        reloader->n_given_up++;
        reloader->current = NULL;
        log_daemon(LOG_WARNING, "reading the configuration takes long, and is begun anew");
}

/* ---- Asking -------------------------------------------------------------------------------- */

int reload_ask(Daemon *daemon, ReloadAsker *asker)
{
        Reloader *reloader = daemon->reloader;
        int r = 0;

        if (reloader->current && !reloader->current->apply &&
            clock_now_ms() - reloader->since_ms >= RELOAD_PATIENCE_MS) {
                if (reloader->n_given_up >= RELOAD_GIVEN_UP_MAX)
                        return error_set(EAGAIN, "%d reloads wait for a file or a name: try later",
                                         RELOAD_GIVEN_UP_MAX);
                give_up(reloader);
        }
        if (reloader->current)
                reloader->again = true;
        else
                r = begin(reloader);
        if (r < 0) {
                answer_all(&reloader->askers, r, NULL);
                return r;
        }
        if (asker && reloader->again)
                TAILQ_INSERT_TAIL(&reloader->next, asker, link);
        else if (asker)
                TAILQ_INSERT_TAIL(&reloader->askers, asker, link);
        return 0;
}

static void remove_from(AskerList *askers, ReloadAsker *asker)
{
        ReloadAsker *other;

        TAILQ_FOREACH(other, askers, link)
        {
                if (other == asker) {
                        TAILQ_REMOVE(askers, asker, link);
                        return;
                }
        }
}

void reload_forget(Daemon *daemon, ReloadAsker *asker)
{
        remove_from(&daemon->reloader->askers, asker);
        remove_from(&daemon->reloader->next, asker);
}

int reload_open(Daemon *daemon)
{
        Reloader *reloader = calloc(1, sizeof(*reloader));

        if (!reloader)
                return error_set(ENOMEM, "no memory to reload with");
        reloader->daemon = daemon;
        TAILQ_INIT(&reloader->askers);
        TAILQ_INIT(&reloader->next);
        TAILQ_INIT(&reloader->given_up);
        daemon->reloader = reloader;
        return 0;
}

void reload_close(Daemon *daemon)
{
        Reloader *reloader = STEAL_PTR(daemon->reloader);
        Reading *reading;

        if (!reloader)
                return;
        reading = reloader->current;
        if (reading && reading->apply) {
                reload_apply_undo(reading->apply);
                reading_free(reading);
        } else if (reading) {
                reading->reloader = NULL;
        }
        TAILQ_FOREACH(reading, &reloader->given_up, link)
        reading->reloader = NULL;
        free(reloader);
}
