/* What goes to systemd's store. See storing.h. */
#include "daemon/storing.h"

#include "core/error.h"
#include "daemon/log.h"
#include "daemon/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names --------------------------------------------------------------------------------- */

static const char *const kinds[STORED_KIND_COUNT] = {
        [STORED_LISTENER] = "listener",
        [STORED_HOLD] = "hold",
};

static const char note_ending[] = "-note";

static void write_name(StoredName name, char out[static SERVICE_MANAGER_NAME_MAX])
{
        snprintf(out, SERVICE_MANAGER_NAME_MAX, SERVICE_MANAGER_STORED "%s-%llu%s",
                 kinds[name.kind], (unsigned long long)name.number,
                 name.is_note ? note_ending : "");
}

static bool read_number(const char *text, StoredName *out)
{
        char *end;

        if (*text < '1' || *text > '9')
                return false;
        errno = 0;
        out->number = strtoull(text, &end, 10);
        out->is_note = strcmp(end, note_ending) == 0;
        return errno == 0 && (out->is_note || *end == '\0');
}

bool storing_read_name(const char *text, StoredName *out)
{
        const size_t prefix = strlen(SERVICE_MANAGER_STORED);

        if (strncmp(text, SERVICE_MANAGER_STORED, prefix) != 0)
                return false;
        text += prefix;
        for (int i = 0; i < STORED_KIND_COUNT; i++) {
                size_t length = strlen(kinds[i]);

                if (strncmp(text, kinds[i], length) != 0 || text[length] != '-')
                        continue;
                out->kind = (StoredKind)i;
                return read_number(text + length + 1, out);
        }
        return false;
}

/* ---- Adding and removing ------------------------------------------------------------------- */

/* With its record. */
static bool add(DescriptorStore *store, StoredName name, int borrow_fd, const StateRecord *record)
{
        char text[SERVICE_MANAGER_NAME_MAX];
        int sealed = state_seal(record);

        write_name(name, text);
        if (sealed < 0) {
                log_daemon(LOG_WARNING, "%s will not outlive this daemon: %s", text, error_text());
                return false;
        }
        return descriptor_store_add(store, text, &borrow_fd, 1, sealed);
}

static bool add_note(DescriptorStore *store, StoredName name, int borrow_fd)
{
        char text[SERVICE_MANAGER_NAME_MAX];

        write_name(name, text);
        return descriptor_store_add(store, text, &borrow_fd, 1, -1);
}

static void remove_name(DescriptorStore *store, StoredName name, size_t count)
{
        char text[SERVICE_MANAGER_NAME_MAX];

        write_name(name, text);
        descriptor_store_remove(store, text, count);
}

bool storing_listener(DescriptorStore *store, const Listener *listener)
{
        const StoredName name = {.kind = STORED_LISTENER, .number = listener->number};
        StateRecord record;

        if (!descriptor_store_is_there(store))
                return false;
        state_of_listener(listener, &record);
        return add(store, name, listener->fd, &record);
}

void storing_forget_listener(DescriptorStore *store, uint64_t number)
{
        remove_name(store, (StoredName){.kind = STORED_LISTENER, .number = number}, 2);
}

bool storing_hold(DescriptorStore *store, const Hold *hold)
{
        const StoredName name = {.kind = STORED_HOLD, .number = hold->number};
        const StoredName note = {.kind = STORED_HOLD, .number = hold->number, .is_note = true};
        StateRecord record;

        if (!descriptor_store_is_there(store))
                return false;
        state_of_hold(hold, &record);
        /* A note alone means nothing: what comes back without its descriptor is closed. */
        if (hold->note_fd >= 0 && !add_note(store, note, hold->note_fd))
                return false;
        if (add(store, name, hold->fd, &record))
                return true;
        if (hold->note_fd >= 0)
                remove_name(store, note, 1);
        return false;
}

void storing_forget_hold(DescriptorStore *store, uint64_t number, bool has_note)
{
        remove_name(store, (StoredName){.kind = STORED_HOLD, .number = number}, 2);
        if (has_note)
                remove_name(store,
                            (StoredName){.kind = STORED_HOLD, .number = number, .is_note = true},
                            1);
}
