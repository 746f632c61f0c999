/* Built against the installed tree by pkg-config alone: waits once for a timer by the daemon. */
#include <kyron.h>

#include <stdio.h>

static void expired(KyronOperation *operation)
{
        *(int *)operation->user = 1;
}

int main(void)
{
        KyronIoDriverHandle *handle;
        KyronOperation operation;
        KyronTimer *timer;
        int done = 0, r;

        kyron_operation_init(&operation, expired, &done);
        r = kyron_io_driver_handle_open(&handle, NULL);
        if (r < 0) {
                fprintf(stderr, "open: %s\n", kyron_error_text());
                return 1;
        }
        r = kyron_timer_new(&timer, handle);
        if (r == 0)
                r = kyron_timer_after(timer, 1000000);
        if (r == 0)
                r = kyron_timer_wait(timer, &operation);
        while (r >= 0 && !done)
                r = kyron_io_driver_handle_process_io(handle, 5000);
        if (r < 0 || operation.result != 1) {
                fprintf(stderr, "wait: %s\n", kyron_error_text());
                return 1;
        }
        kyron_timer_close(timer);
        kyron_io_driver_handle_close(handle);
        puts(kyron_version());
        return 0;
}
