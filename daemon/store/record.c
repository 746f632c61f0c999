/* Records of what the daemon owns. See record.h. */
#include "daemon/store/record.h"

#include "core/error.h"
#include "core/sealed_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

int record_seal(const Record *record)
{
        uint8_t bytes[RECORD_BYTES_MAX];
        size_t size = state__record__get_packed_size(&record->message);

        if (size > sizeof(bytes))
                return error_set(EMSGSIZE, "a record of %zu bytes is too long", size);
        state__record__pack(&record->message, bytes);
        return sealed_bytes_new("a record", bytes, size);
}

int record_check_sealed(int borrow_fd, size_t size_max, size_t *size)
{
        int seals = fcntl(borrow_fd, F_GET_SEALS);
        struct stat file;

        if (seals < 0 || (seals & SEALS) != SEALS || fstat(borrow_fd, &file) < 0)
                return error_set(EINVAL, "its record is no sealed memfd");
        if (file.st_size <= 0 || (uint64_t)file.st_size > size_max)
                return error_set(EINVAL, "its record is %lld bytes long", (long long)file.st_size);
        *size = (size_t)file.st_size;
        return 0;
}

int record_read(int borrow_fd, State__Record **out)
{
        uint8_t bytes[RECORD_BYTES_MAX];
        State__Record *record;
        size_t size;
        int r = record_check_sealed(borrow_fd, sizeof(bytes), &size);

        if (r < 0)
                return r;
        if (pread(borrow_fd, bytes, size, 0) != (ssize_t)size)
                return error_set(EIO, "its record cannot be read");
        record = state__record__unpack(NULL, size, bytes);
        if (!record)
                return error_set(EPROTO, "its record cannot be decoded");
        if (record->version != RECORD_VERSION) {
                r = error_set(EPROTO, "its record has version %u, and %d is understood",
                              record->version, RECORD_VERSION);
                record_free(record);
                return r;
        }
        *out = record;
        return 0;
}

State__Record *record_free(State__Record *record)
{
        if (record)
                state__record__free_unpacked(record, NULL);
        return NULL;
}
