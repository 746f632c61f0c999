/*
 * A directory for what is one user's alone.
 */
#pragma once

/* Whether only this user, and root, decide what is found in it under a name: it is theirs, and
 * others may not write it, or cannot remove there what is not theirs (sticky). 0, or with
 * error_text(): -EPERM it is not, and what to do; or what stat(2) says. */
int private_directory_check(const char *path);
