/* Setting up clients. See client.h. */
#include "tests/support/client.h"

#include <string.h>
#include <unistd.h>

KyronIoDriverHandle *open_handle(const TestDaemon *daemon)
{
        const KyronOptions options = {
                .socket_path = daemon->socket_path,
                .program = "test",
                .outage_ms = -1,
                .delivery = KYRON_DELIVERY_RELAYED,
        };
        KyronIoDriverHandle *handle;
        int r = kyron_io_driver_handle_open(&handle, &options);

        ck_assert_msg(r == 0, "open: %s", kyron_error_text());
        return handle;
}

static void count_completion(KyronOperation *operation)
{
        TestCall *call = operation->user;

        call->completions++;
        call->result = operation->result;
        strcpy(call->text, kyron_error_text());
}

void test_call_init(TestCall *call)
{
        *call = (TestCall){.completions = 0};
        kyron_operation_init(&call->operation, count_completion, call);
}

int process(KyronIoDriverHandle *handle, int timeout_ms)
{
        int r = kyron_io_driver_handle_process_io(handle, timeout_ms);

        ck_assert_msg(r >= 0, "process_io: %s", kyron_error_text());
        return r;
}

void process_all(KyronIoDriverHandle *handle)
{
        KyronBridgedFd *bridged_fd;
        TestCall call;
        int ends[2];
        char byte;

        pipe_pair(ends);
        test_call_init(&call);
        ck_assert_int_eq(kyron_bridged_fd_new(&bridged_fd, handle, ends[0]), 0);
        ck_assert_int_eq(kyron_bridged_fd_read(bridged_fd, &call.operation, &byte, 1),
                         KYRON_PENDING);
        /* Sends the registration, so that the byte is an event of its own. */
        process(handle, 0);
        put_byte(ends[1]);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        kyron_bridged_fd_close(bridged_fd);
        close(ends[1]);
        /* Sends that it is closed: no trace of it is left. */
        process(handle, 0);
}
