/*
 * Whether a descriptor of an anonymous file is an eventfd, told by the kernel in less than half the
 * time that the link of its number takes.
 *
 * Linux has no call for that question. But each kind of file says differently why it will not do
 * what it cannot do, and an eventfd says two things that no other does: it cannot be written to
 * with flags (EOPNOTSUPP), for it takes none; and it cannot be read into so few bytes (EINVAL),
 * where others that take no flags for a write take none for a read either. Nothing is ever read or
 * written: there are too few bytes, and they are nowhere. The answer never waits. What the answers
 * are is tried before they are relied upon.
 *
 * To be asked of files without a type alone: of a socket, an eventfd's questions are a read and a
 * write.
 *
 * Threads: the loop's only.
 */
#pragma once

#include <stdbool.h>

/* Where the kernel answers otherwise, eventfd_probe() says false of all. */
void eventfd_probe_open(void);
void eventfd_probe_close(void);

/* true: it is one. false: it is none, or cannot be told. */
bool eventfd_probe(int borrow_fd);
