/*
 * Configurations of any text: understood or refused with a sentence that fits where it is told; and
 * one that was understood differs in nothing from itself.
 */
#include "daemon/config/config.h"

#include "core/error.h"
#include "daemon/process/log.h"
#include "tests/fuzz/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void must_not_differ(void *data, const char *sentence)
{
        (void)data;
        (void)sentence;
        FUZZ_REQUIRE(false);
}

static Config *load(const char *path)
{
        Config *config;

        if (config_load(&config, path, true, false) == 0)
                return config;
        FUZZ_REQUIRE(strlen(error_text()) > 0);
        return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        int fd = memfd_create("configuration", MFD_CLOEXEC);
        Config *config, *same;
        char path[64];

        log_open(LOG_EMERG);
        FUZZ_REQUIRE(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, bytes, size) == (ssize_t)size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        config = load(path);
        if (config) {
                same = load(path);
                FUZZ_REQUIRE(same);
                config_compare(config, same, must_not_differ, NULL);
                config_free(same);
                config_free(config);
        }
        close(fd);
        return 0;
}
