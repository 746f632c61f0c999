/* Waiting for the sessions' descriptors. See io_driver.h. */
#include "daemon/driver/io_driver.h"

#include "core/error.h"
#include "core/fd_list.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DUPLICATE_TRIES = 100 };

int io_driver_open(IoDriver *driver)
{
        struct rlimit limit;
        int r;

        *driver = (IoDriver)IO_DRIVER_INIT;
        unread_measure_charges(&driver->unread_charges);
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return -errno;
        driver->placeholder_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (driver->placeholder_fd >= 0)
                driver->scratch_fd =
                        dup3(driver->placeholder_fd, (int)limit.rlim_cur - 1, O_CLOEXEC);
        if (driver->scratch_fd < 0) {
                r = -errno;
                io_driver_close(driver);
                return r;
        }
        driver->scratch_link_fd = descriptor_kind_open_link(driver->scratch_fd);
        return 0;
}

void io_driver_close(IoDriver *driver)
{
        if (driver->scratch_fd >= 0)
                close(driver->scratch_fd);
        if (driver->placeholder_fd >= 0)
                close(driver->placeholder_fd);
        if (driver->scratch_link_fd >= 0)
                close(driver->scratch_link_fd);
        driver->placeholder_fd = driver->scratch_fd = driver->scratch_link_fd = -1;
}

/* How many entries a set may have in the kernel. A session that closes and registers all the time
 * has no more alive than its limit, and what the closer has not come to yet; the rest is what it
 * may close before the kernel is asked. */
static uint64_t watches_max(const RegistrationSet *set)
{
        return (uint64_t)set->limit * 2 + IO_DRIVER_CLOSING_MAX;
}

bool io_driver_is_cleanup_due(const RegistrationSet *set)
{
        return set->watches + FD_LIST_MAX >= watches_max(set);
}

bool io_driver_stays_crowded(const RegistrationSet *set)
{
        return set->watches + set->limit > watches_max(set) || io_driver_is_cleanup_due(set);
}

int io_driver_process_io(IoDriver *driver, RegistrationSet *set, Notifier *notifier, int *notified)
{
        size_t told = 0;
        uint32_t now;
        int n;

        *notified = 0;
        n = selector_wait(&set->selector, driver->ready, FRAME_EVENTS_MAX, 0);
        if (n < 0)
                return n == -EINTR ? 0 : n;
        now = registration_info_now();

        for (int i = 0; i < n; i++) {
                const IoId id = selector_event_id(&driver->ready[i]);
                const Readiness readiness = selector_event_readiness(&driver->ready[i]);
                RegistrationInfo *info = registration_set_recreate(set, id);

                if (!info)
                        continue;
                registration_info_wake(info, readiness, now);
                driver->packed[told++] = io_id_pack(id, readiness);
        }
        if (told == 0)
                return 0;

        *notified = notifier_send_readiness(notifier, driver->packed, told);
        if (*notified < 0)
                return *notified;
        driver->events += told;
        driver->frames++;
        return (int)told;
}

/* What passes by itself is tried again, but not for ever. 0 or -errno. */
static int duplicate_onto(int borrow_fd, int number)
{
        int tries = DUPLICATE_TRIES;

        while (dup3(borrow_fd, number, O_CLOEXEC) < 0) {
                if ((errno != EBUSY && errno != EINTR) || --tries == 0)
                        return -errno;
        }
        return 0;
}

static int put_on_scratch(const IoDriver *driver, int borrow_fd)
{
        int r = duplicate_onto(borrow_fd, driver->scratch_fd);

        return r < 0 ? error_set(-r, "cannot duplicate the descriptor: %s", strerror(-r)) : 0;
}

/* Puts a file on the scratch number, if it is one that is waited for; and says which kind. */
static int place(const IoDriver *driver, int borrow_fd, DescriptorKind *kind, uint64_t *inode)
{
        int r = descriptor_kind_look(borrow_fd, kind, inode);

        if (r == 0)
                r = put_on_scratch(driver, borrow_fd);
        if (r == 0 && *kind == DESCRIPTOR_KIND_UNKNOWN)
                r = descriptor_kind_read_link(driver->scratch_link_fd, kind);
        return r;
}

static int say_why_not_added(int r)
{
        switch (-r) {
        case EBADF:
                return descriptor_kind_refuse_path();
        case EEXIST:
                return error_set(
                        EEXIST,
                        "this file is registered in this session already, perhaps by dup()");
        case EPERM:
                return error_set(EPERM, "this kind of file cannot be waited for");
        case EINVAL:
                return error_set(EINVAL, "500 sessions wait for this file already");
        case ENOSPC:
                return error_set(ENOSPC, "the daemon is at fs.epoll.max_user_watches");
        default:
                return error_set(-r, "the kernel refused to wait for this file");
        }
}

/* As of a file that the set does not have; it is on the scratch number. */
static int add_watch(const IoDriver *driver, RegistrationSet *set, IoId id, Readiness interest)
{
        int r;

        if (set->watches >= watches_max(set))
                return error_set(
                        EDQUOT,
                        "files this session gave up are still open: close them, or remove them");
        r = selector_add(&set->selector, driver->scratch_fd, id, interest);
        return r < 0 ? say_why_not_added(r) : 0;
}

/* Whether one that is not watched can be of this file. */
static bool may_be_noted_file(const RegistrationInfo *info, DescriptorKind kind, uint64_t inode)
{
        return info->kind == kind && (info->inode == 0 || info->inode == inode);
}

