/*
 * A server in this process is stopped again and again. A call that takes its time, as any may on a
 * busy machine, it leaves to its thread, and both to the end of the process; that does not come
 * here, so this waits for it. For a program that is linked with --wrap=blocking_pool_close.
 */
#include "daemon/blocking/blocking_pool.h"
#include "tests/fuzz/input.h"
#include "tests/support/deadline.h"

BlockingPool *__real_blocking_pool_close(BlockingPool *pool);
BlockingPool *__wrap_blocking_pool_close(BlockingPool *pool);

BlockingPool *__wrap_blocking_pool_close(BlockingPool *pool)
{
        FUZZ_REQUIRE(WAIT_UNTIL(!(pool = __real_blocking_pool_close(pool)), DEADLINE_MS));
        return NULL;
}
