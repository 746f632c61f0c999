/*
 * The limit of open files, and what is promised of it.
 */
#pragma once

#include "daemon/server/server.h"

/* Sets the limit of open files so that what was promised can be had, or promises less. 0 or -errno
 * with error_text(). */
int open_files_reserve(Server *server);
