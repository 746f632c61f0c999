/*
 * A malloc that fails when it is told to: for LD_PRELOAD. See failing_malloc.h. Whatever allocates
 * in the program comes here, its libraries too.
 */
#include "tests/support/failing_malloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static FailingMalloc *told;

__attribute__((constructor)) static void listen_to_test(void)
{
        const char *path = getenv("FAILING_MALLOC");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *shared;

        if (fd < 0)
                return;
        shared = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (shared != MAP_FAILED)
                told = shared;
}

/* libconfuse ends the process for want of memory: who uses it asks before whether there is enough.
 */
static bool is_spared(const void *caller)
{
        Dl_info info;

        return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libconfuse");
}

static bool fails(const void *caller)
{
        unsigned long first, n;

        if (!told || is_spared(caller))
                return false;
        n = atomic_fetch_add(&told->calls, 1) + 1;
        first = atomic_load(&told->first);
        if (first == 0 || n < first || n > atomic_load(&told->last) ||
            (n - first) % atomic_load(&told->step) != 0)
                return false;
        atomic_fetch_add(&told->failed, 1);
        errno = ENOMEM;
        return true;
}

EXPORTED void *malloc(size_t size)
{
        return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

EXPORTED void *calloc(size_t number, size_t size)
{
        return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(number, size);
}

EXPORTED void *realloc(void *pointer, size_t size)
{
        return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(pointer, size);
}

/* For its caller's sake. */
EXPORTED char *strdup(const char *text)
{
        size_t size = strlen(text) + 1;
        char *copy = fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);

        return copy ? memcpy(copy, text, size) : NULL;
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
        return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

EXPORTED int posix_memalign(void **out, size_t alignment, size_t size)
{
        void *pointer =
                fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);

        if (!pointer)
                return ENOMEM;
        *out = pointer;
        return 0;
}
