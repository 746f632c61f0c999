/*
 * DescriptorKind: what a received descriptor is, found out without ever blocking.
 *
 * A descriptor from a client may be a file on a FUSE file system whose server answers never;
 * fstat() and epoll_ctl() on it would stop the daemon. fcntl(F_GETFL), statx() with
 * AT_STATX_DONT_SYNC and readlink() of /proc/self/fd/N do not ask the file system, so they come
 * first, and only kinds known to be safe to wait for go further. readlink() is the dearest by far
 * (1.7 us of 3; by the link of one number, opened once, 1.2), and no eventfd needs it
 * (eventfd_probe.h).
 *
 * Threads: the loop's only.
 */
#pragma once

#include <stdint.h>

typedef enum DescriptorKind {
        DESCRIPTOR_KIND_UNKNOWN,
        DESCRIPTOR_KIND_TCP,
        DESCRIPTOR_KIND_UDP,
        DESCRIPTOR_KIND_UNIX_STREAM,
        DESCRIPTOR_KIND_UNIX_DATAGRAM,
        DESCRIPTOR_KIND_UNIX_SEQPACKET,
        DESCRIPTOR_KIND_SOCKET, /* of another family or type */
        DESCRIPTOR_KIND_PIPE,   /* a FIFO too */
        DESCRIPTOR_KIND_EVENTFD,
        DESCRIPTOR_KIND_TIMERFD,
        DESCRIPTOR_KIND_INOTIFY,
        DESCRIPTOR_KIND_PIDFD,
        DESCRIPTOR_KIND_COUNT,
} DescriptorKind;

/* Before the first is classified, and after the last: a descriptor of /proc/self/fd. Where there is
 * no /proc, anonymous files (timerfds and the like) are refused; eventfds where no probe tells
 * them. */
void descriptor_kind_open(void);
void descriptor_kind_close(void);

/*
 * Classifies borrow_fd. 0 with *kind and *inode (0 where the file has none of its own), or with
 * error_text(): -EBADF an O_PATH descriptor, -EPERM a regular file or directory (always ready),
 * -EOPNOTSUPP a kind that is not waited for.
 */
int descriptor_kind_classify(int borrow_fd, DescriptorKind *kind, uint64_t *inode);

/*
 * The same in two steps, with fewer questions, for who puts what comes on a number of its own. The
 * first is as above, but that an O_PATH descriptor of a pipe or an anonymous file passes, which
 * nothing takes that uses it; and an anonymous file may be DESCRIPTOR_KIND_UNKNOWN: neither is a
 * file system's. The second says which one it is that is on the number now, by its link.
 */
int descriptor_kind_look(int borrow_fd, DescriptorKind *kind, uint64_t *inode);
int descriptor_kind_read_link(int borrow_link_fd, DescriptorKind *kind);
/* The link of a number that is open, the caller's; -1: there is none without /proc. */
int descriptor_kind_open_link(int number);
/* -EBADF with error_text(). */
int descriptor_kind_refuse_path(void);

/* "tcp", "unix-stream", …; never NULL. */
const char *descriptor_kind_name(DescriptorKind kind);
