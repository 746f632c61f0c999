/*
 * What tests of the library set up: a handle, operations that count their completions, turns until
 * something has happened, and a way to know that nothing has.
 */
#pragma once

#include "client/kyron.h"
#include "core/error.h"
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

/* Opens a handle that is relayed, however busy the test is; or ends the test. */
KyronIoDriverHandle *open_handle(const TestDaemon *daemon);

/* An operation that counts its completions and keeps what the last one was told. */
typedef struct TestCall {
        KyronOperation operation;
        int completions;
        ssize_t result;
        char text[ERROR_TEXT_MAX];
} TestCall;

void test_call_init(TestCall *call);

/* One turn, which has to go well: as process_io(). */
int process(KyronIoDriverHandle *handle, int timeout_ms);

/* Takes turns until the condition is true. */
#define PROCESS_UNTIL(handle, condition)                                                           \
        ({                                                                                         \
                Deadline process_until_end_ = deadline_in(DEADLINE_MS);                            \
                bool process_until_met_;                                                           \
                while (!(process_until_met_ = (condition)) &&                                      \
                       deadline_left(process_until_end_) > 0)                                      \
                        process(handle, 20);                                                       \
                process_until_met_;                                                                \
        })

/* Takes turns until whatever the handle was to be told before has been told: until the daemon has
 * delivered an event that began just now. */
void process_all(KyronIoDriverHandle *handle);
