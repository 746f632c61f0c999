/* What goes to systemd's store, and its names. See stored_name.h. */
#include "daemon/store/stored_name.h"

#include "core/error.h"
#include "daemon/process/log.h"
#include "daemon/process/service_manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names --------------------------------------------------------------------------------- */

static const char *const kinds[STORED_KIND_COUNT] = {
        [STORED_LISTENER] = "listener",
        [STORED_HOLD] = "hold",
        [STORED_CONNECTION] = "connection",
        [STORED_RETURNED] = "returned",
};

static const char note_ending[] = "-note";

static bool is_connection(StoredKind kind)
{
        return kind == STORED_CONNECTION || kind == STORED_RETURNED;
}

static void write_name(StoredName name, char out[static SERVICE_MANAGER_NAME_MAX])
{
        char listener[32] = "";

        if (is_connection(name.kind))
                snprintf(listener, sizeof(listener), "-%llu", (unsigned long long)name.listener);
        snprintf(out, SERVICE_MANAGER_NAME_MAX, SERVICE_MANAGER_STORED "%s-%llu%s%s",
                 kinds[name.kind], (unsigned long long)name.number, listener,
                 name.is_note ? note_ending : "");
}

/* A dash and a number; what follows them, or NULL. */
static const char *read_number(const char *text, uint64_t *out)
{
        char *end;

        if (text[0] != '-' || text[1] < '1' || text[1] > '9')
                return NULL;
        errno = 0;
        *out = strtoull(text + 1, &end, 10);
        return errno == 0 ? end : NULL;
}

static bool read_numbers(const char *text, StoredName *out)
{
        out->listener = 0;
        text = read_number(text, &out->number);
        if (text && is_connection(out->kind))
                text = read_number(text, &out->listener);
        out->is_note = text && strcmp(text, note_ending) == 0;
        return text && (out->is_note || *text == '\0');
}

bool stored_name_read(const char *text, StoredName *out)
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
                return read_numbers(text + length, out);
        }
        return false;
}

/* ---- Adding and removing ------------------------------------------------------------------- */

static bool add(DescriptorStore *store, StoredName name, int borrow_fd, int take_record)
{
        char text[SERVICE_MANAGER_NAME_MAX];

        write_name(name, text);
        return descriptor_store_add(store, text, &borrow_fd, 1, take_record);
}

static bool add_with_record(DescriptorStore *store, StoredName name, int borrow_fd,
                            const Record *record)
{
        int sealed = record_seal(record);

        if (sealed < 0) {
                char text[SERVICE_MANAGER_NAME_MAX];

                write_name(name, text);
                log_daemon(LOG_WARNING, "%s will not outlive this daemon: %s", text, error_text());
                return false;
        }
        return add(store, name, borrow_fd, sealed);
}

static void remove_name(DescriptorStore *store, StoredName name, size_t count)
{
        char text[SERVICE_MANAGER_NAME_MAX];

        write_name(name, text);
        descriptor_store_remove(store, text, count);
}

bool stored_name_add(DescriptorStore *store, StoredName name, int borrow_fd, int borrow_note_fd,
                     const Record *record)
{
        StoredName note = name;
        bool added;

        note.is_note = true;
        /* A note alone means nothing: what comes back without its descriptor is closed. */
        if (borrow_note_fd >= 0 && !add(store, note, borrow_note_fd, -1))
                return false;
        added = record ? add_with_record(store, name, borrow_fd, record)
                       : add(store, name, borrow_fd, -1);
        if (!added && borrow_note_fd >= 0)
                remove_name(store, note, 1);
        return added;
}

size_t stored_name_count(StoredKind kind)
{
        return is_connection(kind) ? 1 : 2;
}

void stored_name_forget(DescriptorStore *store, StoredName name, bool has_note)
{
        name.is_note = false;
        remove_name(store, name, stored_name_count(name.kind));
        name.is_note = true;
        if (has_note)
                remove_name(store, name, 1);
}
