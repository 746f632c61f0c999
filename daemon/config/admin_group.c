/* Who sees everything. See admin_group.h. */
#include "daemon/config/admin_group.h"

#include "daemon/config/accounts.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void admin_group_set(AdminGroup *group, const Options *options, const Config *config, int found,
                     gid_t gid)
{
        const char *name = config->admin_group;
        const bool is_the_same = group->is_known && strcmp(group->name, name) == 0;

        group->is_known = false;
        if (options->user)
                return;
        if (found == 0) {
                group->is_known = true;
                group->gid = gid;
                snprintf(group->name, sizeof(group->name), "%s", name);
        } else if (found == -ENOENT) {
                log_daemon(LOG_NOTICE, "there is no group %s: only root sees every user's sessions",
                           name);
        } else {
                /* For want of an answer, or of descriptors or memory to look with: as it was. */
                group->is_known = is_the_same;
                log_daemon(LOG_WARNING, "cannot look up the group %s: %s", name, strerror(-found));
        }
}

void admin_group_find(AdminGroup *group, const Options *options, const Config *config)
{
        gid_t gid = 0;
        int found = options->user ? -ENOENT : accounts_find_group(config->admin_group, &gid);

        admin_group_set(group, options, config, found, gid);
}

bool admin_group_has(const AdminGroup *group, const Peer *peer)
{
        return group->is_known && peer_is_in_group(peer, group->gid);
}