/* Has a registration watched that was not. */
static int watch(IoDriver *driver, RegistrationInfo *info, RegistrationSet *set, int borrow_fd,
                 IoId id, Readiness interest)
{
        DescriptorKind kind;
        uint64_t inode;
        int r = place(driver, borrow_fd, &kind, &inode);

        if (r == 0 && !may_be_noted_file(info, kind, inode))
                r = error_set(ESTALE, "slot %u is registered for another file", io_id_slot(id));
        if (r == 0)
                r = add_watch(driver, set, id, interest);
        if (r < 0)
                return r;
        info->inode = inode;
        info->interest = interest;
        info->unwatched = false;
        info->mark = set->mark;
        set->watches++;
        driver->registrations++;
        return 0;
}

/*
 * Whether this can be the registered file, without a question to its file system: epoll finds the
 * entry by the file, not by the id, and the file may be registered under another one. Files without
 * an inode of their own (eventfd and its like) are told apart by their kind only; who mixes these
 * up in one request harms no session but its own. If it can, it is on the scratch number.
 */
static bool may_be_registered_file(const IoDriver *driver, const RegistrationInfo *info,
                                   int borrow_fd)
{
        DescriptorKind kind;
        uint64_t inode;

        if (place(driver, borrow_fd, &kind, &inode) < 0)
                return false;
        return kind == info->kind && inode == info->inode;
}

static int widen(IoDriver *driver, RegistrationInfo *info, RegistrationSet *set, int borrow_fd,
                 IoId id, Readiness interest)
{
        int r;

        if (!may_be_registered_file(driver, info, borrow_fd))
                return error_set(ESTALE, "slot %u is registered for another file", io_id_slot(id));
        r = selector_modify(&set->selector, driver->scratch_fd, id, interest);
        if (r == -ENOENT)
                return error_set(ESTALE, "slot %u is registered for another file", io_id_slot(id));
        if (r < 0)
                return say_why_not_added(r);
        info->interest = interest;
        return 0;
}

int io_driver_add_io_source(IoDriver *driver, RegistrationSet *set, int borrow_fd, IoId id,
                            Readiness interest)
{
        RegistrationInfo *info = registration_set_recreate(set, id);
        DescriptorKind kind;
        uint64_t inode;
        int r;

        if (!(interest & READINESS_INTERESTS) || (interest & ~READINESS_INTERESTS))
                return error_set(EINVAL, "interest %#x is not made of READABLE, WRITABLE, PRIORITY",
                                 interest);
        if (info)
                return info->unwatched ? watch(driver, info, set, borrow_fd, id, interest)
                                       : widen(driver, info, set, borrow_fd, id, interest);

        r = place(driver, borrow_fd, &kind, &inode);
        if (r == 0)
                r = registration_set_check(set, id);
        if (r == 0)
                r = add_watch(driver, set, id, interest);
        if (r < 0)
                return r;
        r = registration_set_use(set, id,
                                 (RegistrationInfo){
                                         .interest = interest,
                                         .kind = kind,
                                         .inode = inode,
                                 });
        if (r < 0)
                selector_remove(&set->selector, driver->scratch_fd);
        else
                driver->registrations++;
        return r;
}

int io_driver_note_io_source(RegistrationSet *set, IoId id, DescriptorKind kind)
{
        int r = registration_set_check(set, id);

        if (r < 0)
                return r;
        return registration_set_use(set, id,
                                    (RegistrationInfo){
                                            .kind = kind,
                                            .unwatched = true,
                                    });
}

static int remove_watch(IoDriver *driver, RegistrationSet *set, int borrow_fd)
{
        int r = put_on_scratch(driver, borrow_fd);

        if (r < 0)
                return r;
        r = selector_remove(&set->selector, driver->scratch_fd);
        if (r < 0)
                return error_set(ENOENT, "the descriptor sent along is not the registered file");
        set->watches--;
        return 0;
}

int io_driver_remove_io_source(IoDriver *driver, RegistrationSet *set, int borrow_fd, IoId id)
{
        RegistrationInfo *info = registration_set_recreate(set, id);
        int r;

        if (!info)
                return error_set(ESTALE, "slot %u generation %u is not registered", io_id_slot(id),
                                 io_id_generation(id));
        if (!info->unwatched && !may_be_registered_file(driver, info, borrow_fd))
                return error_set(ENOENT, "the descriptor sent along is not the registered file");
        r = info->unwatched ? 0 : remove_watch(driver, set, borrow_fd);
        if (r == 0)
                registration_set_forget(set, id);
        return r;
}

void io_driver_withdraw_io_source(IoDriver *driver, RegistrationSet *set, int borrow_fd, IoId id)
{
        const RegistrationInfo *info = registration_set_recreate(set, id);

        if (!info)
                return;
        if (!info->unwatched)
                remove_watch(driver, set, borrow_fd);
        registration_set_withdraw(set, id);
}

void io_driver_end_batch(IoDriver *driver)
{
        int r = duplicate_onto(driver->placeholder_fd, driver->scratch_fd);

        /* The number is open and the placeholder too: it is the kernel's failure. The next batch
         * takes the file off. */
        if (r < 0)
                log_daemon(LOG_ERR, "a client's file stays open for a while: %s", strerror(-r));
}
