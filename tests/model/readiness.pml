/*
 * One descriptor from the client's wait to its wake, across daemons that die: a model for spin.
 *
 * Whoever waits while the descriptor is ready is woken in the end, and nobody after a cancel that
 * said it won. The first shows as an end state in which the waiter is not done, the second as a
 * failed assertion. check_model.sh runs it, and shows that it finds each fault that a -D puts in.
 *
 *   Waiter      a thread with the descriptor: async_registration.c, in poll form
 *   ProcessIo   the thread that calls process_io(): process_io.c, outbox.c, inbox.c, outage.c
 *   Daemon      session.c, io_driver.c, notifier.c; it may die at any step and come back
 *   Peer        makes the descriptor ready
 *   Canceller   kyron_async_registration_cancel() from another thread; with -DCANCEL
 *
 * -DLOCAL: local_fallback is on. -DNO_RETURN: with it, the last daemon that dies is the last.
 */

#ifndef BYTES
#define BYTES 2 /* that the peer writes, one by one */
#endif
#ifndef DEATHS
#define DEATHS 2 /* of the daemon */
#endif
#define OTHERS 1 /* frames for another descriptor of the session's */

/* The descriptor, and the two epoll sets that may have it: edge-triggered, so that an entry is on
 * the ready list after an edge until it is waited for; adding one that is ready is an edge. */
byte readable;
bool daemon_has, daemon_ready;
bool local_has, local_ready;

inline write_byte()
{
        atomic {
                readable++;
                if
                :: daemon_has -> daemon_ready = true
                :: else
                fi;
                if
                :: local_has -> local_ready = true
                :: else
                fi
        }
}

inline add_to_daemons_set()
{
        daemon_has = true;
#ifndef ADD_REPORTS_NOTHING
        daemon_ready = (readable > 0)
#endif
}

inline add_to_local_set()
{
        local_has = true;
        local_ready = (readable > 0)
}

/* Packets: registrations on their way to the daemon, readiness on its way to the client, of this
 * descriptor (1) or of another (0). */
chan to_daemon = [1] of { bit };
chan to_client = [1] of { bit };
bool daemon_lives = true;
byte deaths;
bool comes_back = true;

/* The handle's. */
bool locked;
bool connected = true;

/* The registration's word: whether it is readable, and the tick; see core/readiness.h. */
bool ready = true;
byte tick;
/* What its lock guards. */
bool known;   /* it has a slot: somebody had to wait once */
bool queued;  /* to be sent */
bool armed;   /* was sent */
bool waiting; /* the waker is in the registration's list */
bool woken;   /* or in the handle's */
bool called;     /* or was called */
bool cancelled;

#define LOCK atomic { !locked -> locked = true }
#define UNLOCK locked = false

/* async_registration_wake(), lock held: the word first, then the lists. */
inline wake()
{
        atomic {
                ready = true;
                tick++
        };
        atomic {
                if
                :: waiting ->
                        waiting = false;
                        woken = true
                :: else
                fi
        }
}

/* local_driver_serve(), lock held. */
inline serve_locally()
{
#ifdef LOCAL
#ifndef NO_LOCAL_SERVE
        if
        :: !connected && !local_has -> add_to_local_set()
        :: else
        fi
#endif
#endif
        skip
}

active proctype Waiter()
{
        byte bytes_read;
        byte seen;

        do
        :: bytes_read == BYTES -> break
        :: cancelled -> break
        :: else ->
                /* async_registration_is_ready() */
                if
                :: atomic { ready -> seen = tick };
                        /* The system call, which may say EAGAIN. */
                        if
                        :: atomic { readable > 0 ->
                                readable--;
                                bytes_read++ }
                        :: atomic { readable == 0 };
                                /* clear_readiness() */
                                atomic {
                                        if
#ifdef CLEAR_IGNORES_TICK
                                        :: true -> ready = false
#else
                                        :: tick == seen -> ready = false
                                        :: else
#endif
                                        fi
                                }
                        fi
                :: atomic { !ready };
                        /* async_registration_wait() */
                        LOCK;
                        if
#ifndef NO_RECHECK
                        :: ready -> UNLOCK
#endif
                        :: atomic {
#ifdef NO_RECHECK
                                true
#else
                                !ready
#endif
                                -> known = true };
                                /* outbox_add_io_source() */
                                serve_locally();
                                if
                                :: !armed -> queued = true
                                :: else
                                fi;
                                waiting = true;
                                UNLOCK;
                                if
                                :: atomic { called -> called = false }
                                :: cancelled
                                fi
                        fi
                fi
        od
}

