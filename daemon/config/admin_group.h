/*
 * AdminGroup: the group whose members see and steer everything, as the name service knows it.
 */
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/options.h"
#include "daemon/process/peer.h"

typedef struct AdminGroup {
        bool is_known; /* there is one */
        gid_t gid;
        char name[CONFIG_GROUP_NAME_MAX + 1]; /* whose gid that is */
} AdminGroup;

/* The one that is configured, from now on; none for a private instance. found is what
 * accounts_find_group() has said of it, and gid what it has found; where it could not be looked up,
 * the one that had this name stays. */
void admin_group_set(AdminGroup *group, const Options *options, const Config *config, int found,
                     gid_t gid);
/* Looks it up first. Asks the name service. */
void admin_group_find(AdminGroup *group, const Options *options, const Config *config);
bool admin_group_has(const AdminGroup *group, const Peer *peer);
