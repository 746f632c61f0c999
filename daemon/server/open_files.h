/*
 * The limit of open files, and what is promised of it.
 */
#pragma once

#include "daemon/server/server.h"

/* Raises the limit of open files to what is promised, or as near as it goes, and makes the kernel's
 * table of them as large: what grows once there are threads stands still for 20 ms each time it
 * doubles (a grace period of the kernel's RCU). */
void open_files_raise(const Options *options, const Config *config);

/* The same, and makes sure that the sessions allowed can have their descriptors, with the closer's
 * lanes full and a full packet being received; or promises less. 0 or -errno with error_text(). */
int open_files_reserve(Server *server);
