/* A session's registrations, charged to its user. See session_source.h. */
#include "daemon/session/session_source.h"

#include "core/error.h"
#include "daemon/session/sessions.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int session_open_set(Session *session)
{
        Selector *selector = &session->registrations.selector;
        int r;

        if (session->set_watch.ready)
                return 0;
        r = selector->epoll_fd >= 0 ? 0 : selector_open(selector);
        if (r < 0)
                return error_set(-r, "no epoll set for this session: %s", strerror(-r));
        if (set_watch_open(&session->set_watch, selector->epoll_fd) < 0)
                return error_set(ENOMEM, "no memory to wait for registrations");
        return 0;
}

/* Whether another packet's may not find room. */
bool session_is_crowded(const Session *session)
{
        return session->registrations.watches > 0 &&
               !share_has_room(&session->sessions->watches->share, session->user->watches,
                               FD_LIST_MAX);
}

static void charge_watches(Session *session, uint64_t watches)
{
        Share *share = &session->sessions->watches->share;

        if (watches > session->charged_watches)
                share_take(share, &session->user->watches, watches - session->charged_watches);
        else
                share_give_back(share, &session->user->watches, session->charged_watches - watches);
        session->charged_watches = watches;
}

void session_settle_registrations(Session *session)
{
        uint32_t surplus = session->charged_registrations - session->registrations.count;

        assert(session->charged_registrations >= session->registrations.count);
        quota_discharge(session->user, QUOTA_REGISTRATIONS, surplus);
        session->sessions->registration_count -= surplus;
        session->program->registrations -= surplus;
        session->charged_registrations -= surplus;
        charge_watches(session, session->registrations.watches + session->move.watches);
}

/* For another file, whichever slot it is for: what was in it may be open still. */
static int check_watches(Session *session)
{
        session_settle_registrations(session);
        return share_check(&session->sessions->watches->share, session->user->watches, 1,
                           "epoll watches", "close some");
}

static int charge_registration(Session *session)
{
        Sessions *sessions = session->sessions;
        int r = quota_charge(session->user, QUOTA_REGISTRATIONS, 1);

        if (r < 0)
                return r;
        session->charged_registrations++;
        sessions->registration_count++;
        session->program->registrations++;
        return 0;
}

int session_add_io_source(Session *session, int borrow_fd, uint64_t packed)
{
        IoId id = io_id_unpack(packed);
        RegistrationSet *set = &session->registrations;
        const RegistrationInfo *info = registration_set_recreate(set, id);
        int r;

        if (session->is_direct)
                return error_set(EINVAL, "the session is direct: its client waits itself");
        r = session_open_set(session);
        if (r == 0 && (!info || info->unwatched))
                r = check_watches(session);
        if (r == 0 && !registration_set_is_occupied(set, id))
                r = charge_registration(session);
        if (r == 0)
                r = io_driver_add_io_source(session->sessions->driver, set, borrow_fd, id,
                                            io_id_unpack_readiness(packed));
        if (r == -ENOSPC)
                watches_ran_out(session->sessions->watches);
        return r;
}

int session_note_io_source(Session *session, IoId id, DescriptorKind kind)
{
        RegistrationSet *set = &session->registrations;
        int r = 0;

        if (!registration_set_is_occupied(set, id))
                r = charge_registration(session);
        return r < 0 ? r : io_driver_note_io_source(set, id, kind);
}

int session_remove_io_source(Session *session, int borrow_fd, IoId id)
{
        return io_driver_remove_io_source(session->sessions->driver, &session->registrations,
                                          borrow_fd, id);
}

void session_withdraw_io_source(Session *session, int borrow_fd, IoId id)
{
        IoDriver *driver = session->sessions->driver;

        io_driver_withdraw_io_source(driver, &session->registrations, borrow_fd, id);
        io_driver_end_batch(driver);
        session_settle_registrations(session);
}
