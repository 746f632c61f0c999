/*
 * One descriptor from the client's wait to its wake, across daemons that die and moves between the
 * daemon and the client's process: a model for spin.
 *
 * Whoever waits while the descriptor is ready is woken in the end, and nobody after a cancel that
 * said it won; and nobody waits for a move: whoever of the two lets go of the descriptor, the other
 * has it. The first shows as an end state in which the waiter is not done, the others as failed
 * assertions. check_model.sh runs it, and shows that it finds each fault that a -D puts in.
 *
 *   Waiter      a thread with the descriptor: async_registration.c, in poll form
 *   ProcessIo   the thread that calls process_io(): process_io.c, outbox.c, inbox.c, outage.c,
 *               moving.c
 *   Daemon      session.c, io_driver.c, notifier.c; it may die at any step and come back
 *   Mover       kyron_io_driver_handle_set_delivery() from another thread; with -DMOVES=n, n times
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
#ifndef MOVES
#define MOVES 0 /* to the client's process, and back */
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

/* Packets. To the daemon: the registration, SetDelivery, and the question whether it has read all
 * that. To the client: readiness of this descriptor or of another, and the answers. */
#define REGISTER 1
#define DIRECT   2
#define RELAYED  3
#define ASK      4
#define OTHER    0
#define READY    1
#define DONE     2
#define STATUS   3
chan to_daemon = [1] of { byte };
chan to_client = [1] of { byte };
bool daemon_lives = true;
byte deaths;
bool comes_back = true;

/* The handle's. */
bool locked;
bool connected = true;
bool wants_direct; /* what the program wants */
bool direct;       /* who serves it: this process, or the daemon */
bool told_direct;  /* what the daemon was told last */
bool asked;        /* and has not answered */
byte handover;     /* 1: the registration was sent, 2: and the question whether it is there */

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

#ifdef TELLS_FIRST
#define MAY_GO nfull(to_daemon)
#else
#define MAY_GO true
#endif

#ifdef LOCAL
#ifdef NO_LOCAL_SERVE
#define SERVES direct
#else
#define SERVES (direct || !connected)
#endif
#else
#define SERVES direct
#endif

/* local_driver_serve(), lock held. */
inline serve_locally()
{
        atomic {
                if
                :: SERVES && !local_has -> add_to_local_set()
                :: else
                fi
        }
}

/* local_driver_leave(): from here on it is the daemon's alone, and a living one has it. */
inline leave_local_set()
{
        atomic {
                assert(!local_has || daemon_has || !daemon_lives);
                local_has = false;
                local_ready = false
        }
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
                                :: !armed && !direct -> queued = true
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
        /* moving_settle(): one SetDelivery at a time. */
        :: atomic { connected && !asked && wants_direct && !direct && MAY_GO && !locked ->
                locked = true };
#ifdef TELLS_FIRST
                atomic {
                        to_daemon!DIRECT;
                        told_direct = true;
                        asked = true
                };
#endif
                direct = true;
                if
                :: known -> serve_locally()
                :: else
                fi;
                atomic {
                        queued = false;
                        handover = 0
                };
                UNLOCK
        :: atomic { connected && !asked && !wants_direct && direct && !locked ->
                direct = false;
                queued = known }
        /* moving_flush() */
        :: atomic { connected && !asked && direct != told_direct && daemon_lives &&
                    nfull(to_daemon) && !locked ->
                told_direct = direct;
                asked = true;
                if
                :: direct -> to_daemon!DIRECT
                :: else -> to_daemon!RELAYED
                fi }
        /* outbox_flush_sources() */
        :: atomic { connected && queued && !told_direct && direct == told_direct && !locked &&
                    nfull(to_daemon) -> locked = true };
                if
                :: atomic { daemon_lives ->
                        to_daemon!REGISTER;
                        queued = false;
                        armed = true;
                        if
                        :: local_has -> handover = 1
                        :: else
                        fi };
#ifdef NO_QUESTION
                        leave_local_set()
#endif
                :: else /* EPIPE: what it said before is still to be read */
                fi;
                UNLOCK
        /* flush_handover() */
        :: atomic { connected && handover == 1 && !queued && daemon_lives && nfull(to_daemon) &&
                    !locked ->
                to_daemon!ASK;
                handover = 2 }
        /* inbox_receive(): a Readiness */
        :: atomic { connected && to_client?[OTHER] -> to_client?OTHER }
        :: atomic { connected && to_client?[READY] -> to_client?READY };
                LOCK;
                wake();
                UNLOCK
        /* moving_on_answer() */
        :: atomic { connected && to_client?[DONE] && !locked ->
                to_client?DONE;
                asked = false }
        /* local_driver_end_handover() */
        :: atomic { connected && to_client?[STATUS] && !locked ->
                to_client?STATUS;
                locked = true };
                if
                :: handover == 2 ->
                        handover = 0;
                        if
                        :: !queued -> leave_local_set()
                        :: else
                        fi
                :: else
                fi;
                UNLOCK
        /* inbox_receive(): the end, after all that was sent before. outage_begin() */
        :: atomic { connected && !daemon_lives && empty(to_client) && !locked -> locked = true };
                atomic {
                        connected = false;
                        armed = false;
                        told_direct = false;
                        asked = false;
                        handover = 0
                };
#ifndef NO_REREGISTER
                queued = known && !direct;
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
        :: atomic { daemon_lives && to_daemon?[REGISTER] ->
                to_daemon?REGISTER;
                add_to_daemons_set() }
        /* set_delivery */
        :: atomic { daemon_lives && to_daemon?[DIRECT] && empty(to_client) ->
                to_daemon?DIRECT;
                assert(!daemon_has || local_has);
                daemon_has = false;
                daemon_ready = false;
                to_client!DONE }
        :: atomic { daemon_lives && to_daemon?[RELAYED] && empty(to_client) ->
                to_daemon?RELAYED;
                to_client!DONE }
        /* get_status */
        :: atomic { daemon_lives && to_daemon?[ASK] && empty(to_client) ->
                to_daemon?ASK;
                to_client!STATUS }
        /* process_io(): a client that has not read its last frame is not looked after. */
#ifdef POLLS_FULL_CLIENTS
        :: atomic { daemon_lives && daemon_ready ->
                daemon_ready = false;
                if
                :: empty(to_client) -> to_client!READY
                :: nempty(to_client)
                fi }
#else
        :: atomic { daemon_lives && daemon_ready && empty(to_client) ->
                daemon_ready = false;
                to_client!READY }
#endif
        :: atomic { daemon_lives && others < OTHERS && empty(to_client) ->
                others++;
                to_client!OTHER }
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

#if MOVES > 0
active proctype Mover()
{
        byte moves;

end:
        do
        :: atomic { moves < MOVES ->
                moves++;
                wants_direct = !wants_direct }
        :: break
        od
}
#endif

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
