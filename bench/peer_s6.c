/*
 * Holding and taking with s6-fdholderd, at $S6_SOCKET, by its library. See holds.h. At its best:
 * one connection for all, and what is asked for together is sent before the first answer is
 * awaited.
 */
#include "bench/holds.h"
#include "bench/program.h"

#include <s6/fdholder.h>
#include <skalibs/tai.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 60 };

static s6_fdholder_t holder = S6_FDHOLDER_ZERO;
static int *outs[HOLDS_MAX]; /* in the order of the questions; NULL: to hold */
static unsigned asked;
static tain never, deadline;

static void hold(unsigned place, int borrow_fd, const char *name)
{
        (void)place;
        if (!s6_fdholder_store_async(&holder, borrow_fd, name, &never))
                program_fail("cannot ask to hold");
        outs[asked++] = NULL;
}

static void take(unsigned place, const char *name, int *out)
{
        (void)place;
        if (!s6_fdholder_retrieve_maybe_delete_async(&holder, name, 1))
                program_fail("cannot ask to take");
        outs[asked++] = out;
}

static void settle(void)
{
        unixmessage answer;

        if (!unixmessage_sender_timed_flush_g(&holder.connection.out, &deadline))
                program_check(-1, "send");
        for (unsigned i = 0; i < asked; i++) {
                if (unixmessage_timed_receive_g(&holder.connection.in, &answer, &deadline) <= 0)
                        program_check(-1, "receive");
                if (answer.len != 1 || answer.s[0] != 0 || answer.nfds != (outs[i] ? 1 : 0))
                        program_fail("refused: %s",
                                     answer.len > 0 ? strerror((unsigned char)answer.s[0]) : "");
                if (outs[i])
                        *outs[i] = answer.fds[0];
        }
        asked = 0;
}

int main(int argc, char **argv)
{
        static const HoldsMethod method = {.hold = hold, .take = take, .settle = settle};
        const char *path = getenv("S6_SOCKET");

        program_begin("peer_s6");
        tain_now_set_stopwatch_g();
        tain_addsec_g(&deadline, PATIENCE_S);
        tain_addsec_g(&never, 3600);
        if (!path || !s6_fdholder_start_g(&holder, path, &deadline))
                program_fail("nobody serves S6_SOCKET");
        holds_run(&method, argc, argv);
        s6_fdholder_end(&holder);
        return 0;
}
