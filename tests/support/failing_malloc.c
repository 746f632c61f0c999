/*
 * A malloc that fails when it is told to: for LD_PRELOAD. See failing_malloc.h. Whatever allocates
 * in the program comes here, its libraries too.
 */
#include "tests/support/failing_malloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
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

static bool fails(void)
{
        unsigned long first, n;

        if (!told)
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
        return fails() ? NULL : __libc_malloc(size);
}

EXPORTED void *calloc(size_t number, size_t size)
{
        return fails() ? NULL : __libc_calloc(number, size);
}

EXPORTED void *realloc(void *pointer, size_t size)
{
        return fails() ? NULL : __libc_realloc(pointer, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
        return fails() ? NULL : __libc_memalign(alignment, size);
}

EXPORTED int posix_memalign(void **out, size_t alignment, size_t size)
{
        void *pointer = fails() ? NULL : __libc_memalign(alignment, size);

        if (!pointer)
                return ENOMEM;
        *out = pointer;
        return 0;
}
