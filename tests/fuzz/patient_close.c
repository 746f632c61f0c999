/*
 * A server in this process is stopped again and again. A call that takes its time, as any may on a
 * busy machine, it leaves to its thread, and both to the end of the process; that does not come
 * here, so this waits for it. For a program that is linked with --wrap for both of these functions.
 */
#include "daemon/blocking/blocking_pool.h"
#include "daemon/closing/closer.h"
#include "tests/fuzz/input.h"
#include "tests/support/deadline.h"

BlockingPool *__real_blocking_pool_close(BlockingPool *pool);
BlockingPool *__wrap_blocking_pool_close(BlockingPool *pool);
bool __real_closer_stop(Closer *closer);
bool __wrap_closer_stop(Closer *closer);

enum { PATIENCE_MS = 6 * DEADLINE_MS };

BlockingPool *__wrap_blocking_pool_close(BlockingPool *pool)
{
        FUZZ_REQUIRE(WAIT_UNTIL(!(pool = __real_blocking_pool_close(pool)), PATIENCE_MS));
        return NULL;
}

bool __wrap_closer_stop(Closer *closer)
{
        FUZZ_REQUIRE(WAIT_UNTIL(__real_closer_stop(closer), PATIENCE_MS));
        return true;
}