active proctype ProcessIo()
{
end:
        do
        /* flush_all() */
        :: atomic { connected && queued && !locked && nfull(to_daemon) -> locked = true };
                if
                :: daemon_lives -> to_daemon!1
                :: else /* EPIPE: what it said before is still to be read */
                fi;
                if
                :: atomic { daemon_lives ->
                        queued = false;
                        armed = true;
                        local_has = false;
                        local_ready = false }
                :: else
                fi;
                UNLOCK
        /* inbox_receive(): a Readiness */
        :: atomic { connected && to_client?[0] -> to_client?0 }
        :: atomic { connected && to_client?[1] -> to_client?1 };
                LOCK;
                wake();
                UNLOCK
        /* inbox_receive(): the end, after all that was sent before. outage_begin() */
        :: atomic { connected && !daemon_lives && empty(to_client) && !locked -> locked = true };
                connected = false;
                armed = false;
#ifndef NO_REREGISTER
                queued = known;
#else
                queued = false;
#endif
                if
                :: known -> serve_locally()
                :: else
                fi;
                UNLOCK
        /* outage_on_greeted(): Welcome */
        :: atomic { !connected && daemon_lives && !locked -> connected = true }
        /* local_driver_wake() */
        :: atomic { local_ready -> local_ready = false };
                LOCK;
                wake();
                UNLOCK
        /* woken_run() */
        :: atomic { woken && !locked -> locked = true };
                atomic {
                        woken = false;
                        UNLOCK;
                        assert(!cancelled);
                        called = true
                }
        od
}

active proctype Daemon()
{
        byte others;

end:
        do
        /* add_io_source */
        :: atomic { daemon_lives && nempty(to_daemon) ->
                to_daemon?_;
                add_to_daemons_set() }
        /* process_io(): a client that has not read its last frame is not looked after. */
#ifdef POLLS_FULL_CLIENTS
        :: atomic { daemon_lives && daemon_ready ->
                daemon_ready = false;
                if
                :: empty(to_client) -> to_client!1
                :: nempty(to_client)
                fi }
#else
        :: atomic { daemon_lives && daemon_ready && empty(to_client) ->
                daemon_ready = false;
                to_client!1 }
#endif
        :: atomic { daemon_lives && others < OTHERS && empty(to_client) ->
                others++;
                to_client!0 }
        /* kill -9: its set goes, and what it had not read; not what the client has not. */
        :: atomic { daemon_lives && deaths < DEATHS ->
                daemon_lives = false;
                deaths++;
                daemon_has = false;
                daemon_ready = false;
                if
                :: nempty(to_daemon) -> to_daemon?_
                :: empty(to_daemon)
                fi;
#ifdef NO_RETURN
                comes_back = (deaths < DEATHS)
#endif
                }
        :: atomic { !daemon_lives && comes_back && !connected -> daemon_lives = true }
        od
}

active proctype Peer()
{
        byte written;

end:
        do
        :: written < BYTES ->
                write_byte();
                written++
        :: else -> break
        od
}

#ifdef CANCEL
active proctype Canceller()
{
end:
        /* Once, at any time, or never. */
        if
        :: true ->
                LOCK;
                atomic {
                        if
#ifdef CANCEL_FORGETS_THE_WOKEN
                        :: waiting || woken ->
                                waiting = false;
                                cancelled = true
#else
                        :: waiting || woken ->
                                waiting = false;
                                woken = false;
                                cancelled = true
#endif
                        :: else
                        fi
                };
                UNLOCK
        :: true
        fi
}
#endif
