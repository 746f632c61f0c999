/* What came from an earlier run. See owned.h. */
#include "daemon/restart/owned.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/process/log.h"
#include "daemon/process/service_manager.h"
#include "daemon/store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* The item of that name, or a new one at its place: by kind, then by number. NULL: no memory. */
static OwnedItem *find_or_add(OwnedList *list, const StoredName *name)
{
        OwnedItem *before = TAILQ_LAST(list, OwnedList), *item;

        while (before && (before->name.kind > name->kind ||
                          (before->name.kind == name->kind && before->name.number > name->number)))
                before = TAILQ_PREV(before, OwnedList, link);
        if (before && before->name.kind == name->kind && before->name.number == name->number)
                return before;
        item = calloc(1, sizeof(*item));
        if (!item)
                return NULL;
        item->name = *name;
        item->name.is_note = false;
        item->fd = item->record_fd = item->note_fd = -1;
        item->stored = true;
        if (before)
                TAILQ_INSERT_AFTER(list, before, item, link);
        else
                TAILQ_INSERT_HEAD(list, item, link);
        return item;
}

/* Where in the item it belongs. A record is a file in memory, and nothing else that is stored under
 * its name is. */
static int *place_of(OwnedItem *item, const StoredName *name, int borrow_fd)
{
        if (name->is_note)
                return &item->note_fd;
        return fcntl(borrow_fd, F_GET_SEALS) >= 0 ? &item->record_fd : &item->fd;
}

static void collect(OwnedList *list, const char *text, int take_fd)
{
        CLEANUP(cleanup_close) int fd = take_fd;
        StoredName name;
        OwnedItem *item;
        int *place;

        if (!stored_name_read(text, &name)) {
                log_daemon(LOG_WARNING, "what systemd kept as %s is nothing known: closed", text);
                return;
        }
        item = find_or_add(list, &name);
        place = item ? place_of(item, &name, fd) : NULL;
        if (place && *place < 0)
                *place = STEAL_FD(fd);
        else
                log_daemon(LOG_WARNING, "what systemd kept as %s came once too often: closed",
                           text);
}

/* ---- Giving up ------------------------------------------------------------------------------ */

/* Where it is closed: who left it says how long that takes (SO_LINGER). There from the first that
 * is to be closed to owned_close_end(). */
static struct {
        Closer *closer;
        CloserLane *lane; /* NULL: there was none */
} apart;

void owned_close(Daemon *daemon, int take_fd)
{
        if (take_fd < 0)
                return;
        if (!apart.lane && closer_lane_open(&daemon->closer, &apart.lane) == 0)
                apart.closer = &daemon->closer;
        if (apart.lane && closer_reserve(apart.closer, apart.lane, 1) == 0)
                closer_push_own(apart.closer, apart.lane, take_fd);
        else
                close(take_fd);
}

void owned_close_end(void)
{
        if (!apart.lane)
                return;
        closer_push_own(apart.closer, apart.lane, -1);
        closer_lane_leave(apart.closer, STEAL_PTR(apart.lane));
}

void owned_free(OwnedItem *item)
{
        cleanup_close(&item->fd);
        cleanup_close(&item->record_fd);
        cleanup_close(&item->note_fd);
        record_free(item->record);
        free(item);
}

void owned_give_up(Daemon *daemon, OwnedList *list, OwnedItem *item, const char *why)
{
        static const char *const kinds[STORED_KIND_COUNT] = {"listener", "hold", "connection",
                                                             "connection"};

        log_daemon(LOG_WARNING, "%s %llu is not taken back: %s", kinds[item->name.kind],
                   (unsigned long long)item->name.number, why);
        TAILQ_REMOVE(list, item, link);
        if (item->stored)
                stored_name_forget(&daemon->store, item->name, item->note_fd >= 0);
        owned_close(daemon, STEAL_FD(item->fd));
        owned_close(daemon, STEAL_FD(item->note_fd));
        owned_free(item);
}

/* 0, or -errno with error_text(). */
static int read_record(OwnedItem *item)
{
        State__Record__BodyCase wanted = item->name.kind == STORED_LISTENER
                                                 ? STATE__RECORD__BODY_LISTENER
                                                 : STATE__RECORD__BODY_HOLD;
        int r;

        if (item->fd < 0)
                return error_set(ENOENT, "its descriptor did not come");
        if (stored_name_count(item->name.kind) == 1)
                return 0; /* there is none */
        if (item->record_fd < 0)
                return error_set(ENOENT, "its record did not come");
        r = record_read(item->record_fd, &item->record);
        if (r == 0 && item->record->body_case != wanted)
                r = error_set(EPROTO, "its record is of another kind");
        return r;
}

void owned_count(Daemon *daemon, const OwnedList *list)
{
        const OwnedItem *item;

        /* So many are to be under each name, whatever came of it. */
        TAILQ_FOREACH(item, list, link)
        {
                if (item->stored)
                        descriptor_store_came_back(&daemon->store,
                                                   stored_name_count(item->name.kind) +
                                                           (item->note_fd >= 0));
        }
}

int owned_add(OwnedList *list, StoredName name, bool stored, int take_fd, int take_note_fd,
              State__Record *take_record)
{
        OwnedItem *item = find_or_add(list, &name);

        if (!item || item->record) {
                CLEANUP(cleanup_close) int fd = take_fd;
                CLEANUP(cleanup_close) int note_fd = take_note_fd;

                record_free(take_record);
                return item ? error_set(EPROTO, "the same thing is handed over twice")
                            : error_set(ENOMEM, "no memory for what is handed over");
        }
        item->stored = stored;
        item->fd = take_fd;
        item->note_fd = take_note_fd;
        item->record = take_record;
        return 0;
}

void owned_collect(Daemon *daemon, OwnedList *list)
{
        char text[SERVICE_MANAGER_NAME_MAX];
        OwnedItem *item, *next;
        int fd;

        TAILQ_INIT(list);
        while ((fd = service_manager_next_stored(text)) >= 0)
                collect(list, text, fd);
        owned_count(daemon, list);
        for (item = TAILQ_FIRST(list); item; item = next) {
                next = TAILQ_NEXT(item, link);
                if (read_record(item) < 0)
                        owned_give_up(daemon, list, item, error_text());
        }
}

void owned_end(OwnedList *list)
{
        OwnedItem *item;

        while ((item = TAILQ_FIRST(list))) {
                TAILQ_REMOVE(list, item, link);
                owned_free(item);
        }
        owned_close_end();
}
